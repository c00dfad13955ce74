// What is known of a region at one moment, as plain numbers: cheap to copy between threads, and put into words only for
// who asks.
// RegionHealthTracker → [RegionFacts] → Recorder, EventListener → RegionHealth
#pragma once

#include <chrono>
#include <string>

#include <holysheep/clock.hpp>
#include <holysheep/region_health.hpp>

namespace holysheep::values {

struct RegionFacts {
    Liveness liveness = Liveness::unknown;
    BreakerState breaker = BreakerState::closed;
    Clock::time_point as_of{};
    bool known = false;              ///< it has answered, ever
    bool probes_unanswered = false;  ///< the last ones
    int in_flight = 0;
    int load_limit = 0;  ///< requests at a time; 0: no limit is known
    double error_rate = 0, weight = 1, ramp = 1, cost = 0, best_latency = 0;
    double latency = 0;  ///< ms, smoothed; of streams or, without any, of plain calls
    std::chrono::nanoseconds first_token{-1}, rtt{-1}, probe{-1};         ///< negative: not known
    float first_token_p50 = 0, first_token_p95 = 0, first_token_p99 = 0;  ///< ms; 0: not known
    Clock::time_point limited_until{}, open_until{};
    const char* liveness_reason = "";  ///< constants: never freed
    const char* breaker_reason = "";   ///< empty while closed
};

RegionHealth to_health(std::string id, const RegionFacts& facts, Clock::time_point now);

}  // namespace holysheep::values
