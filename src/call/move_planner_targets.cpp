// Chooses among regions and models: which can be asked, which is free of cost to the retry budget, which model is next.
// When a fallback model is due: model_fallback.cpp.
#include <algorithm>
#include <iterator>

#include "call/move_planner.hpp"

namespace holysheep::call {

namespace {

// Above this rate, even a request that was certainly not delivered takes a token for its move: with every region down,
// calls would otherwise visit all of them for ever.
constexpr double kFailingErrorRate = 0.5;
// Attempts beyond the usual number, for a call that full regions refused.
constexpr std::ptrdiff_t kExtraAttemptsIfFull = 3;

}  // namespace

std::size_t MovePlanner::eligible_regions() const {
    return static_cast<std::size_t>(std::ranges::count_if(plan_, [&](std::size_t r) { return eligible(r); }));
}

bool MovePlanner::attempts_used_up() const {
    if (policy_.retry.max_attempts > 0) return attempts_.count() >= policy_.retry.max_attempts;
    const auto of_model =
        std::ranges::count_if(attempts_, [&](const Attempt& a) { return a.model == fallback_.current() && !a.canary; });
    // A call that full regions refused may return more often, because its request was not processed.
    const auto refused = std::ranges::count_if(
        attempts_, [&](const Attempt& a) { return a.found_full && a.model == fallback_.current(); });
    return of_model >= static_cast<std::ptrdiff_t>(eligible_regions()) + 2 + policy_.spare_keys +
                           std::min<std::ptrdiff_t>(refused, kExtraAttemptsIfFull);
}

bool MovePlanner::is_free(const Attempt& failed, std::size_t region, time_point now) const {
    if (regions_.healthy(region, model_, now)) return true;
    return failed.outcome.certainly_not_delivered && regions_.breakers_closed(region, model_, now) &&
           regions_.error_rate(region, now) < kFailingErrorRate;
}

bool MovePlanner::usable(std::size_t region, time_point now) const {
    return !tried(region) && regions_.usable(region, model_, now) && rooms_.has_room(region, model_, now);
}

std::optional<std::size_t> MovePlanner::next_untried(time_point now) const {
    if (attempts_.in_flight() >= kMaxInFlight) return std::nullopt;
    for (const auto region : plan_) {
        if (usable(region, now)) return region;
    }
    return std::nullopt;
}

std::optional<std::size_t> MovePlanner::next_free(const Attempt& failed, time_point now) const {
    for (const auto region : plan_) {
        if (usable(region, now) && is_free(failed, region, now)) return region;
    }
    return std::nullopt;
}

bool MovePlanner::can_move_at_once(time_point now) const {
    return next_untried(now).has_value() && !attempts_used_up();
}

bool MovePlanner::regions_exhausted() const {
    return std::ranges::all_of(plan_, [&](std::size_t region) { return !eligible(region) || attempts_.asked(region); });
}

bool MovePlanner::is_full(const Attempt& failed, Verdict verdict, time_point now) const {
    if (verdict.charge == health::FailureClass::throttled) {
        return rooms_.is_served(failed.region, model_, now);
    }
    return verdict.charge == health::FailureClass::overload && regions_.full(failed.region) &&
           regions_.breakers_closed(failed.region, model_, now);
}

/// Whether a region that this call has not asked is usable but full: the call waits for it.
bool MovePlanner::lacks_only_room(time_point now) const {
    return std::ranges::any_of(plan_,
                               [&](auto region) { return !tried(region) && regions_.usable(region, model_, now); });
}

bool MovePlanner::still_valid(const Move& move, time_point now) const {
    const auto pause = regions_.limited_until(move.region, model_);
    return eligible(move.region) && regions_.breakers_admit(move.region, model_, now) &&
           (pause <= now || pause <= move.pause) && rooms_.has_room(move.region, model_, now);
}

std::vector<std::size_t> MovePlanner::full_regions(time_point now) const {
    std::vector<std::size_t> full;
    std::ranges::copy_if(plan_, std::back_inserter(full), [&](std::size_t region) {
        return regions_.usable(region, model_, now) && !rooms_.has_room(region, model_, now);
    });
    return full;
}

const std::string& MovePlanner::model_name(std::size_t model) const {
    return model == 0 ? policy_.model : policy_.fallbacks[model - 1].name;
}

values::ModelId MovePlanner::model_id(std::size_t model) const {
    return model == 0 ? first_model_ : policy_.fallbacks[model - 1].id;
}

bool MovePlanner::model_blocked(values::ModelId model, time_point now) const {
    return std::ranges::none_of(plan_, [&](std::size_t region) {
        return eligible(region) && regions_.has_model(region, model, now) &&
               regions_.breakers_admit(region, model, now) && regions_.model_breaker_admits(region, model, now);
    });
}

bool MovePlanner::calls_for_fallback(const Attempt& failed, Verdict verdict, const std::optional<Move>& move,
                                     Ending why_not, time_point now) const {
    if (attempts_.in_flight() > 0) return false;
    if (why_not == Ending::maybe_delivered || why_not == Ending::attempts_exhausted) return false;
    if (policy_.retry.max_attempts > 0 && attempts_used_up()) return false;
    ModelFallback::Situation situation{.error = failed.outcome.error,
                                       .action = verdict.action,
                                       .broken_stream = stream_broken_,
                                       .model_blocked = model_blocked(model_, now)};
    if (move) situation.own = {.when = move->when, .returns = move->returns};
    return fallback_.due(situation);
}

std::optional<Move> MovePlanner::move_to_fallback(const Attempt* failed, time_point now) {
    for (auto next = fallback_.current() + 1; next <= policy_.fallbacks.size(); ++next) {
        if (!fallback_.suits(next, stream_broken_)) continue;
        const auto model = policy_.fallbacks[next - 1].id;
        const auto region = std::ranges::find_if(plan_, [&](std::size_t r) {
            return regions_.usable(r, model, now) && regions_.model_breaker_admits(r, model, now) &&
                   rooms_.has_room(r, model, now);
        });
        if (region == plan_.end()) continue;
        model_switch_ = ModelSwitch{.from = fallback_.current(),
                                    .because = failed == nullptr ? std::nullopt : std::optional(failed->outcome.error)};
        fallback_.switch_to(next);
        model_ = model;
        resent_fresh_ = retried_conflict_ = false;
        // A new target, once per model and call: it takes no token from the retry budget.
        return Move{.region = *region, .kind = AttemptKind::fallback_model, .when = now, .free = true};
    }
    return std::nullopt;
}

}  // namespace holysheep::call
