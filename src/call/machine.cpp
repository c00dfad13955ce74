// Handles the events and time limits of a call. Everything is decided from arguments and state; nothing blocks.
#include "call/machine.hpp"

#include <algorithm>
#include <utility>

namespace holysheep::call {

namespace {

using namespace std::chrono_literals;

// Calls that waited for a region return to it spread over this time.
constexpr auto kReturnWithin = 400ms;

}  // namespace

CallMachine::CallMachine(const CallPolicy& policy, std::span<const std::size_t> plan, values::ModelId model,
                         const health::RegionHealthTracker& regions, const Budgets& budgets, const RoomView& rooms)
    : policy_(policy),
      plan_(plan),
      regions_(regions),
      budgets_(budgets),
      rooms_(rooms),
      planner_(policy, plan, model, regions, budgets, rooms, attempts_),
      silence_(policy, regions) {}

// ---- events ----

Commands CallMachine::start(time_point now) {
    Commands out;
    // A single region is never blocked, because there is no alternative; but another model may be.
    if (plan_.size() == 1 && !regions_.model_breaker_admits(plan_.front(), planner_.model(), now)) {
        if (const auto move = planner_.move_to_fallback(nullptr, now)) {
            dispatch(*move, now, out);
            return out;
        }
    }
    if (const auto region = planner_.next_untried(now)) {
        const auto kind = planner_.model_number() == 0 ? AttemptKind::first : AttemptKind::fallback_model;
        dispatch({.region = *region, .kind = kind, .when = now}, now, out);
        return out;
    }
    if (auto full = planner_.full_regions(now); !full.empty()) {
        await_room({.kind = AttemptKind::first}, std::move(full), out);
        return out;
    }
    if (const auto move = planner_.move_to_fallback(nullptr, now)) {
        dispatch(*move, now, out);
        return out;
    }
    auto why_not = Ending::no_region;
    if (const auto move = planner_.move_in_outage(true, now, why_not)) {
        follow(*move, now, out);
        return out;
    }
    if (const auto move = planner_.ask_without_model(now)) {
        dispatch(*move, now, out);
        return out;
    }
    finish(why_not, 0, out);
    return out;
}

bool CallMachine::on_connected(int attempt, time_point now, Commands& commands) {
    auto& a = at(attempt);
    if (finished() || a.phase != Phase::connecting) return false;
    if (planner_.deadline() && now >= *planner_.deadline()) return false;
    a.phase = Phase::waiting;
    a.sent = now;
    silence_.on_connected(a, now);
    // Only connections race, not requests: a late handshake must not cause two billed answers.
    for (int other = 1; other <= attempts_.count(); ++other) {
        auto& rival = at(other);
        if (other == attempt || rival.phase != Phase::connecting) continue;
        rival.phase = Phase::ended;
        rival.lost = true;
        // The rival began earlier and is still not connected: remember that, or every call would wait for it again.
        if (rival.raced) commands.push({.kind = Command::Kind::late, .attempt = other, .region = rival.region});
        commands.push({.kind = Command::Kind::cancel, .attempt = other, .region = rival.region});
    }
    return true;
}

Commands CallMachine::on_first_byte(int attempt, time_point now) {
    auto& a = at(attempt);
    if (a.phase == Phase::connecting || a.phase == Phase::waiting) {
        a.phase = Phase::receiving;
        a.progress = now;
    }
    return {};
}

Commands CallMachine::on_content(int attempt, time_point now) {
    Commands out;
    auto& a = at(attempt);
    if (finished() || !a.in_flight()) return out;
    a.progress = now;
    if (committed_ != 0) return out;
    committed_ = attempt;
    a.phase = Phase::committed;
    cancel_others(attempt, out);
    out.push({.kind = Command::Kind::commit, .attempt = attempt, .region = a.region});
    return out;
}

nanoseconds CallMachine::on_progress(int attempt, time_point now) {
    at(attempt).body = true;
    return now - std::exchange(at(attempt).progress, now);
}

Commands CallMachine::on_end(int attempt, const Outcome& outcome, const Verdict& verdict, time_point now) {
    Commands out;
    auto& a = at(attempt);
    if (finished() || !a.in_flight()) return out;
    a.phase = Phase::ended;
    a.ended = now;
    a.outcome = outcome;
    a.verdict = verdict;
    if (outcome.answered) {
        budgets_.retries.earn();
        cancel_others(attempt, out);
        finish(Ending::answered, attempt, out);
        return out;
    }
    if (outcome.error == ErrorCode::cancelled && planner_.deadline() && now >= *planner_.deadline()) {
        // It was turned away because its connection was ready too late.
        finish(Ending::deadline, 0, out);
        return out;
    }
    fail(attempt, verdict, now, out);
    return out;
}

Commands CallMachine::on_wake(time_point now) {
    Commands out;
    if (finished()) return out;
    const bool deadline_counts = committed_ == 0 || policy_.deadline_covers_stream;
    if (planner_.deadline() && deadline_counts && now >= *planner_.deadline()) {
        finish(Ending::deadline, committed_, out);
        return out;
    }
    if (pending_ && pending_->move.when <= now) {
        const auto wait = *std::exchange(pending_, std::nullopt);
        const auto& move = wait.move;
        if (wait.queued && attempts_.empty()) return start(now);  // much may have changed meanwhile
        auto why_not = Ending::open;
        if (move.outage) {
            if (attempts_.empty()) return start(now);
            const auto next = planner_.after_outage_wait(move, wait.back, now, why_not);
            return follow_or_end(next, why_not, now);
        }
        if (planner_.still_valid(move, now)) {
            dispatch(move, now, out);
            return out;
        }
        if (attempts_.empty()) return start(now);
        const auto next = planner_.replace(move, now, why_not);
        return follow_or_end(next, why_not, now);
    }
    for (int i = 1; i <= attempts_.count() && !finished(); ++i) {
        const auto expiry = expiry_of(at(i), now);
        if (expiry && expiry->when <= now) {
            // One at a time: the driver ends this attempt, reports it with on_end, and calls again.
            out.push({.kind = Command::Kind::cancel, .attempt = i, .region = at(i).region, .limit = expiry->limit});
            return out;
        }
    }
    check_timers(now, out);
    return out;
}

/// Each step that requests another attempt ends this pass; the reply resumes it.
void CallMachine::check_timers(time_point now, Commands& out) {
    if (finished() || hedge(now, out) || back_up(now, out)) return;
    if (plan_.size() > 1) watch_for_silence(now, out);
}

Commands CallMachine::on_cancel(time_point) {
    Commands out;
    if (!finished()) finish(Ending::cancelled, committed_, out);
    return out;
}

Commands CallMachine::on_permit_ready(time_point now) {
    if (finished() || !pending_ || !pending_->queued) return {};
    pending_->move.when = now;
    return on_wake(now);
}

Commands CallMachine::on_region_back(std::size_t region, time_point now) {
    if (finished() || !pending_ || !(pending_->move.outage || pending_->queued) ||
        std::ranges::find(plan_, region) == plan_.end())
        return {};
    auto when = now;
    if (regions_.usable(region, planner_.model(), now)) {
        if (pending_->back) return {};
        pending_->back = region;
        const nanoseconds spread = std::chrono::round<nanoseconds>(kReturnWithin * planner_.random());
        when = now + spread;
    }
    if (when < pending_->move.when) pending_->move.when = when;
    return {};
}

// ---- timers ----

std::optional<time_point> CallMachine::wake_at(time_point now) const {
    if (finished()) return std::nullopt;
    auto wake = time_point::max();
    const auto consider = [&](time_point when) { wake = std::min(wake, when); };
    if (planner_.deadline() && (committed_ == 0 || policy_.deadline_covers_stream)) consider(*planner_.deadline());
    if (pending_) consider(pending_->move.when);
    for (const auto& a : attempts_) {
        if (!a.in_flight()) continue;
        if (const auto expiry = expiry_of(a, now)) consider(expiry->when);
        // Whether failover is possible may change meanwhile, and the limit with it: check again then.
        if (a.phase == Phase::connecting || a.phase == Phase::waiting) {
            for (const auto span : {policy_.first_byte, policy_.first_byte_last}) {
                if (span.count() > 0 && a.started + span > now) consider(a.started + span);
            }
        }
        if (a.phase == Phase::receiving && !policy_.stream && !a.body && a.progress + policy_.first_body > now) {
            consider(a.progress + policy_.first_body);
        }
        if (plan_.size() < 2) continue;
        if (const auto check = silence_.next_check(a)) consider(*check);
        if (const auto backup = backup_of(a)) consider(std::max(backup->when, no_backup_before_));
    }
    if (policy_.hedge_after && !hedge_over_ && !attempts_.empty()) {
        consider(attempts_.front().started + *policy_.hedge_after);
    }
    if (wake == time_point::max()) return std::nullopt;
    return wake;
}

/// The limit of an attempt that expires next. A committed one is not abandoned for another region, so none is looked
/// for.
std::optional<Expiry> CallMachine::expiry_of(const Attempt& a, time_point now) const {
    return call::expiry_of(a, policy_, a.without_content() && planner_.can_move_at_once(now));
}

/// Without an alternative, a call waits in any case; but a dead stream must not look alive.
bool CallMachine::wants_sign_of_life() const {
    return policy_.sign_of_life.count() > 0 && regions_.size() > 1 && (plan_.size() > 1 || policy_.stream);
}

}  // namespace holysheep::call
