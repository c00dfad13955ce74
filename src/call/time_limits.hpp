// Computes which time limit of an attempt expires next. Pure.
// CallMachine → [expiry_of] → time and limit
#pragma once

#include <optional>

#include "call/attempts.hpp"
#include "call/policy.hpp"

namespace holysheep::call {

struct Expiry {
    time_point when{};
    Limit limit = Limit::none;
};

/// The limit of an attempt in flight that expires first; unset if none applies. `can_move_at_once`: whether another
/// region can be asked; the last one is not abandoned for slowness alone.
std::optional<Expiry> expiry_of(const Attempt& attempt, const CallPolicy& policy, bool can_move_at_once);

/// How long the attempt may be silent after its first content; for a plain answer without a body, after its head.
nanoseconds stall_limit(const Attempt& attempt, const CallPolicy& policy);

}  // namespace holysheep::call
