// When another model is asked: the one before it fails for reasons of its own, or no region is left for it.
#include <algorithm>

#include "call/machine.hpp"

namespace holysheep::call {

namespace {

/// What another model may do better. A network that is down, a refused key and an invalid request are the same for all.
bool is_of_the_model(ErrorCode error) {
    return error == ErrorCode::model_not_found || error == ErrorCode::context_length_exceeded ||
           error == ErrorCode::permission_denied;
}
bool is_of_its_servers(ErrorCode error) {
    return error == ErrorCode::server_failed || error == ErrorCode::rate_limited || error == ErrorCode::timed_out ||
           error == ErrorCode::malformed_response;
}

}  // namespace

const std::string& CallMachine::model_name(std::size_t model) const {
    return model == 0 ? policy_.model : policy_.fallbacks[model - 1].name;
}

values::ModelId CallMachine::model_id(std::size_t model) const {
    return model == 0 ? first_model_ : policy_.fallbacks[model - 1].id;
}

AskedModel CallMachine::asked_model() const {
    if (model_index_ == 0) return {model_, policy_.model, policy_.cost};
    const auto& fallback = policy_.fallbacks[model_index_ - 1];
    return {model_, fallback.name, fallback.cost};
}

bool CallMachine::calls_for_fallback(const Attempt& failed, Verdict verdict, const std::optional<Move>& move,
                                     Ending why_not) const {
    if (policy_.fallbacks.empty() || broken_ != 0 || count_in_flight() > 0) return false;
    if (why_not == Ending::maybe_delivered || why_not == Ending::attempts_exhausted) return false;
    if (policy_.retry.max_attempts > 0 && attempts_used_up()) return false;
    const auto error = failed.outcome.error;
    if (is_of_the_model(error)) return !move;
    // All regions were asked: another model at once rather than a wait for this one.
    const bool exhausted = !move || (move->returns && verdict.action == Action::next);
    return is_of_its_servers(error) && verdict.action == Action::next && exhausted;
}

std::optional<CallMachine::Move> CallMachine::move_to_fallback(const Attempt* failed, time_point now) {
    const bool too_long = failed != nullptr && failed->outcome.error == ErrorCode::context_length_exceeded;
    const auto window = model_index_ == 0 ? policy_.context_window : policy_.fallbacks[model_index_ - 1].context_window;
    for (auto next = model_index_ + 1; next <= policy_.fallbacks.size(); ++next) {
        const auto& model = policy_.fallbacks[next - 1];
        // Only one that is known to take more.
        if (too_long && model.context_window <= window) continue;
        const auto region = std::ranges::find_if(plan_, [&](std::size_t r) {
            return regions_.usable(r, model.id, now) && (admission_ == nullptr || admission_->has_room(r));
        });
        if (region == plan_.end()) continue;
        model_switch_ = ModelSwitch{.from = model_index_,
                                    .because = failed == nullptr ? std::nullopt : std::optional(failed->outcome.error)};
        model_index_ = next;
        model_ = model.id;
        resent_fresh_ = retried_conflict_ = false;
        return Move{.region = *region,
                    .kind = AttemptKind::fallback_model,
                    .when = now,
                    .free = regions_.healthy(*region, model_, now)};
    }
    return std::nullopt;
}

}  // namespace holysheep::call
