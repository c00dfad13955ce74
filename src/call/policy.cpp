// Applies the default rules of the time limits.
#include "call/policy.hpp"

#include <algorithm>

namespace holysheep::call {

using namespace std::chrono_literals;

namespace {
constexpr milliseconds kDefaultTotal = 600s;
}

CallPolicy make_policy(const RetryOptions& retry, const TimeoutOptions& timeouts, std::optional<milliseconds> deadline,
                       bool stream, time_point now, const ModelTraits& traits) {
    const auto or_default = [](milliseconds set, milliseconds rule) { return set.count() > 0 ? set : rule; };
    CallPolicy policy;
    policy.retry = retry;
    policy.retry.max_wait = std::min(retry.max_wait, kLongest);
    policy.retry.outage_patience = std::min(retry.outage_patience, kLongest);
    policy.retry.max_backoff = std::min(retry.max_backoff, kLongest);
    policy.retry.fallback_after = std::min(retry.fallback_after, kLongest);
    policy.stream = stream;
    policy.connect = timeouts.connect;
    policy.first_byte = or_default(timeouts.first_byte, stream && !traits.reasoning ? 60s : 300s);
    policy.first_byte_last = or_default(timeouts.first_byte, !stream ? 0s : traits.reasoning ? 300s : 90s);
    policy.first_content = or_default(timeouts.first_content, traits.reasoning ? 300s : 120s);
    policy.unread = timeouts.unread;
    policy.stall = or_default(timeouts.stall, traits.reasoning ? 300s : 60s);
    policy.first_body = or_default(timeouts.first_byte, 300s);
    policy.user_set_first_content = stream && timeouts.first_content.count() > 0;
    // A model that reasons within its answer can be silent for minutes, which the gaps between its words do not show.
    policy.fixed_stall = timeouts.stall.count() > 0 || traits.reasoning || !stream;
    policy.attempt = timeouts.attempt;
    policy.user_set_first_byte = timeouts.first_byte.count() > 0;
    // The options of a call override the client's defaults.
    if (deadline) deadline = std::clamp(*deadline, -kLongest, kLongest);
    const auto total = deadline.value_or(timeouts.total.value_or(kDefaultTotal));
    if (deadline || total.count() > 0) policy.deadline = now + total;
    policy.deadline_covers_stream = deadline || timeouts.total;
    return policy;
}

void adapt_policy(CallPolicy& policy, const health::RegionHealthTracker& regions, values::ModelId model,
                  health::Awaited awaited) {
    const auto& quantiles = regions.quantiles(model, awaited);
    const auto span = [](health::Latency latency) { return std::chrono::duration_cast<nanoseconds>(latency); };
    const bool known = quantiles.size() >= health::kEnoughForQuantiles;
    if (known && awaited != health::Awaited::other) policy.usual = span(quantiles.p95());
    if (known && policy.hedge) policy.hedge_after = std::max(span(quantiles.p95()), policy.hedge_min_delay);
    if (const auto& gaps = regions.content_gaps(model);
        !policy.fixed_stall && gaps.enough() && !regions.general_trouble()) {
        policy.learned_stall = std::clamp<nanoseconds>(8 * gaps.p99(), 10s, policy.stall);
    }
    if (policy.user_set_first_byte) return;
    if (known && awaited != health::Awaited::other) {
        const nanoseconds least = policy.stream ? 20s : 60s;
        policy.first_byte = std::clamp(span(3 * quantiles.p99()), least, policy.first_byte);
    }
    policy.first_body = policy.first_byte;
    if (regions.general_trouble()) {
        policy.first_body *= 2;
        policy.first_byte *= 2;
        policy.first_byte_last *= 2;
    }
}

}  // namespace holysheep::call
