// Validates rate limits. Without a number there is no limit, so options that only modify one are refused, too.
#include "resilience/rate_limit_check.hpp"

#include <chrono>

#include "values/duration_text.hpp"

namespace holysheep::resilience {

std::vector<std::pair<std::string, std::string>> problems_of(const RateLimitOptions& options) {
    using namespace std::chrono_literals;
    std::vector<std::pair<std::string, std::string>> problems;
    const auto add = [&](const char* option, std::string problem) {
        problems.emplace_back(option, std::move(problem));
    };
    if (options.requests < 0 || options.requests > 1'000'000) {
        add("rate_limit.requests", std::to_string(options.requests) + " must be between 0 (no limit) and 1000000");
    }
    if (options.tokens_per_minute < 0) {
        add("rate_limit.tokens_per_minute",
            std::to_string(options.tokens_per_minute) + " must be 0 (no limit) or more");
    }
    if (options.per < 1ms || options.per > 24h * 366) {
        add("rate_limit.per", values::milliseconds_text(options.per) + " must be between 1 ms and a year");
    }
    if (options.burst < 1) {
        add("rate_limit.burst", std::to_string(options.burst) + " must be 1 or more");
    } else if (options.burst > 1 && !options.smooth) {
        add("rate_limit.burst", "it requires rate_limit.smooth; without it, all calls of a window may be sent at once");
    }
    const bool unlimited = options.requests == 0 && options.tokens_per_minute == 0;
    if (unlimited && (options.smooth || options.fail_fast)) {
        add("rate_limit", "smooth and fail_fast need a limit: set requests or tokens_per_minute");
    }
    return problems;
}

}  // namespace holysheep::resilience
