// Decides which failures another model may not share, and how long to keep trying the first one.
#include "call/model_fallback.hpp"

#include <algorithm>

namespace holysheep::call {

namespace {

/// The failure is specific to the model: requesting it again changes nothing.
bool is_of_the_model(ErrorCode error) {
    return error == ErrorCode::model_not_found || error == ErrorCode::context_length_exceeded ||
           error == ErrorCode::permission_denied;
}
/// The failure is specific to the model's servers: an unreachable network, a refused key or an invalid request would be
/// the same for all models.
bool is_of_its_servers(ErrorCode error) {
    return error == ErrorCode::server_failed || error == ErrorCode::rate_limited || error == ErrorCode::timed_out ||
           error == ErrorCode::malformed_response;
}

}  // namespace

void ModelFallback::on_failure(ErrorCode error, time_point now) {
    if (!failed_since_) failed_since_ = now;
    if (error == ErrorCode::context_length_exceeded) {
        window_too_small_ = std::max(window_too_small_, window_of(model_));
    }
}

bool ModelFallback::due(const Situation& situation) const {
    if (model_ >= policy_.fallbacks.size()) return false;
    if (is_of_the_model(situation.error)) return !situation.own;
    if (situation.action != Action::next) return false;
    // Content delivered so far would be void on another model, so the requested model uses all its attempts.
    if (situation.broken_stream) return !situation.own;
    if (!is_of_its_servers(situation.error)) return false;
    if (!situation.own || situation.model_blocked) return true;
    if (!situation.own->returns) return false;
    return situation.own->when > failed_since_.value_or(situation.own->when) + policy_.retry.fallback_after;
}

bool ModelFallback::suits(std::size_t model, bool broken_stream) const {
    const auto& fallback = policy_.fallbacks[model - 1];
    const bool continues = broken_stream && policy_.recovery == StreamRecovery::continue_prefix;
    if (continues && !fallback.prefill) return false;
    const bool known_to_be_too_small = fallback.context_window > 0 && fallback.context_window <= window_too_small_;
    return !known_to_be_too_small;
}

void ModelFallback::switch_to(std::size_t model) {
    model_ = model;
    failed_since_.reset();
}

std::int64_t ModelFallback::window_of(std::size_t model) const {
    return model == 0 ? policy_.context_window : policy_.fallbacks[model - 1].context_window;
}

}  // namespace holysheep::call
