// Plans moves while no region is usable: one call at a time tries each blocked region (a canary), and all other calls
// wait for the result. After `retry.outage_patience` the call ends with the reasons.
#include <algorithm>
#include <utility>

#include "call/move_planner.hpp"
#include "resilience/backoff.hpp"

namespace holysheep::call {

namespace {

using namespace std::chrono_literals;

// A canary in flight for longer was not refused: it waits for its answer.
constexpr auto kRefusedWithin = 300ms;

}  // namespace

/// A call's first attempt is free; a further one takes a token, so that an outage costs little with few calls.
bool MovePlanner::can_pay_for_canary() const {
    return attempts_.empty() || budgets_.canaries.tokens() >= 1 || budgets_.retries.tokens() >= 1;
}

void MovePlanner::pay_for_canary() {
    if (!attempts_.empty() && !budgets_.canaries.try_take()) budgets_.retries.try_take();
}

std::optional<Move> MovePlanner::move_in_outage(bool return_to_tried, time_point now, Ending& why_not) {
    if (!patience_ends_) patience_ends_ = now + policy_.retry.outage_patience;
    const bool spent = policy_.retry.max_attempts > 0 && attempts_used_up();
    const double random = random_.uniform();
    std::optional<Move> best;
    bool others_may_find_out = false, pause_too_long = false;
    for (const auto region : plan_) {
        if (spent || !eligible(region) || regions_.forced_open(region) || !regions_.has_model(region, model_, now)) {
            continue;
        }
        if (attempts_.redirected(region)) continue;  // it would redirect again
        const auto* failure = last_failure(region);
        if (failure != nullptr && !return_to_tried) continue;
        auto pause = regions_.limited_until(region, model_);
        std::optional<milliseconds> hint;
        if (failure != nullptr && failure->verdict.retry_after && failure->verdict.retry_after->count() > 0) {
            hint = failure->verdict.retry_after;
            // Its wait already includes the pause from this call's own hint.
            if (pause <= failure->ended + *hint) pause = time_point{};
        }
        const bool blocked =
            !regions_.breakers_closed(region, model_, now) || (failure != nullptr && regions_.failing(region));
        auto when = blocked ? regions_.canary_at(region, model_, now) : now;
        bool asked_to_wait = pause > now;
        if (asked_to_wait) when = std::max(when, pause);
        // A region that is neither blocked nor paused follows the retry rules, and so does a return with a requested
        // wait.
        if (!blocked && !asked_to_wait && !hint) continue;
        const bool retry = failure != nullptr && (asked_to_wait || hint);
        if (retry && attempts_used_up()) continue;
        if (failure != nullptr) {
            const auto own = std::chrono::round<nanoseconds>(health::kCanaryEvery * (0.5 + random / 2));
            asked_to_wait = asked_to_wait || hint;
            when = std::max(when, hint ? return_after(*failure, random) : failure->ended + own);
        }
        if (pause > now) quota_clock_ = std::min(quota_clock_.value_or(pause), pause);
        const bool too_late = (deadline_ && when >= *deadline_) || when - now > policy_.retry.max_wait;
        if (asked_to_wait && too_late) {
            pause_too_long = true;
            continue;
        }
        if (blocked && !asked_to_wait) {
            others_may_find_out = true;
            if (when > *patience_ends_ || !can_pay_for_canary()) continue;
        }
        if (best && when >= best->when) continue;
        best = Move{.region = region,
                    .kind = kind_of_visit(region),
                    .when = when,
                    .pause = pause,
                    .free = !retry,
                    .panic = blocked && !retry,
                    .returns = true,
                    .outage = true};
    }
    if (best) return best;
    if (others_may_find_out && now < *patience_ends_) {
        return Move{.region = plan_.front(), .when = *patience_ends_, .free = true, .returns = true, .outage = true};
    }
    if (pause_too_long) why_not = Ending::wait_too_long;
    if (others_may_find_out) return move_after_canary(return_to_tried, now);
    return std::nullopt;
}

/// The patience is over and a canary is still in flight, as happens with a long answer. One attempt beside it is better
/// than a certain failure. A call that has failed takes a token for it, unless the region sent something since.
std::optional<Move> MovePlanner::move_after_canary(bool return_to_tried, time_point now) const {
    // An attempt that failed after that time was the last.
    if (std::ranges::any_of(attempts_, [&](const Attempt& a) { return a.ended >= *patience_ends_; })) {
        return std::nullopt;
    }
    for (const auto region : plan_) {
        if (!eligible(region) || regions_.forced_open(region) || regions_.limited_until(region, model_) > now) continue;
        if (!regions_.has_model(region, model_, now) || attempts_.redirected(region)) continue;
        const auto since = regions_.canary_out_since(region, model_, now);
        if (!since) continue;
        if (!attempts_.empty()) {
            const auto* failure = last_failure(region);
            if (failure != nullptr && !return_to_tried) continue;
            if (now - *since < kRefusedWithin) continue;
            const bool heard = regions_.alive_at(region) > (failure != nullptr ? *failure : attempts_.back()).ended;
            if (!heard && !can_pay_for_canary()) continue;
        }
        return Move{
            .region = region, .kind = kind_of_visit(region), .when = now, .free = true, .panic = true, .outage = true};
    }
    return std::nullopt;
}

/// Every region is known to lack the model or is blocked by hand: asks the first one that may be asked, so that the
/// gateway itself reports the error.
std::optional<Move> MovePlanner::ask_without_model(time_point now) const {
    for (const auto region : plan_) {
        if (!eligible(region) || regions_.forced_open(region) || regions_.limited_until(region, model_) > now) continue;
        if (regions_.has_model(region, model_, now) || !rooms_.has_room(region, model_, now)) continue;
        return Move{.region = region, .kind = AttemptKind::first, .when = now};
    }
    return std::nullopt;
}

bool MovePlanner::is_healthy_now(std::size_t region, time_point now) const {
    return regions_.usable(region, model_, now) && regions_.breakers_closed(region, model_, now) &&
           !regions_.failing(region);
}

AttemptKind MovePlanner::kind_of_visit(std::size_t region) const {
    if (attempts_.empty()) return fallback_.current() == 0 ? AttemptKind::first : AttemptKind::fallback_model;
    return tried(region) ? AttemptKind::retry : AttemptKind::failover;
}

std::optional<Move> MovePlanner::after_outage_wait(const Move& waited, std::optional<std::size_t> back, time_point now,
                                                   Ending& why_not) {
    // The wait itself has spaced these returns: what the region showed meanwhile makes one return to it free.
    auto region = next_untried(now);
    if (!region && back && regions_.usable(*back, model_, now)) region = back;
    // Another call may have found it well without a notice, because no breaker had opened.
    if (!region && return_to_tried_ && last_failure(waited.region) != nullptr && is_healthy_now(waited.region, now)) {
        region = waited.region;
    }
    const bool used_up = policy_.retry.max_attempts > 0 && attempts_used_up();
    const auto pays = [&] {
        if (!regions_.breakers_closed(*region, model_, now)) return can_pay_for_canary() && (pay_for_canary(), true);
        const bool free = !tried(*region) && regions_.healthy(*region, model_, now);
        return free || !std::exchange(returned_, true) || budgets_.retries.try_take();
    };
    if (region && !used_up && pays()) {
        return Move{.region = *region,
                    .kind = kind_of_visit(*region),
                    .when = now,
                    .maybe_duplicated = waited.maybe_duplicated};
    }
    why_not = end_of_patience_;
    auto move = move_in_outage(return_to_tried_, now, why_not);
    if (move) {
        move->maybe_duplicated = waited.maybe_duplicated;
    } else if (region && !used_up) {
        why_not = Ending::budget_empty;
    }
    return move;
}

}  // namespace holysheep::call
