// What is wrong with limits and keys, before the first call meets it.
#include <algorithm>
#include <chrono>
#include <string>

#include "client/options_check.hpp"

namespace holysheep::client {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostKeys = 64;

void check_rate_limit(const ClientOptions& options, Problems& problems) {
    const auto& limit = options.rate_limit;
    if (limit.requests < 0 || limit.requests > 1'000'000) {
        problems.add("rate_limit.requests",
                     std::to_string(limit.requests) + " must be between 0 (no limit) and 1000000");
    }
    if (limit.tokens_per_minute < 0) {
        problems.add("rate_limit.tokens_per_minute",
                     std::to_string(limit.tokens_per_minute) + " must be 0 (no limit) or more");
    }
    if (limit.per < 1ms || limit.per > 24h * 366) {
        problems.add("rate_limit.per", std::to_string(limit.per.count()) + " ms must be between 1 ms and a year");
    }
    if (limit.burst < 1) {
        problems.add("rate_limit.burst", std::to_string(limit.burst) + " must be 1 or more");
    } else if (limit.burst > 1 && !limit.smooth) {
        problems.add("rate_limit.burst", "it belongs to rate_limit.smooth; a window lets all its calls go at once");
    }
    const bool unlimited = limit.requests == 0 && limit.tokens_per_minute == 0;
    if (unlimited && (limit.smooth || limit.fail_fast)) {
        problems.add("rate_limit", "smooth and fail_fast need a limit: set requests or tokens_per_minute");
    }
    if (options.limiter && !unlimited) {
        problems.add("limiter", "rate_limit is set too; the shared limiter has its own options, so set one of them");
    }
}

void check_keys(const ClientOptions& options, Problems& problems) {
    const auto& keys = options.keys;
    if (keys.size() > kMostKeys) problems.add("keys", "more than " + std::to_string(kMostKeys) + " cannot be tried");
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const auto name = "keys[" + std::to_string(i) + "]";
        if (keys[i].empty()) problems.add(name, "it is empty");
        check_key(name, keys[i], problems);
        if (std::find(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(i), keys[i]) !=
            keys.begin() + static_cast<std::ptrdiff_t>(i)) {
            problems.add(name, "it is there twice: one account has one quota");
        }
    }
    if (options.key_source && !keys.empty()) {
        problems.add("key_source", "keys is set too; a client takes its keys from one of them");
    }
}

}  // namespace

void check_limits(const ClientOptions& options, Problems& problems) {
    check_rate_limit(options, problems);
    check_keys(options, problems);
    const auto& concurrency = options.concurrency;
    if (concurrency.max_per_region < 0) {
        problems.add("concurrency.max_per_region",
                     std::to_string(concurrency.max_per_region) + " must be 0 (no limit) or more");
    }
    if (concurrency.queue < 0) {
        problems.add("concurrency.queue", std::to_string(concurrency.queue) + " must be 0 (nobody waits) or more");
    } else if (concurrency.queue > 0 && concurrency.max_per_region <= 0) {
        problems.add("concurrency.queue", "without concurrency.max_per_region nobody ever waits");
    }
}

std::string problem_of_key(std::string& key) {
    const auto first = key.find_first_not_of(" \t\r\n");
    if (first == std::string::npos) return "the key is empty";
    key = key.substr(first, key.find_last_not_of(" \t\r\n") - first + 1);
    Problems problems;
    check_key("key_source", key, problems);
    return problems.empty() ? "" : problems.list().front();
}

}  // namespace holysheep::client
