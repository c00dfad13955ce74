// Derives from a gateway's remaining quota how fast it may be used so that it lasts until its reset.
// x-ratelimit-* → [pace_of] → RegionHealthTracker, KeyRing
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include <holysheep/usage.hpp>

namespace holysheep::resilience {

/// Send nothing before `hold` has passed, then one call per `spacing`, until `reset`.
struct Pace {
    std::chrono::nanoseconds hold{}, spacing{}, reset{};
};

/// With a tenth of the quota left or less: spacing = reset / remaining calls. With nothing left: a pause until the
/// reset. Both are at most 30 s. Remaining tokens are converted to calls of `call_tokens` each. Unset if no pacing is
/// needed or the headers are incomplete. Limits of 0 or -1 mean that the gateway has no limit.
std::optional<Pace> pace_of(const RateLimits& limits, std::int64_t call_tokens);
/// The remaining share of calls or of tokens, whichever is smaller, 0..1; unset if the gateway does not report it.
std::optional<double> remaining_share(const RateLimits& limits);

}  // namespace holysheep::resilience
