// Requests the permit and the room of each attempt, and begins the attempt once both are granted.
#include <algorithm>
#include <iterator>
#include <utility>

#include "call/machine.hpp"

namespace holysheep::call {

namespace {

/// The attempt was requested by a timer, not by an event: the pass over the time limits resumes afterwards.
bool is_due_by_clock(Evidence because) {
    return because != Evidence::unacknowledged && because != Evidence::no_probe_answer;
}

}  // namespace

/// Acquires what the attempt needs; it begins when that is granted.
void CallMachine::dispatch(const Move& move, time_point now, Commands& out) {
    if (planner_.deadline() && now >= *planner_.deadline()) {
        finish(Ending::deadline, 0, out);
        return;
    }
    if (rooms_.has_room(move.region, planner_.model(), now)) {
        acquire({.move = move}, out);
        return;
    }
    auto full = planner_.full_regions(now);
    if (full.empty()) full.push_back(move.region);
    await_room(move, std::move(full), out);
}

void CallMachine::acquire(const Request& request, Commands& out) {
    requested_ = request;
    in_queue_ = true;
    const auto& move = request.move;
    out.push({.kind = Command::Kind::acquire,
              .attempt = attempts_.count() + 1,
              .region = move.region,
              .model = planner_.model_number(),
              .beside = move.beside,
              .shares = move.beside != 0 && at(move.beside).phase == Phase::connecting});
}

void CallMachine::await_room(const Move& move, std::vector<std::size_t> full, Commands& out) {
    requested_ = Request{.move = move};
    in_queue_ = true;
    awaited_regions_ = std::move(full);
    out.push({.kind = Command::Kind::await_room, .model = planner_.model_number()});
}

void CallMachine::release(Commands& out) {
    if (std::exchange(in_queue_, false)) out.push({.kind = Command::Kind::release});
}

Commands CallMachine::on_granted(time_point now) {
    Commands out;
    if (finished() || !requested_) return out;
    const auto request = *std::exchange(requested_, std::nullopt);
    const bool beside = request.move.beside != 0;
    if (beside) pay_beside(request);
    begin(request.move, now, out);
    if (beside && is_due_by_clock(request.move.because)) check_timers(now, out);
    return out;
}

Commands CallMachine::on_queued(time_point until) {
    Commands out;
    if (finished() || !requested_) return out;
    const auto request = *std::exchange(requested_, std::nullopt);
    if (attempts_.in_flight() > 0) {
        // The call continues without this attempt: if it waited beside a rival, it would be sent after the rival's
        // answer began.
        release(out);
        return out;
    }
    pending_ = Wait{.move = request.move, .queued = true};
    pending_->move.when = until;
    return out;
}

Commands CallMachine::on_refused(time_point now) {
    Commands out;
    if (finished() || !requested_) return out;
    const auto move = std::exchange(requested_, std::nullopt)->move;
    if (move.beside != 0) {
        in_queue_ = false;
        if (move.kind == AttemptKind::backup) lacks_backup(move.beside, move.because, now);
        if (is_due_by_clock(move.because)) check_timers(now, out);
    } else if (attempts_.in_flight() > 0) {
        release(out);
    } else {
        finish(Ending::not_admitted, attempts_.count(), out);
    }
    return out;
}

void CallMachine::begin(const Move& move, time_point now, Commands& out) {
    if (planner_.deadline() && now >= *planner_.deadline()) {
        finish(Ending::deadline, 0, out);
        return;
    }
    if (move.panic) planner_.pay_for_canary();
    in_queue_ = false;
    Attempt attempt{.region = move.region,
                    .model = planner_.model_number(),
                    .kind = move.kind,
                    .canary = move.panic,
                    .started = now,
                    .progress = now};
    silence_.on_started(attempt, now);
    attempt.on_trial = !regions_.healthy(move.region, planner_.model(), now);
    attempt.explores = regions_.alive_at(move.region) != time_point{} && regions_.unasked_for_long(move.region, now);
    const int number = attempts_.add(attempt);
    out.push({.kind = Command::Kind::start,
              .attempt = number,
              .region = move.region,
              .attempt_kind = move.kind,
              .fresh_connection = move.fresh_connection,
              .maybe_duplicated = move.maybe_duplicated,
              .panic = move.panic,
              .model = planner_.model_number(),
              .beside = move.beside,
              .because = move.because});
}

}  // namespace holysheep::call
