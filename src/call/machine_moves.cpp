// What follows a failed attempt: which region is next, when, at what cost to the retry budget, or why the call ends.
#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include "call/machine.hpp"
#include "resilience/backoff.hpp"

namespace holysheep::call {

namespace {

using namespace std::chrono_literals;

// A region whose trial is out, or that was closed by hand, is looked at again after this.
constexpr auto kLookAgain = 250ms;

/// The fault was met on the way to an answer, and may be over in a second.
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

void CallMachine::fail(int attempt, Verdict verdict, const AttemptRecord& record, time_point now, Commands& out) {
    at(attempt).found_full = is_full(at(attempt), verdict, now);
    const auto failed = at(attempt);
    fallback_.on_failure(failed.outcome.error, now);
    // What leads to no gateway at all is told only where nothing else was found.
    if (first_failure_ == 0 || (is_misrouted(at(first_failure_).outcome) && !is_misrouted(failed.outcome))) {
        first_failure_ = attempt;
    }
    if (failed.outcome.error == ErrorCode::rate_limited && failed.outcome.retry_after) {
        const auto pause_ends = now + *failed.outcome.retry_after;
        quota_clock_ = std::min(quota_clock_.value_or(pause_ends), pause_ends);
    }
    if (committed_ == attempt) {
        if (!recovers(failed.outcome, verdict)) {
            finish(Ending::interrupted, attempt, out);
            return;
        }
        // A wait before the content does not count: the patience begins anew, but only once, so that the call ends.
        if (patience_ends_ && broken_ == 0) patience_ends_ = now + policy_.retry.outage_patience;
        broken_ = attempt;
        committed_ = 0;
        verdict.action = Action::next;
        // Content has been given: what did not count for the stream does not count for its recovery.
        if (!policy_.deadline_covers_stream) deadline_.reset();
        out.push({.kind = Command::Kind::recover, .attempt = attempt, .region = failed.region});
    }
    auto why_not = Ending::refused;
    auto move = move_after(failed, verdict, now, why_not);
    if (calls_for_fallback(failed, verdict, move, why_not, now)) {
        if (const auto fallback = move_to_fallback(&failed, now)) {
            move = fallback;
            verdict.action = Action::next;
        }
    }
    // (That this process may open no more sockets, or its proxy fails, says nothing about a rival that has one.)
    bool final = verdict.action == Action::stop && !failed.outcome.another_key &&
                 failed.outcome.error != ErrorCode::descriptors_exhausted &&
                 failed.outcome.error != ErrorCode::proxy_failed;
    if (retry_policy_ != nullptr) {
        const auto delay = move ? std::max(nanoseconds{}, move->when - now) : nanoseconds{};
        const auto wish = retry_policy_->decide({.attempt = record,
                                                 .would_retry = move.has_value(),
                                                 .delay = std::chrono::duration_cast<milliseconds>(delay),
                                                 .content_delivered = broken_ != 0});
        if (!wish.retry) {
            move.reset();
            why_not = Ending::refused;
            final = true;
        } else if (!move && why_not == Ending::refused) {
            move = move_after(failed, {Action::next, verdict.charge}, now, why_not);
            final = false;
            // The rules ask no region twice about a key or a model; the caller's policy may.
            if (!move && why_not == Ending::refused) move = move_to_tried(failed, std::nullopt, now, why_not);
        }
        // While no region is usable, a policy may only lengthen the waits: canaries are the whole client's.
        if (move) {
            const auto wished = now + std::min<nanoseconds>(wish.delay, kLongest);
            move->when = move->outage ? std::max(move->when, wished) : wished;
        }
        if (move && deadline_ && move->when >= *deadline_) {
            move.reset();
            why_not = Ending::wait_too_long;
        }
    }
    if (count_in_flight() > 0) {
        // A rival of this attempt is still running: it is the next attempt, unless it is late itself. What would be the
        // same everywhere is final; a key or a model that is refused here may be good there.
        if (!move && final) {
            finish(Ending::refused, attempt, out);
        } else if (move && move->kind == AttemptKind::failover && move->when <= now && only_late_ones_in_flight() &&
                   (move->free || budgets_.retries.try_take())) {
            follow(*move, now, out);
        }
        return;
    }
    if (!move) {
        const bool everywhere = std::ranges::all_of(
            attempts_, [](const Attempt& a) { return a.lost || (a.phase == Phase::ended && is_redirect(a.outcome)); });
        finish(everywhere ? Ending::refused : why_not, attempt, out);
        return;
    }
    move->paid = !move->free && budgets_.retries.try_take();
    if (!move->free && !move->paid) {
        // There is no token for a region that fails; a healthy one behind it costs none.
        const auto healthy = move->kind == AttemptKind::failover ? next_free(failed, now) : std::nullopt;
        if (healthy) {
            move->region = *healthy;
        } else {
            end_of_patience_ = Ending::budget_empty;
            move.reset();
            if (calls_for_fallback(failed, verdict, move, Ending::budget_empty, now)) {
                move = move_to_fallback(&failed, now);
            }
            if (!move && retry_policy_ == nullptr) move = wait_out(verdict, now, why_not);
            if (!move) {
                finish(Ending::budget_empty, attempt, out);
                return;
            }
        }
    }
    if (move->returns) ++retries_;
    follow(*move, now, out);
}

std::optional<CallMachine::Move> CallMachine::move_after(const Attempt& failed, Verdict verdict, time_point now,
                                                         Ending& why_not) {
    why_not = Ending::refused;
    const auto& outcome = failed.outcome;
    if (outcome.another_key && !attempts_used_up()) {
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
        return std::nullopt;  // refused over a connection of its own, too
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
        if (!move && elsewhere_only) return std::nullopt;  // asking the same regions again would not change it
        const bool sick = health::is_failure(verdict.charge) && !failed.found_full;
        const bool nowhere = std::ranges::none_of(plan_, [&](auto r) { return regions_.usable(r, model_, now); });
        if (!move && sick && !lacks_only_room(now)) {
            why_not = Ending::regions_exhausted;
            move = wait_out(verdict, now, why_not);
            // A first return to a region that is merely failing is soon.
            if (move && move->when > now && retries_ == 0 && !nowhere) move.reset();
        }
        if (!move && (!sick || !nowhere)) move = move_to_tried(failed, std::nullopt, now, why_not);
    }
    if (move) move->maybe_duplicated = duplicate;
    return move;
}

/// The second return comes after a quarter to half of the patience, the third after a half to the whole of it.
nanoseconds CallMachine::spread_over_patience(double random) const {
    const auto part = policy_.retry.outage_patience / (retries_ > 1 ? 1 : 2);
    return std::chrono::round<nanoseconds>(part * (0.5 + random / 2));
}

/// Two regions answer with a 500: the request itself is at fault, as far as anybody can tell from outside.
bool CallMachine::failed_alike_elsewhere(const Attempt& failed) const {
    return failed.outcome.status == 500 && std::ranges::any_of(attempts_, [&](const Attempt& a) {
               return a.region != failed.region && a.model == failed.model && !in_flight(a) && a.outcome.status == 500;
           });
}

/// It refuses some for load and serves others.
bool CallMachine::is_full(const Attempt& failed, Verdict verdict, time_point now) const {
    if (verdict.charge == health::FailureClass::throttled) {
        return admission_ != nullptr && admission_->is_served(failed.region, model_, now);
    }
    return verdict.charge == health::FailureClass::overload && regions_.full(failed.region) &&
           regions_.breakers_closed(failed.region, model_, now);
}

/// A region that serves others is sent no more than its limit, whoever comes back to it.
bool CallMachine::return_is_free(const Attempt& failed, std::size_t region, time_point now) const {
    if (failed.found_full) return attempts_.size() < plan_.size() + 2;
    return !tried(region) && regions_.healthy(region, model_, now);
}

/// Some region that this call has not asked is usable but full: it is waited for.
bool CallMachine::lacks_only_room(time_point now) const {
    return std::ranges::any_of(plan_,
                               [&](auto region) { return !tried(region) && regions_.usable(region, model_, now); });
}

/// Back-off, or what the gateway asked for: as far as this call would wait for it, else in full.
time_point CallMachine::return_after(const Attempt& failure, double random) const {
    const bool throttled = failure.outcome.error == ErrorCode::rate_limited;
    const auto own = resilience::backoff(policy_.retry, throttled, retries_, random);
    const auto hint = failure.outcome.retry_after;
    const bool hopeless =
        hint && (*hint > policy_.retry.max_wait || (deadline_ && failure.ended + *hint >= *deadline_));
    return failure.ended + (hopeless ? *hint : resilience::wait_with_hint(own, hint, throttled));
}

/// Every region has failed the call, or is blocked. What failed on the way to an answer may be over in a second; a
/// failure of the answer itself only calls for the regions that this call has not asked.
std::optional<CallMachine::Move> CallMachine::wait_out(Verdict verdict, time_point now, Ending& why_not) {
    // A pooled connection that was closed charges no region, but this call needs an answer as much as any other.
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
    const bool spread = retries_ > 0 && !only && on_the_way(failed.outcome) && !failed.outcome.retry_after;
    std::optional<Move> best;
    std::ptrdiff_t best_visits = 0;
    for (const auto region : plan_) {
        if (!eligible(region) || regions_.forced_open(region) || !regions_.has_model(region, model_, now)) continue;
        if (only && region != *only) continue;
        if (redirected(region)) continue;  // it would do so again
        // The latest failure there says how long to stay away.
        const auto* last = last_failure(region);
        const auto visits = std::ranges::count_if(attempts_, [&](const Attempt& a) { return a.region == region; });
        auto until = regions_.usable_at(region, model_, now).value_or(now + kLookAgain);
        auto when = now;
        if (last != nullptr) {
            when = std::max(now, return_after(*last, random));
            // A fault that outlasts the first return is given the time in which most are over.
            if (spread) when = std::max(when, last->ended + spread_over_patience(random));
            const auto hint = last->outcome.retry_after;
            // The pause that this call's own hint began is in that wait already; another call may know of a longer one.
            if (hint && until <= last->ended + *hint) until = now;
        }
        when = std::max(when, until);
        const bool full = when <= now && admission_ != nullptr && !admission_->has_room(region, model_, now);
        // The earliest one, for a pause elsewhere may be long; among equals one with room, then the one that was
        // visited less.
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
           (pause <= now || pause <= move.pause) &&
           (admission_ == nullptr || admission_->has_room(move.region, model_, now));
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
    // The wait for room may have cost nothing yet.
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
        pending_ = move;
        // Who waits for something else stands in nobody's way.
        if (admission_ != nullptr) admission_->withdraw();
    } else {
        dispatch(move, now, out);
    }
}

void CallMachine::dispatch(const Move& move, time_point now, Commands& out) {
    if (deadline_ && now >= *deadline_) {
        finish(Ending::deadline, 0, out);
        return;
    }
    if (!admitted(move, now, out)) return;
    if (move.panic) pay_for_canary();
    attempts_.push_back({.region = move.region,
                         .model = fallback_.current(),
                         .kind = move.kind,
                         .canary = move.panic,
                         .started = now,
                         .progress = now});
    // In the step that asked: a hedge and a race that are due together must not use the same right.
    if (admission_ != nullptr) admission_->begin(attempts_.size(), move.region, model_, now);
    attempts_.back().path_check = now + handshake_late_after(move.region);
    attempts_.back().on_trial = !regions_.healthy(move.region, model_, now);
    attempts_.back().explores =
        regions_.alive_at(move.region) != time_point{} && regions_.unasked_for_long(move.region, now);
    out.push({.kind = Command::Kind::start,
              .attempt = static_cast<int>(attempts_.size()),
              .region = move.region,
              .attempt_kind = move.kind,
              .fresh_connection = move.fresh_connection,
              .maybe_duplicated = move.maybe_duplicated,
              .panic = move.panic,
              .model = fallback_.current(),
              .beside = move.beside,
              .because = move.because});
}

bool CallMachine::admitted(const Move& move, time_point now, Commands& out) {
    if (admission_ == nullptr || move.admitted) return true;
    if (!admission_->has_room(move.region, model_, now)) {
        auto full = full_regions(now);
        if (full.empty()) full.push_back(move.region);
        wait_for_admission(move, admission_->wait_for_room(full, model_, policy_.retry.max_wait, now), now, out);
        return false;
    }
    const auto answer = admission_->ask(attempts_.size() + 1, move.region, asked_model(), deadline_, now);
    if (answer == Admission::Answer::granted) return true;
    wait_for_admission(move, answer, now, out);
    return false;
}

void CallMachine::wait_for_admission(const Move& move, Admission::Answer answer, time_point now, Commands& out) {
    if (count_in_flight() > 0) {
        // The call goes on without this attempt: waiting beside a rival, it would be sent after the rival's answer
        // began.
        admission_->withdraw();
        return;
    }
    if (answer == Admission::Answer::never) {
        finish(Ending::not_admitted, static_cast<int>(attempts_.size()), out);
        return;
    }
    pending_ = move;
    pending_->queued = true;
    pending_->when = admission_->look_at(now).value_or(time_point::max());
}

/// For an attempt beside that one: it shares the right of one that still connects, else it needs its own, at once.
bool CallMachine::admitted_beside(int attempt, std::size_t region, time_point now) {
    if (admission_ == nullptr) return true;
    if (at(attempt).phase == Phase::connecting && admission_->share(attempts_.size() + 1, region, asked_model(), now))
        return true;
    return admission_->ask_beside(attempts_.size() + 1, region, asked_model(), now);
}

std::vector<std::size_t> CallMachine::full_regions(time_point now) const {
    std::vector<std::size_t> full;
    if (admission_ == nullptr) return full;
    std::ranges::copy_if(plan_, std::back_inserter(full), [&](std::size_t region) {
        return regions_.usable(region, model_, now) && !admission_->has_room(region, model_, now);
    });
    return full;
}

void CallMachine::finish(Ending ending, int attempt, Commands& out) {
    const bool failed = ending != Ending::answered && ending != Ending::cancelled && ending != Ending::deadline;
    if (failed && broken_ != 0 && committed_ == 0) {
        unrecovered_ = ending;
        ending = Ending::interrupted;
        attempt = broken_;
    }
    cancel_others(0, out);
    pending_.reset();
    if (admission_ != nullptr) admission_->withdraw();
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
