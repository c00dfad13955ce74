// Computes back-off times. Pure: the random number is an argument.
#include "resilience/backoff.hpp"

#include <algorithm>

namespace holysheep::resilience {

std::chrono::nanoseconds backoff(const RetryOptions& options, bool throttled, int retries, double random) {
    using seconds = std::chrono::duration<double>;
    const seconds initial = throttled ? options.throttle_backoff : options.initial_backoff;
    const seconds limit = options.max_backoff;
    // 2^30 exceeds every `max_backoff`; the clamp keeps the shift defined.
    const double factor = static_cast<double>(std::int64_t{1} << std::clamp(retries, 0, 30));
    return std::chrono::round<std::chrono::nanoseconds>(random * std::min(limit, initial * factor));
}

std::chrono::nanoseconds wait_with_hint(std::chrono::nanoseconds own, std::optional<milliseconds> hint,
                                        bool throttled) {
    if (!hint) return own;
    if (throttled) return *hint;
    return std::clamp<std::chrono::nanoseconds>(*hint, own, own + std::chrono::seconds{5});
}

}  // namespace holysheep::resilience
