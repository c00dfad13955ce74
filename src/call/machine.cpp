// Transitions of the call machine. Everything here is decided from the arguments and the state; nothing waits.
#include "call/machine.hpp"

#include <algorithm>
#include <utility>

#include "resilience/backoff.hpp"

namespace holysheep::call {

namespace {

using namespace std::chrono_literals;

constexpr int kMaxInFlight = 4;
// Below this error rate a region has room for the load of the ones that failed.
constexpr double kRoomyErrorRate = 0.1;
// Above it, even a request that was certainly not delivered pays for its move: with every region down, calls would
// otherwise visit all of them for ever.
constexpr double kSickErrorRate = 0.5;
// "For ever": longer spans, added to the clock, would overflow.
constexpr milliseconds kLongest = std::chrono::hours{262'800};

/// Whether the gateway may have done, and billed, the work although no answer came.
bool maybe_delivered(const Outcome& outcome) {
    if (outcome.certainly_not_delivered) return false;
    return outcome.status == 0 || outcome.status == 408 || outcome.status == 504 || outcome.status == 524 ||
           (outcome.status >= 200 && outcome.status < 300);
}

std::optional<time_point> earliest(std::optional<time_point> a, std::optional<time_point> b) {
    if (!a) return b;
    if (!b) return a;
    return std::min(*a, *b);
}

}  // namespace

CallPolicy make_policy(const RetryOptions& retry, const TimeoutOptions& timeouts, std::optional<milliseconds> deadline,
                       bool stream, time_point now) {
    const auto or_default = [](milliseconds set, milliseconds rule) { return set.count() > 0 ? set : rule; };
    CallPolicy policy;
    policy.retry = retry;
    policy.retry.max_wait = std::min(retry.max_wait, kLongest);
    policy.retry.max_backoff = std::min(retry.max_backoff, kLongest);
    policy.stream = stream;
    policy.connect = timeouts.connect;
    policy.first_byte = or_default(timeouts.first_byte, stream ? 60s : 300s);
    policy.first_byte_last = or_default(timeouts.first_byte, stream ? 90s : 0s);
    policy.first_content = or_default(timeouts.first_content, 120s);
    policy.stall = or_default(timeouts.stall, 60s);
    policy.attempt = timeouts.attempt;
    auto total = timeouts.total;
    if (deadline) deadline = std::clamp(*deadline, -kLongest, kLongest);
    if (deadline && (total.count() == 0 || *deadline < total)) total = *deadline;
    if (deadline || total.count() > 0) policy.deadline = now + total;
    policy.deadline_covers_stream = deadline.has_value() || timeouts.total != TimeoutOptions{}.total;
    return policy;
}

CallMachine::CallMachine(const CallPolicy& policy, std::span<const std::size_t> plan, std::string_view model,
                         const health::RegionTable& regions, resilience::RetryBudget& budget,
                         const RetryPolicy* retry_policy)
    : policy_(policy),
      plan_(plan),
      model_(model),
      regions_(regions),
      budget_(budget),
      retry_policy_(retry_policy),
      random_(policy.seed) {}

// ---- events ----

Commands CallMachine::start(time_point now) {
    Commands out;
    if (const auto region = next_untried(now)) {
        dispatch({.region = *region, .kind = AttemptKind::first, .when = now}, now, out);
        return out;
    }
    // Every region is draining, or has asked for a pause: wait for the first pause to end if that is soon enough.
    for (const auto region : plan_) {
        if (!eligible(region)) continue;
        const auto until = regions_.limited_until(region, model_);
        if (pending_ && pending_->when <= until) continue;
        pending_ = Move{.region = region, .kind = AttemptKind::first, .when = until};
    }
    if (!pending_) {
        finish(Ending::no_region, 0, out);
        return out;
    }
    quota_clock_ = pending_->when;
    if (pending_->when - now > policy_.retry.max_wait || (policy_.deadline && pending_->when >= *policy_.deadline)) {
        finish(Ending::wait_too_long, 0, out);
    }
    return out;
}

bool CallMachine::on_connected(int attempt, time_point now, Commands& commands) {
    auto& a = at(attempt);
    if (finished() || a.phase != Phase::connecting) return false;
    if (policy_.deadline && now >= *policy_.deadline) return false;
    a.phase = Phase::waiting;
    // Connections race, requests do not: nobody pays for two answers because a handshake was late.
    for (int other = 1; other <= static_cast<int>(attempts_.size()); ++other) {
        auto& rival = at(other);
        if (other == attempt || rival.phase != Phase::connecting) continue;
        rival.phase = Phase::ended;
        rival.lost = true;
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

void CallMachine::on_progress(int attempt, time_point now) { at(attempt).progress = now; }

Commands CallMachine::on_end(int attempt, const Outcome& outcome, const AttemptRecord& record, time_point now) {
    Commands out;
    auto& a = at(attempt);
    if (finished() || !in_flight(a)) return out;
    const auto phase = std::exchange(a.phase, Phase::ended);
    a.ended = now;
    a.outcome = outcome;
    if (outcome.limit != Limit::none) {
        a.outcome.certainly_not_delivered = phase == Phase::connecting;
        a.outcome.any_byte = phase == Phase::receiving || phase == Phase::committed;
    }
    if (outcome.answered) {
        budget_.on_success();
        cancel_others(attempt, out);
        finish(Ending::answered, attempt, out);
        return out;
    }
    if (outcome.error == ErrorCode::cancelled && policy_.deadline && now >= *policy_.deadline) {
        // It was turned away because its connection was ready too late.
        finish(Ending::deadline, 0, out);
        return out;
    }
    fail(attempt, classify(a.outcome, policy_.retry, policy_.own_keys), record, now, out);
    return out;
}

Commands CallMachine::on_wake(time_point now) {
    Commands out;
    if (finished()) return out;
    const bool deadline_counts = committed_ == 0 || policy_.deadline_covers_stream;
    if (policy_.deadline && deadline_counts && now >= *policy_.deadline) {
        finish(Ending::deadline, committed_, out);
        return out;
    }
    if (pending_ && pending_->when <= now) {
        const auto move = *std::exchange(pending_, std::nullopt);
        if (eligible(move.region)) {
            dispatch(move, now, out);
            return out;
        }
        return attempts_.empty() ? start(now) : leave_drained(move, now);
    }
    for (int i = 1; i <= static_cast<int>(attempts_.size()) && !finished(); ++i) {
        auto which = Limit::none;
        const auto limit = in_flight(at(i)) ? limit_of(at(i), which, now) : std::nullopt;
        if (limit && *limit <= now) {
            // One at a time: the driver ends this attempt, reports it with on_end, and asks again.
            out.push({.kind = Command::Kind::cancel, .attempt = i, .region = at(i).region, .limit = which});
            return out;
        }
    }
    race_late_connection(now, out);
    return out;
}

Commands CallMachine::on_cancel(time_point) {
    Commands out;
    if (!finished()) finish(Ending::cancelled, committed_, out);
    return out;
}

// ---- times ----

std::optional<time_point> CallMachine::wake_at() const {
    if (finished()) return std::nullopt;
    std::optional<time_point> wake;
    if (committed_ == 0 || policy_.deadline_covers_stream) wake = policy_.deadline;
    if (pending_) wake = earliest(wake, pending_->when);
    for (const auto& a : attempts_) {
        if (!in_flight(a)) continue;
        auto which = Limit::none;
        wake = earliest(wake, limit_of(a, which, a.started));
        if (a.phase == Phase::connecting && count_in_flight() == 1 && can_move_at_once(a.started)) {
            wake = earliest(wake, a.started + policy_.connect_race);
        }
    }
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
            // The last target is not left for slowness alone: there is nowhere better to go.
            consider(can_move_at_once(now) ? policy_.first_byte : policy_.first_byte_last, a.started,
                     Limit::first_byte);
            break;
        case Phase::receiving:
            if (policy_.stream) {
                consider(policy_.first_content, a.started, Limit::first_content);
            } else {
                consider(policy_.stall, a.progress, Limit::stall);
            }
            break;
        case Phase::committed: consider(policy_.stall, a.progress, Limit::stall); break;
        case Phase::ended: return std::nullopt;
    }
    consider(policy_.attempt, a.started, Limit::attempt);
    return limit;
}

void CallMachine::race_late_connection(time_point now, Commands& out) {
    if (count_in_flight() != 1 || static_cast<int>(attempts_.size()) >= attempt_limit()) return;
    const auto late = std::ranges::find_if(attempts_, [&](const Attempt& a) {
        return a.phase == Phase::connecting && now >= a.started + policy_.connect_race;
    });
    if (late == attempts_.end()) return;
    if (const auto region = next_untried(now)) {
        dispatch({.region = *region, .kind = AttemptKind::race, .when = now}, now, out);
    }
}

// ---- what follows a failure ----

void CallMachine::fail(int attempt, Verdict verdict, const AttemptRecord& record, time_point now, Commands& out) {
    const auto failed = at(attempt);
    if (first_failure_ == 0) first_failure_ = attempt;
    if (failed.outcome.error == ErrorCode::rate_limited && failed.outcome.retry_after) {
        quota_clock_ = earliest(quota_clock_, now + *failed.outcome.retry_after);
    }
    if (committed_ == attempt) {
        finish(Ending::interrupted, attempt, out);
        return;
    }
    auto why_not = Ending::refused;
    auto move = move_after(failed, verdict, now, why_not);
    if (retry_policy_ != nullptr) {
        const auto delay = move ? std::max(nanoseconds{}, move->when - now) : nanoseconds{};
        const auto wish = retry_policy_->decide({.attempt = record,
                                                 .would_retry = move.has_value(),
                                                 .delay = std::chrono::duration_cast<milliseconds>(delay),
                                                 .content_delivered = false});
        if (!wish.retry) {
            move.reset();
            why_not = Ending::refused;
        } else if (!move && why_not == Ending::refused) {
            move = move_after(failed, {Action::next, verdict.charge}, now, why_not);
            // The rules ask no region twice about a key or a model; the caller's policy may.
            if (!move && why_not == Ending::refused) move = move_to_tried(failed, std::nullopt, now, why_not);
        }
        if (move) move->when = now + std::min(wish.delay, kLongest);
        if (move && policy_.deadline && move->when >= *policy_.deadline) {
            move.reset();
            why_not = Ending::wait_too_long;
        }
    }
    if (count_in_flight() > 0) {
        // A rival of this attempt is still running: it is the next attempt. A refusal would be the same there.
        if (!move && why_not == Ending::refused) finish(Ending::refused, attempt, out);
        return;
    }
    if (!move) {
        finish(why_not, attempt, out);
        return;
    }
    if (!move->free && !budget_.try_take()) {
        // There is no token for a region that fails; a healthy one behind it costs none.
        const auto healthy = move->kind == AttemptKind::failover ? next_free(failed, now) : std::nullopt;
        if (!healthy) {
            finish(Ending::budget_empty, attempt, out);
            return;
        }
        move->region = *healthy;
    }
    follow(*move, now, out);
}

std::optional<CallMachine::Move> CallMachine::move_after(const Attempt& failed, Verdict verdict, time_point now,
                                                         Ending& why_not) {
    why_not = Ending::refused;
    const auto& outcome = failed.outcome;
    if (verdict.action == Action::stop) return std::nullopt;
    if (static_cast<int>(attempts_.size()) >= attempt_limit()) {
        why_not = policy_.retry.max_attempts == 0 ? Ending::regions_exhausted : Ending::attempts_exhausted;
        return std::nullopt;
    }
    const bool duplicate = maybe_delivered(outcome);
    if (duplicate && policy_.cost_safe) {
        why_not = Ending::maybe_delivered;
        return std::nullopt;
    }
    std::optional<Move> move;
    if (verdict.action == Action::same_fresh && !resent_fresh_) {
        resent_fresh_ = true;
        move = Move{
            .region = failed.region, .kind = AttemptKind::retry, .when = now, .fresh_connection = true, .free = true};
    } else if (verdict.action == Action::same_later) {
        if (retried_conflict_) return std::nullopt;
        retried_conflict_ = true;
        move = move_to_tried(failed, failed.region, now, why_not);
    } else {
        move = move_to_untried(failed, now);
        const bool elsewhere_only = outcome.error == ErrorCode::model_not_found ||
                                    outcome.error == ErrorCode::region_not_supported ||
                                    outcome.error == ErrorCode::unauthenticated;
        if (!move && elsewhere_only) return std::nullopt;  // asking the same regions again would not change it
        if (!move) move = move_to_tried(failed, std::nullopt, now, why_not);
    }
    if (move) move->maybe_duplicated = duplicate;
    return move;
}

std::optional<CallMachine::Move> CallMachine::move_to_untried(const Attempt& failed, time_point now) const {
    const auto region = next_untried(now);
    if (!region) return std::nullopt;
    return Move{.region = *region, .kind = AttemptKind::failover, .when = now, .free = is_free(failed, *region, now)};
}

std::optional<CallMachine::Move> CallMachine::move_to_tried(const Attempt& failed, std::optional<std::size_t> only,
                                                            time_point now, Ending& why_not) {
    why_not = Ending::regions_exhausted;
    const double random = random_.uniform();
    std::optional<Move> best;
    std::ptrdiff_t best_visits = 0;
    for (const auto region : plan_) {
        if (!eligible(region) || (only && region != *only)) continue;
        // The latest failure there says how long to stay away.
        const auto last = std::find_if(attempts_.rbegin(), attempts_.rend(), [&](const Attempt& a) {
            return a.region == region && !in_flight(a) && !a.lost;
        });
        const auto visits = std::ranges::count_if(attempts_, [&](const Attempt& a) { return a.region == region; });
        auto until = regions_.limited_until(region, model_);
        auto when = now;
        if (last != attempts_.rend()) {
            const bool throttled = last->outcome.error == ErrorCode::rate_limited;
            const auto own = resilience::backoff(policy_.retry, throttled, retries_, random);
            const auto hint = last->outcome.retry_after;
            const bool hopeless = hint && (*hint > policy_.retry.max_wait ||
                                           (policy_.deadline && last->ended + *hint >= *policy_.deadline));
            when = std::max(now, last->ended + (hopeless ? *hint : resilience::wait_with_hint(own, hint, throttled)));
            // The pause that this call's own hint began is in that wait already; another call may know of a longer one.
            if (hint && until <= last->ended + *hint) until = now;
        }
        when = std::max(when, until);
        // The earliest one, for a pause elsewhere may be long; among equals the one that was visited less.
        if (best && (when > best->when || (when == best->when && visits >= best_visits))) continue;
        best = Move{.region = region,
                    .kind = region == failed.region || tried(region) ? AttemptKind::retry : AttemptKind::failover,
                    .when = when};
        best_visits = visits;
    }
    if (!best) return std::nullopt;
    const bool too_late = policy_.deadline && best->when >= *policy_.deadline;
    if (too_late || best->when - now > policy_.retry.max_wait) {
        why_not = Ending::wait_too_long;
        return std::nullopt;
    }
    ++retries_;
    return best;
}

Commands CallMachine::leave_drained(const Move& drained, time_point now) {
    Commands out;
    const auto failed = attempts_.back();
    auto why_not = Ending::regions_exhausted;
    auto move = move_to_untried(failed, now);
    if (!move) move = move_to_tried(failed, std::nullopt, now, why_not);
    if (!move) {
        finish(why_not, static_cast<int>(attempts_.size()), out);
        return out;
    }
    move->maybe_duplicated = drained.maybe_duplicated;
    follow(*move, now, out);  // its token was taken before the wait
    return out;
}

void CallMachine::follow(const Move& move, time_point now, Commands& out) {
    if (move.when > now) {
        pending_ = move;
    } else {
        dispatch(move, now, out);
    }
}

void CallMachine::dispatch(const Move& move, time_point now, Commands& out) {
    if (policy_.deadline && now >= *policy_.deadline) {
        finish(Ending::deadline, 0, out);
        return;
    }
    attempts_.push_back({.region = move.region, .kind = move.kind, .started = now, .progress = now});
    out.push({.kind = Command::Kind::start,
              .attempt = static_cast<int>(attempts_.size()),
              .region = move.region,
              .attempt_kind = move.kind,
              .fresh_connection = move.fresh_connection,
              .maybe_duplicated = move.maybe_duplicated});
}

void CallMachine::finish(Ending ending, int attempt, Commands& out) {
    cancel_others(0, out);
    pending_.reset();
    ending_ = ending;
    out.push({.kind = Command::Kind::finish, .attempt = attempt});
}

void CallMachine::cancel_others(int winner, Commands& out) {
    for (int i = 1; i <= static_cast<int>(attempts_.size()); ++i) {
        auto& a = at(i);
        if (i == winner || !in_flight(a)) continue;
        a.phase = Phase::ended;
        a.lost = true;
        out.push({.kind = Command::Kind::cancel, .attempt = i, .region = a.region});
    }
}

// ---- what is known about the regions ----

int CallMachine::count_in_flight() const {
    return static_cast<int>(std::ranges::count_if(attempts_, [&](const Attempt& a) { return in_flight(a); }));
}

bool CallMachine::tried(std::size_t region) const {
    return std::ranges::any_of(attempts_, [&](const Attempt& a) { return a.region == region; });
}

std::size_t CallMachine::eligible_regions() const {
    return static_cast<std::size_t>(std::ranges::count_if(plan_, [&](std::size_t r) { return eligible(r); }));
}

int CallMachine::attempt_limit() const {
    return policy_.retry.max_attempts > 0 ? policy_.retry.max_attempts : static_cast<int>(eligible_regions()) + 2;
}

bool CallMachine::is_free(const Attempt& failed, std::size_t region, time_point now) const {
    return regions_.error_rate(region, now) <
           (failed.outcome.certainly_not_delivered ? kSickErrorRate : kRoomyErrorRate);
}

bool CallMachine::usable(std::size_t region, time_point now) const {
    return eligible(region) && !tried(region) && regions_.limited_until(region, model_) <= now;
}

std::optional<std::size_t> CallMachine::next_untried(time_point now) const {
    if (count_in_flight() >= kMaxInFlight) return std::nullopt;
    for (const auto region : plan_) {
        if (usable(region, now)) return region;
    }
    return std::nullopt;
}

std::optional<std::size_t> CallMachine::next_free(const Attempt& failed, time_point now) const {
    for (const auto region : plan_) {
        if (usable(region, now) && is_free(failed, region, now)) return region;
    }
    return std::nullopt;
}

bool CallMachine::can_move_at_once(time_point now) const {
    return next_untried(now).has_value() && static_cast<int>(attempts_.size()) < attempt_limit();
}

bool CallMachine::regions_exhausted() const {
    return std::ranges::all_of(plan_, [&](std::size_t region) {
        return !eligible(region) ||
               std::ranges::any_of(attempts_, [&](const Attempt& a) { return a.region == region && !a.lost; });
    });
}

bool CallMachine::only_throttled() const {
    return std::ranges::all_of(attempts_, [&](const Attempt& a) {
        return a.lost || (a.phase == Phase::ended && a.outcome.error == ErrorCode::rate_limited);
    });
}

}  // namespace holysheep::call
