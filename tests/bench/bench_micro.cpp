// Measures the decisions of one call: picking a region, asking the breaker, recording the answer.
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

#include "health/latency.hpp"
#include "resilience/circuit_breaker.hpp"
#include "resilience/random.hpp"
#include "routing/selector.hpp"

namespace holysheep::bench {
namespace {

using namespace std::chrono_literals;

/// Regions between 100 and 300 ms away; each of the first three has a greater weight than the one before it.
std::vector<routing::Candidate> candidates(std::size_t count) {
    resilience::Random random(2);
    std::vector<routing::Candidate> result(count);
    for (std::size_t i = 0; i < count; ++i) {
        result[i].region = i;
        result[i].id_hash = routing::hash_id("region-" + std::to_string(i));
        result[i].weight = static_cast<double>(1 + i % 3);
        result[i].latency = routing::Latency{100 + 200 * random.uniform()};
        result[i].cost = routing::cost(result[i].latency, {}, 0, 0, result[i].weight, 1);
    }
    return result;
}

void pick(benchmark::State& state, SelectorOptions options, std::string_view session) {
    const auto count = static_cast<std::size_t>(state.range(0));
    auto regions = candidates(count);
    routing::Selector selector(options, count);
    resilience::Random random(1);
    std::vector<std::size_t> plan;
    std::size_t i = 0;
    for (auto _ : state) {
        auto& changing = regions[i++ % count].cost;  // prevents the branch predictor from learning the order
        changing *= (i & 1U) != 0 ? 1.02 : 1 / 1.02;
        selector.rank(regions, session, random, plan);
        benchmark::DoNotOptimize(plan.data());
    }
}
BENCHMARK_CAPTURE(pick, adaptive, SelectorOptions{}, "")->Arg(3)->Arg(8)->Arg(1000);
BENCHMARK_CAPTURE(pick, weighted, SelectorOptions{Strategy::weighted, 0}, "")->Arg(3)->Arg(8)->Arg(1000);
BENCHMARK_CAPTURE(pick, weighted_by_cost, SelectorOptions{Strategy::weighted, 8}, "")->Arg(3)->Arg(8)->Arg(1000);
BENCHMARK_CAPTURE(pick, round_robin, SelectorOptions{Strategy::round_robin, 0}, "")->Arg(3)->Arg(8)->Arg(1000);
BENCHMARK_CAPTURE(pick, lowest_latency, SelectorOptions{Strategy::lowest_latency, 0}, "")->Arg(3)->Arg(8)->Arg(1000);
BENCHMARK_CAPTURE(pick, session, SelectorOptions{}, "a session's name")->Arg(3)->Arg(8)->Arg(1000);

void breaker_good_call(benchmark::State& state) {
    const BreakerOptions options{};
    resilience::CircuitBreaker breaker(options);
    Clock::time_point now = Clock::time_point{} + 1h;
    for (auto _ : state) {
        now += 3ms;
        benchmark::DoNotOptimize(breaker.admits(now));
        const bool trial = breaker.on_dispatch(now);
        breaker.on_success(trial, now);
        benchmark::DoNotOptimize(breaker);
    }
}
BENCHMARK(breaker_good_call);

void learn_latency(benchmark::State& state) {
    resilience::Random random(3);
    std::array<double, 4096> samples{};
    for (double& sample : samples) sample = 100 * std::exp(2 * random.uniform());
    health::LatencyAverage average;
    health::Quantiles quantiles;
    Clock::time_point now = Clock::time_point{} + 1h;
    std::size_t i = 0;
    for (auto _ : state) {
        now += 70ms;
        const double sample = samples[i++ % samples.size()];
        average.add(health::Latency{sample}, now);
        quantiles.add(health::Latency{sample});
        benchmark::DoNotOptimize(average.value() + quantiles.p95());
    }
}
BENCHMARK(learn_latency);

}  // namespace
}  // namespace holysheep::bench

BENCHMARK_MAIN();
