// Handles a failed attempt: commitment, the user's policy, the next move, the end of the call. The rules:
// move_planner.cpp.
#include <algorithm>
#include <utility>

#include "call/machine.hpp"

namespace holysheep::call {

/// Whether the caller wants another attempt after content, and one may help.
bool CallMachine::recovers(const Outcome& outcome, Verdict verdict) const {
    switch (policy_.recovery) {
        case StreamRecovery::terminate: return false;
        case StreamRecovery::restart: break;
        case StreamRecovery::continue_prefix:
            if (!outcome.resumable) return false;
            break;
    }
    const bool broke_off = outcome.error == ErrorCode::stream_interrupted || outcome.error == ErrorCode::stream_stalled;
    return broke_off || verdict.action != Action::stop;
}

void CallMachine::fail(int attempt, Verdict verdict, time_point now, Commands& out) {
    record_failure(attempt, verdict, now);
    if (committed_ == attempt && !release_commitment(attempt, verdict, now, out)) {
        finish(Ending::interrupted, attempt, out);
        return;
    }
    auto failure = planner_.after_failure(attempt, verdict, now);
    if (!policy_.has_retry_policy) {
        continue_after(failure, now, out);
        return;
    }
    const auto delay = failure.move ? std::max(nanoseconds{}, failure.move->when - now) : nanoseconds{};
    out.push({.kind = Command::Kind::ask_policy,
              .attempt = attempt,
              .would_retry = failure.move.has_value(),
              .content_delivered = broken_ != 0,
              .delay = delay});
    awaiting_policy_ = failure;
}

void CallMachine::record_failure(int attempt, Verdict verdict, time_point now) {
    at(attempt).found_full = planner_.is_full(at(attempt), verdict, now);
    planner_.record_failure(at(attempt), verdict, now);
    const auto& outcome = at(attempt).outcome;
    // A response that does not come from a gateway becomes the call's error only if there is no other failure.
    if (first_failure_ == 0 || (is_misrouted(at(first_failure_).outcome) && !is_misrouted(outcome))) {
        first_failure_ = attempt;
    }
}

/// The committed attempt broke. Returns true if another one may take over.
bool CallMachine::release_commitment(int attempt, Verdict& verdict, time_point now, Commands& out) {
    if (!recovers(at(attempt).outcome, verdict)) return false;
    planner_.on_stream_broken(now);
    broken_ = attempt;
    committed_ = 0;
    verdict.action = Action::next;
    out.push({.kind = Command::Kind::recover, .attempt = attempt, .region = at(attempt).region});
    return true;
}

Commands CallMachine::on_policy(const RetryVerdict& requested, time_point now) {
    Commands out;
    if (finished() || !awaiting_policy_) return out;
    auto failure = *std::exchange(awaiting_policy_, std::nullopt);
    planner_.apply_policy(failure, requested, now);
    continue_after(failure, now, out);
    return out;
}

void CallMachine::continue_after(Failure& failure, time_point now, Commands& out) {
    auto& move = failure.move;
    if (attempts_.in_flight() > 0) {
        // A rival of this attempt is still running and counts as the next attempt, unless it is late itself. A failure
        // that would be the same everywhere is final; a key or a model that is refused here may be accepted there.
        if (!move && failure.final) {
            finish(Ending::refused, failure.attempt, out);
        } else if (move && move->kind == AttemptKind::failover && move->when <= now &&
                   attempts_.only_late_ones_in_flight() && (move->free || budgets_.retries.try_take())) {
            follow(*move, now, out);
        }
        return;
    }
    if (!move) {
        finish(attempts_.every_one_redirected() ? Ending::refused : failure.why_not, failure.attempt, out);
    } else if (!planner_.pay(failure, now)) {
        finish(Ending::budget_empty, failure.attempt, out);
    } else {
        follow(*move, now, out);
    }
}

Commands CallMachine::follow_or_end(const std::optional<Move>& move, Ending why_not, time_point now) {
    Commands out;
    if (move) {
        follow(*move, now, out);
    } else {
        finish(why_not, attempts_.count(), out);
    }
    return out;
}

void CallMachine::follow(const Move& move, time_point now, Commands& out) {
    if (move.when > now) {
        pending_ = Wait{.move = move};
        release(out);  // leave the queues while waiting for a back-off
    } else {
        dispatch(move, now, out);
    }
}

void CallMachine::finish(Ending ending, int attempt, Commands& out) {
    const bool failed = ending != Ending::answered && ending != Ending::cancelled && ending != Ending::deadline;
    if (failed && broken_ != 0 && committed_ == 0) {
        unrecovered_ = ending;
        ending = Ending::interrupted;
        attempt = broken_;
    }
    release(out);
    cancel_others(0, out);
    pending_.reset();
    ending_ = ending;
    out.push({.kind = Command::Kind::finish, .attempt = attempt});
}

void CallMachine::cancel_others(int winner, Commands& out) {
    for (int i = 1; i <= attempts_.count(); ++i) {
        auto& a = at(i);
        if (i == winner || !a.in_flight()) continue;
        a.phase = Phase::ended;
        a.lost = true;
        out.push({.kind = Command::Kind::cancel, .attempt = i, .region = a.region});
    }
}

}  // namespace holysheep::call
