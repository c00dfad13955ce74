// Computes the pace for calls and tokens separately, and applies the stricter one.
#include "resilience/quota_pace.hpp"

#include <algorithm>

namespace holysheep::resilience {

namespace {

using std::chrono::nanoseconds;

constexpr std::int64_t kLowQuotaDivisor = 10;  // a tenth
// Some gateways report when the whole quota will be available again, which is long after the next call could be sent.
constexpr nanoseconds kMaxHold = std::chrono::seconds{30};

struct Quota {
    std::optional<std::int64_t> limit, remaining;
    std::optional<std::chrono::milliseconds> reset;
};

bool known(const Quota& quota) { return quota.limit && quota.remaining && *quota.limit > 0 && *quota.remaining >= 0; }

std::optional<Pace> pace(const Quota& quota, std::int64_t per_call) {
    if (!known(quota) || !quota.reset || quota.reset->count() <= 0) return std::nullopt;
    if (*quota.remaining > *quota.limit / kLowQuotaDivisor) return std::nullopt;
    const auto calls = *quota.remaining / std::max<std::int64_t>(per_call, 1);
    const nanoseconds reset = *quota.reset;
    if (calls == 0) return Pace{.hold = std::min(reset, kMaxHold), .spacing = {}, .reset = reset};
    const auto spacing = std::min(reset / calls, kMaxHold);
    return Pace{.hold = spacing, .spacing = spacing, .reset = reset};
}

std::optional<double> share(const Quota& quota) {
    if (!known(quota)) return std::nullopt;
    return static_cast<double>(*quota.remaining) / static_cast<double>(*quota.limit);
}

Quota requests(const RateLimits& limits) {
    return {limits.limit_requests, limits.remaining_requests, limits.reset_requests};
}
Quota tokens(const RateLimits& limits) { return {limits.limit_tokens, limits.remaining_tokens, limits.reset_tokens}; }

}  // namespace

std::optional<Pace> pace_of(const RateLimits& limits, std::int64_t call_tokens) {
    const auto by_calls = pace(requests(limits), 1);
    const auto by_tokens = pace(tokens(limits), call_tokens);
    if (!by_calls || !by_tokens) return by_calls ? by_calls : by_tokens;
    return by_calls->hold >= by_tokens->hold ? by_calls : by_tokens;
}

std::optional<double> remaining_share(const RateLimits& limits) {
    const auto calls = share(requests(limits)), of_tokens = share(tokens(limits));
    if (!calls || !of_tokens) return calls ? calls : of_tokens;
    return std::min(*calls, *of_tokens);
}

}  // namespace holysheep::resilience
