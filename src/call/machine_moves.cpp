// Decides what follows a failed attempt: the next region, when, its cost to the retry budget, or why the call ends.
#include <algorithm>
#include <tuple>
#include <utility>

#include "call/machine.hpp"
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
    remember_failure(attempt, verdict, now);
    if (committed_ == attempt && !release_commitment(attempt, verdict, now, out)) {
        finish(Ending::interrupted, attempt, out);
        return;
    }
    auto failure = apply_rules(attempt, verdict, now);
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

void CallMachine::remember_failure(int attempt, Verdict verdict, time_point now) {
    at(attempt).found_full = is_full(at(attempt), verdict, now);
    const auto& outcome = at(attempt).outcome;
    fallback_.on_failure(outcome.error, now);
    // A response that does not come from a gateway becomes the call's error only if there is no other failure.
    if (first_failure_ == 0 || (is_misrouted(at(first_failure_).outcome) && !is_misrouted(outcome))) {
        first_failure_ = attempt;
    }
    if (outcome.error == ErrorCode::rate_limited && verdict.retry_after) {
        const auto pause_ends = now + *verdict.retry_after;
        quota_clock_ = std::min(quota_clock_.value_or(pause_ends), pause_ends);
    }
}

/// The committed attempt broke. Returns true if another one may take over.
bool CallMachine::release_commitment(int attempt, Verdict& verdict, time_point now, Commands& out) {
    if (!recovers(at(attempt).outcome, verdict)) return false;
    // A wait before the content does not count: the patience restarts, but only once, so that the call ends.
    if (patience_ends_ && broken_ == 0) patience_ends_ = now + policy_.retry.outage_patience;
    broken_ = attempt;
    committed_ = 0;
    verdict.action = Action::next;
    // Content was delivered: a deadline that excludes the stream also excludes its recovery.
    if (!policy_.deadline_covers_stream) deadline_.reset();
    out.push({.kind = Command::Kind::recover, .attempt = attempt, .region = at(attempt).region});
    return true;
}

