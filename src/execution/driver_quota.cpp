// Applies what answers say about quotas and keys: how long to pause, how slowly to continue, which key to avoid.
// Attempt → [CallDriver] → KeyRing, RateLimiter, RegionHealthTracker
#include <algorithm>
#include <chrono>

#include "execution/driver.hpp"
#include "resilience/quota_pace.hpp"
#include "values/saturating.hpp"

namespace holysheep::execution {

namespace {

bool is_used_up(const RateLimits& limits) {
    return (limits.remaining_requests == 0 && limits.limit_requests.value_or(0) > 0) ||
           (limits.remaining_tokens == 0 && limits.limit_tokens.value_or(0) > 0);
}

}  // namespace

/// Applies what the end of the attempt says about its key.
call::KeyOutlook CallDriver::record_key(Attempt& attempt) {
    const auto& outcome = attempt.outcome();
    call::KeyOutlook outlook{.differ = machine_.policy().keys_differ};
    const auto time = now();
    const auto number = static_cast<std::size_t>(attempt.record.number);
    const auto region = attempt.region();
    const values::ModelId model = attempt.token.model;
    const auto key = admission_.key(number);
    if (auto& ring = services_.admission.keys.ring(); key && ring.size() > 1) {
        const bool refused = !outcome.answered && (outcome.error == ErrorCode::unauthenticated ||
                                                   outcome.error == ErrorCode::insufficient_quota);
        if (refused) services_.recorder.on_key(*key, outcome.error, time);
        if (outcome.answered && ring.refusal(*key, time)) {
            ring.accept(*key);
            services_.recorder.on_key(*key, std::nullopt, time);
        }
    }
    if (outcome.answered) return outlook;
    outlook.another_key = admission_.on_failure(number, region, model, outcome.error, outcome.retry_after, time);
    const auto& ring = services_.admission.keys.ring();
    if (key && ring.size() > 1 && !outlook.another_key && outcome.error == ErrorCode::rate_limited) {
        // The earliest usable key counts, not the one that was refused last.
        outlook.usable_in = std::chrono::ceil<milliseconds>(ring.usable_at(region, model, time) - time);
    }
    return outlook;
}

void CallDriver::record_quota(Attempt& attempt, const call::Verdict& verdict) {
    const auto time = now();
    const auto number = static_cast<std::size_t>(attempt.record.number);
    const auto region = attempt.region();
    const values::ModelId model = attempt.token.model;
    const auto& limits = attempt.rate_limits();
    if (!limits.limit_requests && !limits.limit_tokens) return;
    if (admission_.on_quota(number, region, model, limits, time) && services_.log.enabled(LogLevel::info)) {
        services_.log.write(LogLevel::info, "the gateway's rate limit of " + attempt.record.model +
                                                " is lower than rate_limit: it is adopted");
    }
    if (admission_.brings_its_key()) return;
    if (services_.admission.keys.ring().size() > 1 && services_.admission.keys.from_ring(region)) return;
    const auto* used = attempt.usage();
    const auto call_tokens = used != nullptr && used->present
                                 ? values::saturating_sum(used->prompt_tokens, used->completion_tokens)
                                 : exchange_.size.prompt_tokens;
    if (const auto pace = resilience::pace_of(limits, call_tokens)) {
        // An explicit Retry-After takes precedence over the reported quota.
        const bool says_when = verdict.retry_after && verdict.retry_after->count() > 0;
        const auto hold = says_when ? std::min<nanoseconds>(pace->hold, *verdict.retry_after) : pace->hold;
        services_.regions.limit_until(region, model, time + hold);
        services_.regions.pace(region, model, pace->spacing, time + pace->reset);
    }
}

/// Applies what a refusal because of load says: how much may be sent to the region, and when. The tracker already knows
/// whether the region serves other requests.
void CallDriver::record_refusal(Attempt& attempt, const call::Verdict& verdict) {
    const auto& outcome = attempt.outcome();
    if (!call::is_refused_for_load(outcome)) return;
    const auto time = now();
    const auto region = attempt.region();
    const bool throttled = outcome.error == ErrorCode::rate_limited;
    const auto pause = admission_.refused(static_cast<std::size_t>(attempt.record.number),
                                          {.throttled = throttled,
                                           .dead = !throttled && !services_.regions.full(region),
                                           .used_up = throttled && is_used_up(attempt.rate_limits()),
                                           .hint = verdict.retry_after},
                                          time);
    if (pause.count() <= 0 || verdict.another_key || admission_.brings_its_key()) return;
    services_.regions.limit_until(region, attempt.token.model,
                                  time + std::min<nanoseconds>(pause, std::chrono::minutes{10}));
}

}  // namespace holysheep::execution
