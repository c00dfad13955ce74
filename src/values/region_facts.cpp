// Converts the state of a region to its public form, with a score and a reason for display.
#include "values/region_facts.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace holysheep {
inline namespace v0 {

std::string_view to_string(Liveness liveness) {
    switch (liveness) {
        case Liveness::unknown: return "unknown";
        case Liveness::healthy: return "healthy";
        case Liveness::suspect: return "suspect";
        case Liveness::down: return "down";
        case Liveness::recovering: return "recovering";
        case Liveness::draining: return "draining";
    }
    return "unknown";
}

std::string_view to_string(BreakerState state) {
    switch (state) {
        case BreakerState::closed: return "closed";
        case BreakerState::open: return "open";
        case BreakerState::half_open: return "half_open";
    }
    return "closed";
}

}  // namespace v0

namespace values {

namespace {

std::optional<milliseconds> if_known(std::chrono::nanoseconds span) {
    if (span.count() < 0) return std::nullopt;
    return std::chrono::round<milliseconds>(span);
}

std::optional<milliseconds> if_known(std::chrono::duration<float, std::milli> span) {
    if (span.count() <= 0) return std::nullopt;
    return std::chrono::round<milliseconds>(span);
}

std::optional<milliseconds> time_left(Clock::time_point until, Clock::time_point now) {
    if (until <= now) return std::nullopt;
    return std::chrono::ceil<milliseconds>(until - now);
}

/// The error rate decays with time, also between two updates.
double faded(const RegionFacts& facts, Clock::time_point now) {
    const std::chrono::duration<double> idle = now - facts.as_of;
    return facts.error_rate * std::exp(-std::max(0.0, idle.count()) / 10.0);
}

double score(Liveness liveness, double error_rate, const RegionFacts& facts) {
    if (!facts.known || liveness == Liveness::down || liveness == Liveness::draining) return 0;
    const bool known = facts.latency.count() > 0 && facts.best_latency.count() > 0;
    const double speed = known ? std::sqrt(std::min(1.0, facts.best_latency / facts.latency)) : 1;
    return 100 * speed * (1 - error_rate) * facts.ramp;
}

}  // namespace

RegionHealth to_health(std::string id, const RegionFacts& facts, Clock::time_point now) {
    RegionHealth health;
    health.id = std::move(id);
    health.liveness = facts.liveness;
    health.breaker = facts.breaker;
    // The open time may have ended since the last update.
    if (facts.breaker == BreakerState::open && facts.open_until != Clock::time_point{} && facts.open_until <= now) {
        health.breaker = BreakerState::half_open;
        if (facts.liveness == Liveness::down && !facts.probes_unanswered) health.liveness = Liveness::recovering;
    }
    health.error_rate = faded(facts, now);
    health.score = score(health.liveness, health.error_rate, facts);
    health.cost = facts.cost.count();
    health.rtt = if_known(facts.rtt);
    health.first_token = if_known(facts.first_token);
    health.probe = if_known(facts.probe);
    health.first_token_p50 = if_known(facts.first_token_p50);
    health.first_token_p95 = if_known(facts.first_token_p95);
    health.first_token_p99 = if_known(facts.first_token_p99);
    health.in_flight = facts.in_flight;
    health.limited_for = time_left(facts.limited_until, now);
    health.open_for = time_left(facts.open_until, now);
    if (facts.load_limit > 0) health.load_limit = facts.load_limit;
    health.reason = facts.liveness_reason;
    if (*facts.breaker_reason != '\0') {
        // While half-open, the reason for opening is in the past.
        const bool was = health.breaker == BreakerState::half_open;
        health.reason += std::string(was ? "; breaker half open, had " : "; breaker ") + facts.breaker_reason;
    }
    if (health.limited_for) health.reason += "; asked for a pause (Retry-After)";
    if (health.load_limit) health.reason += "; takes " + std::to_string(*health.load_limit) + " requests at a time";
    return health;
}

}  // namespace values
}  // namespace holysheep
