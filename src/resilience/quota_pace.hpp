// What is left of a gateway's quota, and how fast it may be used so that it lasts until it is filled again.
// x-ratelimit-* → [pace_of] → RegionHealthTracker, KeyRing
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include <holysheep/usage.hpp>

namespace holysheep::resilience {

/// Nothing before `hold` has passed, and then one call in each `spacing`, until `reset`.
struct Pace {
    std::chrono::nanoseconds hold{}, spacing{}, reset{};
};

/// With a tenth left or less: spacing = reset / what is left, in calls. With nothing left: a pause until the reset.
/// Neither is longer than 30 s. Tokens count in calls like this one, of `call_tokens`. Unset: no need, or no way to
/// know. Gateways that send limits of 0 or -1 mean that they have none.
std::optional<Pace> pace_of(const RateLimits& limits, std::int64_t call_tokens);
/// The smaller share of calls and tokens that is left, 0..1; unset where the gateway does not say.
std::optional<double> remaining_share(const RateLimits& limits);

}  // namespace holysheep::resilience
