// Computes how long to wait before returning to a region that this call has already tried.
// failed attempt → [backoff] → CallMachine
#pragma once

#include <chrono>
#include <optional>

#include <holysheep/options.hpp>

namespace holysheep::resilience {

/// Exponential back-off with full jitter: U(0,1) · min(max_backoff, initial · 2^retries). `random` is uniform in [0,1).
std::chrono::nanoseconds backoff(const RetryOptions& options, bool throttled, int retries, double random);

/// Combines the client's back-off with the gateway's hint. After throttling the hint applies unchanged, because an
/// earlier request would be refused. After other failures it is a lower bound for the back-off and adds at most five
/// seconds.
std::chrono::nanoseconds wait_with_hint(std::chrono::nanoseconds own, std::optional<milliseconds> hint, bool throttled);

}  // namespace holysheep::resilience
