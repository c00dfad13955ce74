// Queries of the call machine: what is in flight, what was tried, what may be used, and what a move costs.
#include <algorithm>

#include "call/machine.hpp"

namespace holysheep::call {

namespace {

// Above this rate, even a request that was certainly not delivered takes a token for its move: with every region down,
// calls would otherwise visit all of them for ever.
constexpr double kFailingErrorRate = 0.5;
// Attempts beyond the usual number, for a call that full regions refused.
constexpr std::ptrdiff_t kExtraAttemptsIfFull = 3;

}  // namespace

int CallMachine::count_in_flight() const {
    return static_cast<int>(std::ranges::count_if(attempts_, [&](const Attempt& a) { return in_flight(a); }));
}

bool CallMachine::only_late_ones_in_flight() const {
    return std::ranges::all_of(attempts_, [&](const Attempt& a) { return !in_flight(a) || a.raced; });
}

bool CallMachine::redirected(std::size_t region) const {
    return std::ranges::any_of(attempts_, [&](const Attempt& a) {
        return a.region == region && !in_flight(a) && !a.lost && is_redirect(a.outcome);
    });
}

bool CallMachine::tried(std::size_t region) const {
    return std::ranges::any_of(attempts_, [&](const Attempt& a) {
        return a.region == region && a.model == fallback_.current() && !a.turned_away();
    });
}

std::size_t CallMachine::eligible_regions() const {
    return static_cast<std::size_t>(std::ranges::count_if(plan_, [&](std::size_t r) { return eligible(r); }));
}

bool CallMachine::attempts_used_up() const {
    if (policy_.retry.max_attempts > 0) return static_cast<int>(attempts_.size()) >= policy_.retry.max_attempts;
    const auto of_model =
        std::ranges::count_if(attempts_, [&](const Attempt& a) { return a.model == fallback_.current() && !a.canary; });
    // A call that full regions refused may return more often, because its request was not processed.
    const auto refused = std::ranges::count_if(
        attempts_, [&](const Attempt& a) { return a.found_full && a.model == fallback_.current(); });
    return of_model >= static_cast<std::ptrdiff_t>(eligible_regions()) + 2 + policy_.spare_keys +
                           std::min<std::ptrdiff_t>(refused, kExtraAttemptsIfFull);
}

bool CallMachine::is_free(const Attempt& failed, std::size_t region, time_point now) const {
    if (regions_.healthy(region, model_, now)) return true;
    return failed.outcome.certainly_not_delivered && regions_.breakers_closed(region, model_, now) &&
           regions_.error_rate(region, now) < kFailingErrorRate;
}

bool CallMachine::usable(std::size_t region, time_point now) const {
    return !tried(region) && regions_.usable(region, model_, now) && rooms_.has_room(region, model_, now);
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
    return next_untried(now).has_value() && !attempts_used_up();
}

bool CallMachine::asked(std::size_t region) const {
    return std::ranges::any_of(attempts_, [&](const Attempt& a) { return a.region == region && !a.lost; });
}

bool CallMachine::regions_exhausted() const {
    return std::ranges::all_of(plan_, [&](std::size_t region) { return !eligible(region) || asked(region); });
}

bool CallMachine::all_failed_with(ErrorCode error) const {
    return std::ranges::all_of(
        attempts_, [&](const Attempt& a) { return a.lost || (a.phase == Phase::ended && a.outcome.error == error); });
}

/// A proxy that refuses a second region, or one region twice, does not refuse the first host only.
bool CallMachine::refused_by_proxy_before(const Attempt& failed) const {
    return std::ranges::count_if(attempts_, [&](const Attempt& a) {
               return !in_flight(a) && !a.lost && a.outcome.error == failed.outcome.error;
           }) > 1;
}

}  // namespace holysheep::call
