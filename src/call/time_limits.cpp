// Computes the time limits that apply to an attempt in each phase.
#include "call/time_limits.hpp"

namespace holysheep::call {

std::optional<Expiry> expiry_of(const Attempt& attempt, const CallPolicy& policy, bool can_move_at_once) {
    std::optional<Expiry> first;
    const auto consider = [&](nanoseconds span, time_point from, Limit limit) {
        if (span.count() <= 0 || (first && first->when <= from + span)) return;
        first = {from + span, limit};
    };
    switch (attempt.phase) {
        case Phase::connecting: consider(policy.connect, attempt.started, Limit::connect); [[fallthrough]];
        case Phase::waiting:
            consider(can_move_at_once ? policy.first_byte : policy.first_byte_last, attempt.started, Limit::first_byte);
            break;
        case Phase::receiving:
            if (policy.stream) {
                consider(policy.first_content, attempt.started, Limit::first_content);
            } else {
                // Some gateways send the head before generation starts, so the wait for the body has a limit of its
                // own.
                const auto first_body = can_move_at_once ? policy.first_body : nanoseconds{};
                consider(attempt.body ? policy.stall : first_body, attempt.progress, Limit::stall);
            }
            break;
        case Phase::committed: consider(stall_limit(attempt, policy), attempt.progress, Limit::stall); break;
        case Phase::ended: return std::nullopt;
    }
    consider(policy.attempt, attempt.started, Limit::attempt);
    return first;
}

nanoseconds stall_limit(const Attempt& attempt, const CallPolicy& policy) {
    if (attempt.phase == Phase::receiving && !policy.stream && !attempt.body) return policy.first_body;
    return attempt.model == 0 ? policy.learned_stall.value_or(policy.stall) : policy.stall;
}

}  // namespace holysheep::call
