// Handles the events and time limits of a call. Everything is decided from arguments and state; nothing blocks.
#include "call/machine.hpp"

#include <algorithm>
#include <utility>

namespace holysheep::call {

CallMachine::CallMachine(const CallPolicy& policy, std::span<const std::size_t> plan, values::ModelId model,
                         const health::RegionHealthTracker& regions, const Budgets& budgets, const RoomView& rooms)
    : policy_(policy),
      plan_(plan),
      fallback_(policy),
      model_(model),
      first_model_(model),
      regions_(regions),
      budgets_(budgets),
      rooms_(rooms),
      deadline_(policy.deadline),
      random_(policy.seed) {}

// ---- events ----

Commands CallMachine::start(time_point now) {
    Commands out;
    // A single region is never blocked, because there is no alternative; but another model may be.
    if (plan_.size() == 1 && !regions_.model_breaker_admits(plan_.front(), model_, now)) {
        if (const auto move = move_to_fallback(nullptr, now)) {
            dispatch(*move, now, out);
            return out;
        }
    }
    if (const auto region = next_untried(now)) {
        const auto kind = fallback_.current() == 0 ? AttemptKind::first : AttemptKind::fallback_model;
        dispatch({.region = *region, .kind = kind, .when = now}, now, out);
        return out;
    }
    if (auto full = full_regions(now); !full.empty()) {
        await_room({.kind = AttemptKind::first}, std::move(full), out);
        return out;
    }
    if (const auto move = move_to_fallback(nullptr, now)) {
        dispatch(*move, now, out);
        return out;
    }
    auto why_not = Ending::no_region;
    if (const auto move = move_in_outage(true, now, why_not)) {
        follow(*move, now, out);
        return out;
    }
    if (const auto move = ask_without_model(now)) {
        dispatch(*move, now, out);
        return out;
    }
    finish(why_not, 0, out);
    return out;
}

bool CallMachine::on_connected(int attempt, time_point now, Commands& commands) {
    auto& a = at(attempt);
    if (finished() || a.phase != Phase::connecting) return false;
    if (deadline_ && now >= *deadline_) return false;
    a.phase = Phase::waiting;
    a.sent = now;
    a.raced = false;  // the race concerned its connection; its answer may be late, too
    a.path_check = now + path_late_after(a.region);
    // Only connections race, not requests: a late handshake must not cause two billed answers.
    for (int other = 1; other <= static_cast<int>(attempts_.size()); ++other) {
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
    if (finished() || !in_flight(a)) return out;
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
    if (finished() || !in_flight(a)) return out;
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
    if (outcome.error == ErrorCode::cancelled && deadline_ && now >= *deadline_) {
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
    if (deadline_ && deadline_counts && now >= *deadline_) {
        finish(Ending::deadline, committed_, out);
        return out;
    }
    if (pending_ && pending_->move.when <= now) {
        const auto wait = *std::exchange(pending_, std::nullopt);
        const auto& move = wait.move;
        if (wait.queued && attempts_.empty()) return start(now);  // much may have changed meanwhile
        if (move.outage) return continue_in_outage(wait, now);
        if (holds(move, now)) {
            dispatch(move, now, out);
            return out;
        }
        return attempts_.empty() ? start(now) : plan_again(move, now);
    }
    for (int i = 1; i <= static_cast<int>(attempts_.size()) && !finished(); ++i) {
        auto which = Limit::none;
        const auto limit = in_flight(at(i)) ? limit_of(at(i), which, now) : std::nullopt;
        if (limit && *limit <= now) {
            // One at a time: the driver ends this attempt, reports it with on_end, and calls again.
            out.push({.kind = Command::Kind::cancel, .attempt = i, .region = at(i).region, .limit = which});
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

// ---- timers ----

std::optional<time_point> CallMachine::wake_at(time_point now) const {
    if (finished()) return std::nullopt;
    auto wake = time_point::max();
    const auto consider = [&](time_point when) { wake = std::min(wake, when); };
    if (deadline_ && (committed_ == 0 || policy_.deadline_covers_stream)) consider(*deadline_);
    if (pending_) consider(pending_->move.when);
    for (const auto& a : attempts_) {
        if (!in_flight(a)) continue;
        auto which = Limit::none;
        if (const auto limit = limit_of(a, which, now)) consider(*limit);
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
        if (a.phase == Phase::connecting && !a.raced) consider(a.started + connect_late_after(a));
        if (a.path_check && without_content(a)) consider(*a.path_check);
        if (const auto backup = backup_of(a)) consider(std::max(backup->when, no_backup_before_));
    }
    if (policy_.hedge_after && !hedge_over_ && !attempts_.empty()) {
        consider(attempts_.front().started + *policy_.hedge_after);
    }
    if (wake == time_point::max()) return std::nullopt;
    return wake;
}

std::optional<time_point> CallMachine::limit_of(const Attempt& a, Limit& which, time_point now) const {
    std::optional<time_point> limit;
    const auto consider = [&](nanoseconds span, time_point from, Limit name) {
        if (span.count() <= 0 || (limit && *limit <= from + span)) return;
        limit = from + span;
        which = name;
    };
    switch (a.phase) {
        case Phase::connecting: consider(policy_.connect, a.started, Limit::connect); [[fallthrough]];
        case Phase::waiting:
            // The last target is not abandoned for slowness alone, because there is no better one.
            consider(can_move_at_once(now) ? policy_.first_byte : policy_.first_byte_last, a.started,
                     Limit::first_byte);
            break;
        case Phase::receiving:
            if (policy_.stream) {
                consider(policy_.first_content, a.started, Limit::first_content);
            } else {
                // A head that arrives at once does not mean that the answer has begun.
                const auto first_body = can_move_at_once(now) ? policy_.first_body : nanoseconds{};
                consider(a.body ? policy_.stall : first_body, a.progress, Limit::stall);
            }
            break;
        case Phase::committed: consider(stall_limit(a), a.progress, Limit::stall); break;
        case Phase::ended: return std::nullopt;
    }
    consider(policy_.attempt, a.started, Limit::attempt);
    return limit;
}

/// Without an alternative, a call waits in any case; but a dead stream must not look alive.
bool CallMachine::wants_sign_of_life() const {
    return policy_.sign_of_life.count() > 0 && regions_.size() > 1 && (plan_.size() > 1 || policy_.stream);
}

}  // namespace holysheep::call