/// Applies the default rules: returns the next move, or why there is none.
CallMachine::Failure CallMachine::apply_rules(int attempt, Verdict verdict, time_point now) {
    const auto& failed = at(attempt);
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

Commands CallMachine::on_policy(const RetryVerdict& requested, time_point now) {
    Commands out;
    if (finished() || !awaiting_policy_) return out;
    auto failure = *std::exchange(awaiting_policy_, std::nullopt);
    auto& [attempt, verdict, move, why_not, final] = failure;
    if (!requested.retry) {
        move.reset();
        why_not = Ending::refused;
        final = true;
    } else if (!move && why_not == Ending::refused) {
        move = move_after(at(attempt), {.action = Action::next, .charge = verdict.charge}, now, why_not);
        final = false;
        // The default rules ask no region twice about a key or a model; the user's policy may.
        if (!move && why_not == Ending::refused) move = move_to_tried(at(attempt), std::nullopt, now, why_not);
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
    continue_after(failure, now, out);
    return out;
}

void CallMachine::continue_after(Failure& failure, time_point now, Commands& out) {
    auto& move = failure.move;
    if (count_in_flight() > 0) {
        // A rival of this attempt is still running and counts as the next attempt, unless it is late itself. A failure
        // that would be the same everywhere is final; a key or a model that is refused here may be accepted there.
        if (!move && failure.final) {
            finish(Ending::refused, failure.attempt, out);
        } else if (move && move->kind == AttemptKind::failover && move->when <= now && only_late_ones_in_flight() &&
                   (move->free || budgets_.retries.try_take())) {
            follow(*move, now, out);
        }
        return;
    }
    if (!move) {
        finish(every_attempt_redirected() ? Ending::refused : failure.why_not, failure.attempt, out);
    } else if (!pay(failure, now)) {
        finish(Ending::budget_empty, failure.attempt, out);
    } else {
        if (move->returns) ++retries_;
        follow(*move, now, out);
    }
}

bool CallMachine::every_attempt_redirected() const {
    return std::ranges::all_of(
        attempts_, [](const Attempt& a) { return a.lost || (a.phase == Phase::ended && is_redirect(a.outcome)); });
}

/// Takes a token for the move, or replaces it by a free one. Returns false if neither is possible.
bool CallMachine::pay(Failure& failure, time_point now) {
    auto& move = failure.move;
    move->paid = !move->free && budgets_.retries.try_take();
    if (move->free || move->paid) return true;
    const auto& failed = at(failure.attempt);
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

std::optional<CallMachine::Move> CallMachine::move_after(const Attempt& failed, Verdict verdict, time_point now,
                                                         Ending& why_not) {
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
    if (outcome.error == ErrorCode::proxy_failed && refused_by_proxy_before(failed)) return std::nullopt;
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
        const bool elsewhere_only =
            outcome.error == ErrorCode::model_not_found || outcome.error == ErrorCode::region_not_supported ||
            outcome.error == ErrorCode::unauthenticated ||
            (outcome.error == ErrorCode::proxy_failed && outcome.proxy_status < 500) || failed_alike_elsewhere(failed);
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

/// The second return waits for a quarter to half of the patience, the third for half to all of it.
nanoseconds CallMachine::spread_over_patience(double random) const {
    const auto part = policy_.retry.outage_patience / (retries_ > 1 ? 1 : 2);
    return std::chrono::round<nanoseconds>(part * (0.5 + random / 2));
}

/// Two regions answer with a 500: as far as a client can tell, the request itself is at fault.
bool CallMachine::failed_alike_elsewhere(const Attempt& failed) const {
    return failed.outcome.status == 500 && std::ranges::any_of(attempts_, [&](const Attempt& a) {
               return a.region != failed.region && a.model == failed.model && !in_flight(a) && a.outcome.status == 500;
           });
}

/// Whether the region refuses some requests because of load and serves others.
bool CallMachine::is_full(const Attempt& failed, Verdict verdict, time_point now) const {
    if (verdict.charge == health::FailureClass::throttled) {
        return rooms_.is_served(failed.region, model_, now);
    }
    return verdict.charge == health::FailureClass::overload && regions_.full(failed.region) &&
           regions_.breakers_closed(failed.region, model_, now);
}

/// A region that serves other requests is sent no more than its limit, so a return to it is free.
bool CallMachine::return_is_free(const Attempt& failed, std::size_t region, time_point now) const {
    if (failed.found_full) return attempts_.size() < plan_.size() + 2;
    return !tried(region) && regions_.healthy(region, model_, now);
}

/// Whether a region that this call has not asked is usable but full: the call waits for it.
bool CallMachine::lacks_only_room(time_point now) const {
    return std::ranges::any_of(plan_,
                               [&](auto region) { return !tried(region) && regions_.usable(region, model_, now); });
}

/// Back-off, or the wait that the gateway asked for: limited to what this call would wait, else in full.
time_point CallMachine::return_after(const Attempt& failure, double random) const {
    const bool throttled = failure.outcome.error == ErrorCode::rate_limited;
    const auto own = resilience::backoff(policy_.retry, throttled, retries_, random);
    const auto hint = failure.verdict.retry_after;
    const bool too_long =
        hint && (*hint > policy_.retry.max_wait || (deadline_ && failure.ended + *hint >= *deadline_));
    return failure.ended + (too_long ? *hint : resilience::wait_with_hint(own, hint, throttled));
}

/// Every region has failed the call, or is blocked. A failure before an answer began may be over in a second; after a
/// failure of the answer itself, only regions that this call has not asked are considered.
std::optional<CallMachine::Move> CallMachine::wait_out(Verdict verdict, time_point now, Ending& why_not) {
    // A closed pooled connection charges no region, but this call still needs an answer.
    const bool connection_died = verdict.action == Action::same_fresh;
    if (!health::is_failure(verdict.charge) && !connection_died) return std::nullopt;
    return_to_tried_ = connection_died || verdict.charge == health::FailureClass::transport ||
                       verdict.charge == health::FailureClass::gateway ||
                       verdict.charge == health::FailureClass::overload;
    return move_in_outage(return_to_tried_, now, why_not);
}

std::optional<CallMachine::Move> CallMachine::move_to_untried(const Attempt& failed, time_point now) const {
    const auto region = next_untried(now);
    if (!region) return std::nullopt;
    return Move{.region = *region,
                .kind = AttemptKind::failover,
                .when = now,
                .free = failed.found_full || is_free(failed, *region, now)};
}

std::optional<CallMachine::Move> CallMachine::move_to_tried(const Attempt& failed, std::optional<std::size_t> only,
                                                            time_point now, Ending& why_not) {
    why_not = Ending::regions_exhausted;
    const double random = random_.uniform();
    const bool spread = retries_ > 0 && !only && on_the_way(failed.outcome) && !failed.verdict.retry_after;
    std::optional<Move> best;
    std::ptrdiff_t best_visits = 0;
    for (const auto region : plan_) {
        if (!eligible(region) || regions_.forced_open(region) || !regions_.has_model(region, model_, now)) continue;
        if (only && region != *only) continue;
        if (redirected(region)) continue;  // it would redirect again
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

bool CallMachine::holds(const Move& move, time_point now) const {
    const auto pause = regions_.limited_until(move.region, model_);
    return eligible(move.region) && regions_.breakers_admit(move.region, model_, now) &&
           (pause <= now || pause <= move.pause) && rooms_.has_room(move.region, model_, now);
}

Commands CallMachine::plan_again(const Move& blocked, time_point now) {
    Commands out;
    const auto failed = attempts_.back();
    auto why_not = Ending::regions_exhausted;
    auto move = move_to_untried(failed, now);
    const bool room = lacks_only_room(now);
    if (!move && !room) move = move_in_outage(return_to_tried_, now, why_not);
    if (!move && (room || now < *patience_ends_)) move = move_to_tried(failed, std::nullopt, now, why_not);
    if (!move) {
        finish(why_not, static_cast<int>(attempts_.size()), out);
        return out;
    }
    move->maybe_duplicated = blocked.maybe_duplicated;
    // The wait for room may have cost no token yet.
    move->paid = blocked.paid || (blocked.full && !move->free && budgets_.retries.try_take());
    if (blocked.full && !move->free && !move->paid) {
        finish(Ending::budget_empty, static_cast<int>(attempts_.size()), out);
        return out;
    }
    follow(*move, now, out);
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
    for (int i = 1; i <= static_cast<int>(attempts_.size()); ++i) {
        auto& a = at(i);
        if (i == winner || !in_flight(a)) continue;
        a.phase = Phase::ended;
        a.lost = true;
        out.push({.kind = Command::Kind::cancel, .attempt = i, .region = a.region});
    }
}

}  // namespace holysheep::call
