// Measures the client's own limits: one grant, single-threaded and shared by threads, for windows of different sizes.
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include <benchmark/benchmark.h>

#include "resilience/rate_limiter.hpp"

namespace holysheep::bench {
namespace {

using Limiter = RateLimiter::Impl;

/// All requests of a call to its partition: a slot, its sending, its arrival, its end. Time passes so fast that no call
/// waits; the argument is the number of calls in the window.
void grant(benchmark::State& state, const std::shared_ptr<Limiter>& limiter, Clock::time_point& now) {
    const auto partition = limiter->partition(1, "gpt-4.1", {});
    for (auto _ : state) {
        now += std::chrono::seconds{120};
        Permit permit(limiter, partition, {.tokens = 1'000, .since = now}, now);
        permit.sent(now);
        permit.arrived(now);
        permit.settle(900, 700, now);
    }
}

void limiter_grant(benchmark::State& state) {
    const auto limiter = std::make_shared<Limiter>(RateLimitOptions{.requests = state.range(0)});
    Clock::time_point now{std::chrono::hours{1}};
    grant(state, limiter, now);
}
BENCHMARK(limiter_grant)->Arg(60)->Arg(10'000);

void limiter_grant_with_tokens(benchmark::State& state) {
    const auto limiter =
        std::make_shared<Limiter>(RateLimitOptions{.requests = state.range(0), .tokens_per_minute = 1'000'000});
    Clock::time_point now{std::chrono::hours{1}};
    grant(state, limiter, now);
}
BENCHMARK(limiter_grant_with_tokens)->Arg(60);

/// Four threads, one partition, one clock.
void limiter_grant_shared(benchmark::State& state) {
    static const auto limiter = std::make_shared<Limiter>(RateLimitOptions{.requests = 10'000});
    static std::atomic<std::int64_t> seconds{3'600};
    const auto partition = limiter->partition(1, "gpt-4.1", {});
    for (auto _ : state) {
        const Clock::time_point now{std::chrono::seconds{seconds += 120}};
        Permit permit(limiter, partition, {.tokens = 1'000, .since = now}, now);
        permit.sent(now);
        permit.arrived(now);
        permit.settle(900, 700, now);
    }
}
BENCHMARK(limiter_grant_shared)->Threads(4)->UseRealTime();

}  // namespace
}  // namespace holysheep::bench
