// The state of a region at one moment as plain numbers: cheap to copy between threads, converted to text only on
// request. RegionHealthTracker → [RegionFacts] → Recorder, EventListener → RegionHealth
#pragma once

#include <chrono>
#include <string>

#include <holysheep/clock.hpp>
#include <holysheep/region_health.hpp>

#include "values/latency.hpp"

namespace holysheep::values {

struct RegionFacts {
    Liveness liveness = Liveness::unknown;
    BreakerState breaker = BreakerState::closed;
    Clock::time_point as_of{};
    bool known = false;              ///< it has answered before
    bool probes_unanswered = false;  ///< the last probes were missed
    int in_flight = 0;
    int load_limit = 0;  ///< requests at a time; 0: no limit is known
    double error_rate = 0, weight = 1, ramp = 1;
    Latency cost{}, best_latency{};
    Latency latency{};  ///< smoothed; of streams, or of plain calls if there are none
    std::chrono::nanoseconds first_token{-1}, rtt{-1}, probe{-1};  ///< negative: unknown
    std::chrono::duration<float, std::milli> first_token_p50{}, first_token_p95{}, first_token_p99{};  ///< 0: unknown
    Clock::time_point limited_until{}, open_until{};
    const char* liveness_reason = "";  ///< a string literal
    const char* breaker_reason = "";   ///< a string literal, empty while closed
};

RegionHealth to_health(std::string id, const RegionFacts& facts, Clock::time_point now);

}  // namespace holysheep::values
