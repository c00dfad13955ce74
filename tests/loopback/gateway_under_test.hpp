// Shared setup for tests of the whole client: a simulator with named regions, options that point at it, a question.
// GatewaySimulator ← real sockets ← Client
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <holysheep/holysheep.hpp>
#include <holysheep/testing/gateway_simulator.hpp>
#include <holysheep/testing/matchers.hpp>
#include <mutex>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace holysheep::inline v0 {

// Readable output for failed tests.
inline void PrintTo(const AttemptRecord& attempt, std::ostream* out) { *out << describe({&attempt, 1}); }
inline void PrintTo(AttemptKind kind, std::ostream* out) { *out << to_string(kind); }

}  // namespace holysheep::inline v0

namespace holysheep::loopback {

using namespace std::chrono_literals;
using holysheep::testing::FailsWith;
using holysheep::testing::Fault;
using holysheep::testing::GatewaySimulator;
using holysheep::testing::IsOk;
using holysheep::testing::SeenRequest;
using holysheep::testing::SimulatedRegion;
using holysheep::testing::SimulatorOptions;
using Kind = Fault::Kind;

/// Limits how long a failing test hangs; no test waits for its end.
inline constexpr auto kTestTimeout = 30s;

inline const std::string kKey = "sk-wool-0123456789";

/// Options for these regions that ignore the environment and end every call within the test's time limit.
inline ClientOptions options_for(std::vector<Region> regions) {
    ClientOptions options;
    options.api_key = kKey;
    options.regions = std::move(regions);
    // Calls go to the first region in the list, and no probe interferes.
    for (int tier = 0; auto& region : options.regions) region.tier = tier++;
    options.health.enabled = false;
    options.timeouts.total = kTestTimeout;
    options.log.level = LogLevel::off;
    options.seed = 7;
    return options;
}
inline ClientOptions options_for(const GatewaySimulator& gateway) { return options_for(gateway.regions()); }

inline ChatRequest question(std::string text = "hello sheep") {
    return {.model = "gpt-4.1", .messages = {user(std::move(text))}};
}

/// "us-west transport_failed" or "us-west ok": a short form of each attempt.
inline std::vector<std::string> outcomes(const std::vector<AttemptRecord>& attempts) {
    std::vector<std::string> texts;
    for (const auto& attempt : attempts) {
        texts.push_back(attempt.region + " " + (attempt.error ? std::string(to_string(*attempt.error)) : "ok"));
    }
    return texts;
}
template <class Answer>
std::vector<std::string> outcomes(const Result<Answer>& result) {
    return outcomes(result ? result->attempts : result.error().attempts);
}

/// Whether this process may open this many sockets; raises its limit if possible.
inline bool allow_sockets(rlim_t count) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur >= count;
}

/// A number that threads increment and tests wait for.
class Counter {
  public:
    void add() {
        std::lock_guard lock(mutex_);
        ++value_;
        changed_.notify_all();
    }
    bool wait_for(int value, std::chrono::milliseconds timeout = kTestTimeout) const {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, timeout, [&] { return value_ >= value; });
    }
    int value() const {
        std::lock_guard lock(mutex_);
        return value_;
    }

  private:
    mutable std::mutex mutex_;  // guards value_
    mutable std::condition_variable changed_;
    int value_ = 0;
};

/// Two regions, the first of which will have a fault, and a client that prefers that first region.
class TwoRegions : public ::testing::Test {
  protected:
    GatewaySimulator gateway{{SimulatedRegion{.id = "us-west"}, SimulatedRegion{.id = "eu-central"}}};
    ClientOptions options = options_for(gateway);
};

}  // namespace holysheep::loopback
