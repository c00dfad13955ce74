// Decides what follows a failed attempt: the next region, when, its cost to the retry budget, or why the call ends.
#include "call/move_planner.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "resilience/backoff.hpp"

namespace holysheep::call {

namespace {

using namespace std::chrono_literals;

// A region with a trial in flight, or one that was blocked by hand, is checked again after this time.
constexpr auto kBlockedCheckInterval = 250ms;

/// The failure occurred before an answer began, and may be over in a second.
bool on_the_way(const Outcome& outcome) {
    return outcome.error == ErrorCode::transport_failed || outcome.error == ErrorCode::tls_failed ||
           (outcome.status > 501 && outcome.status < 505);
}

}  // namespace

MovePlanner::MovePlanner(const CallPolicy& policy, std::span<const std::size_t> plan, values::ModelId model,
                         const health::RegionHealthTracker& regions, const Budgets& budgets, const RoomView& rooms,
                         const Attempts& attempts)
    : policy_(policy),
      plan_(plan),
      regions_(regions),
      budgets_(budgets),
      rooms_(rooms),
      attempts_(attempts),
      random_(policy.seed),
      fallback_(policy),
      first_model_(model),
      model_(model),
      deadline_(policy.deadline) {}

void MovePlanner::record_failure(const Attempt& failed, Verdict verdict, time_point now) {
    fallback_.on_failure(failed.outcome.error, now);
    if (failed.outcome.error == ErrorCode::rate_limited && verdict.retry_after) {
        const auto pause_ends = now + *verdict.retry_after;
        quota_clock_ = std::min(quota_clock_.value_or(pause_ends), pause_ends);
    }
}

void MovePlanner::on_stream_broken(time_point now) {
    // A wait before the content does not count: the patience restarts, but only once, so that the call ends.
    if (patience_ends_ && !stream_broken_) patience_ends_ = now + policy_.retry.outage_patience;
    stream_broken_ = true;
    // Content was delivered: a deadline that excludes the stream also excludes its recovery.
    if (!policy_.deadline_covers_stream) deadline_.reset();
}

Failure MovePlanner::after_failure(int attempt, Verdict verdict, time_point now) {
    const auto& failed = attempts_[attempt];
    Failure failure{.attempt = attempt, .verdict = verdict};
    failure.move = move_after(failed, verdict, now, failure.why_not);
    if (calls_for_fallback(failed, verdict, failure.move, failure.why_not, now)) {
        if (const auto fallback = move_to_fallback(&failed, now)) {
            failure.move = fallback;
            failure.verdict.action = Action::next;
        }
    }
    // A lack of sockets in this process, or a failed proxy, says nothing about a rival that is already connected.
    failure.final = failure.verdict.action == Action::stop && !failed.verdict.another_key &&
                    failed.outcome.error != ErrorCode::descriptors_exhausted &&
                    failed.outcome.error != ErrorCode::proxy_failed;
    return failure;
}

void MovePlanner::apply_policy(Failure& failure, const RetryVerdict& requested, time_point now) {
    auto& [attempt, verdict, move, why_not, final] = failure;
    if (!requested.retry) {
        move.reset();
        why_not = Ending::refused;
        final = true;
    } else if (!move && why_not == Ending::refused) {
        move = move_after(attempts_[attempt], {.action = Action::next, .charge = verdict.charge}, now, why_not);
        final = false;
        // The default rules ask no region twice about a key or a model; the user's policy may.
        if (!move && why_not == Ending::refused) move = move_to_tried(attempts_[attempt], std::nullopt, now, why_not);
    }
    // While no region is usable, a policy may only lengthen the waits: canaries are shared by all calls of the client.
    if (move) {
        const auto earliest = now + std::min<nanoseconds>(requested.delay, kLongest);
        move->when = move->outage ? std::max(move->when, earliest) : earliest;
    }
    if (move && deadline_ && move->when >= *deadline_) {
        move.reset();
        why_not = Ending::wait_too_long;
    }
}

std::optional<Move> MovePlanner::move_after(const Attempt& failed, Verdict verdict, time_point now, Ending& why_not) {
    why_not = Ending::refused;
    const auto& outcome = failed.outcome;
    if (failed.verdict.another_key && !attempts_used_up()) {
        return Move{.region = failed.region, .kind = AttemptKind::retry, .when = now, .free = true};
    }
    if (verdict.action == Action::stop) return std::nullopt;
    const bool duplicate = maybe_delivered(outcome);
    if (duplicate && policy_.cost_safe && !(policy_.retry.max_attempts > 0 && attempts_used_up())) {
        why_not = Ending::maybe_delivered;
        return std::nullopt;
    }
    if (outcome.error == ErrorCode::proxy_failed && attempts_.refused_by_proxy_before(failed)) return std::nullopt;
    if (attempts_used_up()) {
        why_not = policy_.retry.max_attempts == 0 ? Ending::regions_exhausted : Ending::attempts_exhausted;
        auto move = policy_.retry.max_attempts == 0 ? wait_out(verdict, now, why_not) : std::nullopt;
        if (move) move->maybe_duplicated = duplicate;
        return move;
    }
    std::optional<Move> move;
    if (verdict.action == Action::same_fresh && !resent_fresh_ && regions_.usable(failed.region, model_, now)) {
        resent_fresh_ = true;
        move = Move{
            .region = failed.region, .kind = AttemptKind::retry, .when = now, .fresh_connection = true, .free = true};
    } else if (verdict.action == Action::same_fresh && outcome.error == ErrorCode::invalid_request) {
        return std::nullopt;  // refused on a new connection, too
    } else if (verdict.action == Action::same_later) {
        if (retried_conflict_) return std::nullopt;
        retried_conflict_ = true;
        move = move_to_tried(failed, failed.region, now, why_not);
    } else {
        move = move_to_untried(failed, now);
        const bool elsewhere_only = outcome.error == ErrorCode::model_not_found ||
                                    outcome.error == ErrorCode::region_not_supported ||
                                    outcome.error == ErrorCode::unauthenticated ||
                                    (outcome.error == ErrorCode::proxy_failed && outcome.proxy_status < 500) ||
                                    attempts_.server_error_elsewhere(failed);
        if (!move && elsewhere_only) return std::nullopt;  // asking the same regions again would not change the result
        const bool failing = health::is_failure(verdict.charge) && !failed.found_full;
        const bool none_usable = std::ranges::none_of(plan_, [&](auto r) { return regions_.usable(r, model_, now); });
        if (!move && failing && !lacks_only_room(now)) {
            why_not = Ending::regions_exhausted;
            move = wait_out(verdict, now, why_not);
            // The first return to a merely failing region happens soon.
            if (move && move->when > now && retries_ == 0 && !none_usable) move.reset();
        }
        if (!move && (!failing || !none_usable)) move = move_to_tried(failed, std::nullopt, now, why_not);
    }
    if (move) move->maybe_duplicated = duplicate;
    return move;
}

/// Every region has failed the call, or is blocked. A failure before an answer began may be over in a second; after a
/// failure of the answer itself, only regions that this call has not asked are considered.
std::optional<Move> MovePlanner::wait_out(Verdict verdict, time_point now, Ending& why_not) {
    // A closed pooled connection charges no region, but this call still needs an answer.
    const bool connection_died = verdict.action == Action::same_fresh;
    if (!health::is_failure(verdict.charge) && !connection_died) return std::nullopt;
    return_to_tried_ = connection_died || verdict.charge == health::FailureClass::transport ||
                       verdict.charge == health::FailureClass::gateway ||
                       verdict.charge == health::FailureClass::overload;
    return move_in_outage(return_to_tried_, now, why_not);
}

std::optional<Move> MovePlanner::move_to_untried(const Attempt& failed, time_point now) const {
    const auto region = next_untried(now);
    if (!region) return std::nullopt;
    return Move{.region = *region,
                .kind = AttemptKind::failover,
                .when = now,
                .free = failed.found_full || is_free(failed, *region, now)};
}

std::optional<Move> MovePlanner::move_to_tried(const Attempt& failed, std::optional<std::size_t> only, time_point now,
                                               Ending& why_not) {
    why_not = Ending::regions_exhausted;
    const double random = random_.uniform();
    const bool spread = retries_ > 0 && !only && on_the_way(failed.outcome) && !failed.verdict.retry_after;
    std::optional<Move> best;
    std::ptrdiff_t best_visits = 0;
    for (const auto region : plan_) {
        if (!eligible(region) || regions_.forced_open(region) || !regions_.has_model(region, model_, now)) continue;
        if (only && region != *only) continue;
        if (attempts_.redirected(region)) continue;  // it would redirect again
        // The latest failure in this region determines how long to avoid it.
        const auto* last = last_failure(region);
        const auto visits = std::ranges::count_if(attempts_, [&](const Attempt& a) { return a.region == region; });
        auto until = regions_.usable_at(region, model_, now).value_or(now + kBlockedCheckInterval);
        auto when = now;
        if (last != nullptr) {
            when = std::max(now, return_after(*last, random));
            // A failure that outlasts the first return is given the time within which most are over.
            if (spread) when = std::max(when, last->ended + spread_over_patience(random));
            const auto hint = last->verdict.retry_after;
            // That wait already includes the pause from this call's own hint; another call may know of a longer one.
            if (hint && until <= last->ended + *hint) until = now;
        }
        when = std::max(when, until);
        const bool full = when <= now && !rooms_.has_room(region, model_, now);
        // Take the earliest, because another region's pause may be long; among equals, one with room, then the least
        // visited.
        if (best && std::tuple(when, full, visits) >= std::tuple(best->when, best->full, best_visits)) continue;
        best = Move{.region = region,
                    .kind = region == failed.region || tried(region) ? AttemptKind::retry : AttemptKind::failover,
                    .when = when,
                    .pause = regions_.limited_until(region, model_),
                    .free = return_is_free(failed, region, now),
                    .full = full};
        best_visits = visits;
    }
    if (!best) return std::nullopt;
    const bool too_late = deadline_ && best->when >= *deadline_;
    if (too_late || best->when - now > policy_.retry.max_wait) {
        why_not = Ending::wait_too_long;
        return std::nullopt;
    }
    best->returns = true;
    return best;
}

/// Back-off, or the wait that the gateway asked for: limited to what this call would wait, else in full.
time_point MovePlanner::return_after(const Attempt& failure, double random) const {
    const bool throttled = failure.outcome.error == ErrorCode::rate_limited;
    const auto own = resilience::backoff(policy_.retry, throttled, retries_, random);
    const auto hint = failure.verdict.retry_after;
    const bool too_long =
        hint && (*hint > policy_.retry.max_wait || (deadline_ && failure.ended + *hint >= *deadline_));
    return failure.ended + (too_long ? *hint : resilience::wait_with_hint(own, hint, throttled));
}

/// The second return waits for a quarter to half of the patience, the third for half to all of it.
nanoseconds MovePlanner::spread_over_patience(double random) const {
    const auto part = policy_.retry.outage_patience / (retries_ > 1 ? 1 : 2);
    return std::chrono::round<nanoseconds>(part * (0.5 + random / 2));
}

/// A region that serves other requests is sent no more than its limit, so a return to it is free.
bool MovePlanner::return_is_free(const Attempt& failed, std::size_t region, time_point now) const {
    if (failed.found_full) return static_cast<std::size_t>(attempts_.count()) < plan_.size() + 2;
    return !tried(region) && regions_.healthy(region, model_, now);
}

bool MovePlanner::pay(Failure& failure, time_point now) {
    if (!pay_or_replace(failure, now)) return false;
    if (failure.move->returns) ++retries_;
    return true;
}

bool MovePlanner::pay_or_replace(Failure& failure, time_point now) {
    auto& move = failure.move;
    move->paid = !move->free && budgets_.retries.try_take();
    if (move->free || move->paid) return true;
    const auto& failed = attempts_[failure.attempt];
    // There is no token for a failing region; a healthy one later in the plan needs none.
    if (move->kind == AttemptKind::failover) {
        if (const auto healthy = next_free(failed, now)) {
            move->region = *healthy;
            return true;
        }
    }
    end_of_patience_ = Ending::budget_empty;
    move.reset();
    if (calls_for_fallback(failed, failure.verdict, move, Ending::budget_empty, now)) {
        move = move_to_fallback(&failed, now);
    }
    if (!move && !policy_.has_retry_policy) move = wait_out(failure.verdict, now, failure.why_not);
    return move.has_value();
}

std::optional<Move> MovePlanner::replace(const Move& blocked, time_point now, Ending& why_not) {
    const auto& failed = attempts_.back();
    why_not = Ending::regions_exhausted;
    auto move = move_to_untried(failed, now);
    const bool room = lacks_only_room(now);
    if (!move && !room) move = move_in_outage(return_to_tried_, now, why_not);
    if (!move && (room || now < *patience_ends_)) move = move_to_tried(failed, std::nullopt, now, why_not);
    if (!move) return std::nullopt;
    move->maybe_duplicated = blocked.maybe_duplicated;
    // The wait for room may have cost no token yet.
    move->paid = blocked.paid || (blocked.full && !move->free && budgets_.retries.try_take());
    if (blocked.full && !move->free && !move->paid) {
        why_not = Ending::budget_empty;
        return std::nullopt;
    }
    return move;
}

}  // namespace holysheep::call
