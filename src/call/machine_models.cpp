// Chooses the model of an attempt, and switches to another one. When a switch is due: model_fallback.cpp.
#include <algorithm>

#include "call/machine.hpp"

namespace holysheep::call {

const std::string& CallMachine::model_name(std::size_t model) const {
    return model == 0 ? policy_.model : policy_.fallbacks[model - 1].name;
}

values::ModelId CallMachine::model_id(std::size_t model) const {
    return model == 0 ? first_model_ : policy_.fallbacks[model - 1].id;
}

bool CallMachine::model_blocked(values::ModelId model, time_point now) const {
    return std::ranges::none_of(plan_, [&](std::size_t region) {
        return eligible(region) && regions_.has_model(region, model, now) &&
               regions_.breakers_admit(region, model, now) && regions_.model_breaker_admits(region, model, now);
    });
}

bool CallMachine::calls_for_fallback(const Attempt& failed, Verdict verdict, const std::optional<Move>& move,
                                     Ending why_not, time_point now) const {
    if (count_in_flight() > 0) return false;
    if (why_not == Ending::maybe_delivered || why_not == Ending::attempts_exhausted) return false;
    if (policy_.retry.max_attempts > 0 && attempts_used_up()) return false;
    ModelFallback::Situation situation{.error = failed.outcome.error,
                                       .action = verdict.action,
                                       .broken_stream = broken_ != 0,
                                       .model_blocked = model_blocked(model_, now)};
    if (move) situation.own = {.when = move->when, .returns = move->returns};
    return fallback_.due(situation);
}

std::optional<CallMachine::Move> CallMachine::move_to_fallback(const Attempt* failed, time_point now) {
    for (auto next = fallback_.current() + 1; next <= policy_.fallbacks.size(); ++next) {
        if (!fallback_.suits(next, broken_ != 0)) continue;
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
