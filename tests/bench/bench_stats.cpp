// Measures the statistics: how long a snapshot takes while one thread records calls as fast as it can, and how much
// memory a region takes.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>

#include <holysheep/client.hpp>

#include "allocation_count.hpp"
#include "instant_network.hpp"
#include "routing_fixture.hpp"

namespace holysheep::bench {
namespace {

using std::chrono::steady_clock;

// ---- recording ----

void BM_HistogramAdd(benchmark::State& state) {
    telemetry::Histogram histogram;
    std::uint64_t random = 1;
    for (auto _ : state) {
        random = random * 6364136223846793005U + 1442695040888963407U;
        histogram.add(nanoseconds(static_cast<std::int64_t>(random >> 30U)));  // values up to 17 s
    }
    benchmark::DoNotOptimize(histogram.count());
}
BENCHMARK(BM_HistogramAdd);

/// Sixteen regions with full histories, ten models, 64 calls in flight.
struct BusyRecorder {
    static constexpr std::size_t kRegions = 16, kModels = 10, kInFlight = 64;
    BusyRecorder() : recorder(names("region-", kRegions), Clock::time_point{}), models(names("model-", kModels)) {
        for (std::size_t i = 0; i < kRegions; ++i) {
            auto& record = records.emplace_back();
            record.region = "region-" + std::to_string(i);
            record.timings = {.first_content = std::chrono::milliseconds{100 + i}, .total = std::chrono::seconds{1}};
            record.cost = Money{.nano = 12};
            record.http_status = 200;
        }
        for (std::size_t i = 0; i < 200 * kRegions; ++i) record(i);
        for (std::size_t i = 0; i < kInFlight; ++i) {
            recorder.on_call_started(true);
            recorder.on_dispatch(i % kRegions, records[i % kRegions], std::nullopt);
        }
    }
    static std::vector<std::string> names(const char* prefix, std::size_t count) {
        std::vector<std::string> names;
        for (std::size_t i = 0; i < count; ++i) names.push_back(prefix + std::to_string(i));
        return names;
    }
    /// Records one call with one attempt and all their fields.
    void record(std::size_t number) {
        const auto region = number % kRegions;
        auto& attempt = records[region];
        attempt.timings.total = std::chrono::microseconds{100'000 + 997 * (number % 1000)};
        recorder.on_call_started(true);
        recorder.on_dispatch(region, attempt, std::nullopt);
        recorder.on_attempt_end(region, attempt, facts);
        recorder.on_call_end({.attempts = {&attempt, 1},
                              .model = models[number % kModels],
                              .usage = &usage,
                              .total = *attempt.timings.total,
                              .retry_tokens = 20,
                              .hedge_tokens = 5});
    }
    telemetry::Recorder recorder;
    std::vector<std::string> models;
    std::vector<AttemptRecord> records;
    const values::RegionFacts facts{.liveness = Liveness::healthy,
                                    .as_of = Clock::time_point{} + std::chrono::hours{1}};
    const Usage usage{.present = true, .prompt_tokens = 100, .completion_tokens = 20, .total_tokens = 120};
};

/// The writer: records one attempt and its call.
void BM_RecordAttemptAndCall(benchmark::State& state) {
    BusyRecorder busy;
    std::size_t number = 0;
    for (auto _ : state) busy.record(number++);
}
BENCHMARK(BM_RecordAttemptAndCall);

void BM_SnapshotOfSixteenRegions(benchmark::State& state) {
    BusyRecorder busy;
    for (auto _ : state) benchmark::DoNotOptimize(busy.recorder.snapshot(Clock::time_point{} + std::chrono::hours{1}));
}
BENCHMARK(BM_SnapshotOfSixteenRegions);

void BM_WriteStats(benchmark::State& state) {
    BusyRecorder busy;
    const auto stats = busy.recorder.snapshot(Clock::time_point{} + std::chrono::hours{1});
    for (auto _ : state) {
        benchmark::DoNotOptimize(state.range(0) == 0 ? stats.to_json() : stats.to_prometheus());
    }
}
BENCHMARK(BM_WriteStats)->ArgName("prometheus")->Arg(0)->Arg(1);

// ---- snapshots under load ----

/// Reports percentiles, because the mean hides a reader that has to wait for the writer.
void report_percentiles(benchmark::State& state, std::vector<double>& nanoseconds) {
    std::ranges::sort(nanoseconds);
    const auto at = [&](double share) {
        return nanoseconds[static_cast<std::size_t>(share * static_cast<double>(nanoseconds.size() - 1))];
    };
    state.counters["p50_ns"] = at(0.50);
    state.counters["p99_ns"] = at(0.99);
    state.counters["max_ns"] = at(1);
}

/// Reads repeatedly while `write` runs on another thread; also reports how often `write` ran.
template <class Write, class Read>
void read_under_load(benchmark::State& state, Write write, Read read) {
    std::atomic<std::uint64_t> written{0};
    std::jthread writer([&](const std::stop_token& stop) {
        for (std::uint64_t count = 0; !stop.stop_requested(); written.store(++count, std::memory_order_relaxed)) {
            write(count);
        }
    });
    while (written.load(std::memory_order_relaxed) == 0) std::this_thread::yield();
    std::vector<double> times;
    times.reserve(static_cast<std::size_t>(state.max_iterations));
    const auto written_before = written.load();
    for (auto _ : state) {
        const auto begin = steady_clock::now();
        benchmark::DoNotOptimize(read());
        times.push_back(std::chrono::duration<double, std::nano>(steady_clock::now() - begin).count());
    }
    const auto written_since = written.load() - written_before;
    state.counters["calls_per_s"] = benchmark::Counter(static_cast<double>(written_since), benchmark::Counter::kIsRate);
    report_percentiles(state, times);
}

void BM_SnapshotUnderLoad(benchmark::State& state) {
    const auto count = static_cast<std::size_t>(state.range(0));
    RoutingFixture routing(count);
    const auto facts = routing.router.facts(0, routing.now);
    read_under_load(
        state,
        [&](std::uint64_t number) {
            const auto region = number % count;
            routing.recorder.on_call_started(true);
            routing.recorder.on_dispatch(region, routing.records[region], std::nullopt);
            routing.recorder.on_attempt_end(region, routing.records[region], facts);
            routing.recorder.on_call_end({.retry_tokens = 20, .hedge_tokens = 5});
        },
        [&] { return routing.recorder.snapshot(routing.now).calls; });
}
void BM_SnapshotOfSixteenRegionsUnderLoad(benchmark::State& state) {
    BusyRecorder busy;
    read_under_load(
        state, [&](std::uint64_t number) { busy.record(number); },
        [&] { return busy.recorder.snapshot(Clock::time_point{} + std::chrono::hours{1}).calls; });
}
BENCHMARK(BM_SnapshotOfSixteenRegionsUnderLoad)->UseRealTime();
BENCHMARK(BM_SnapshotUnderLoad)->Arg(3)->Arg(8)->Arg(1000)->UseRealTime();

/// The same through a client, whose calls do only the library's own work.
void BM_StatsUnderLoad(benchmark::State& state) {
    const auto clock = std::make_shared<InstantClock>();
    ClientOptions options;
    options.api_key = "a-key";
    options.base_url = "https://{region}.test/v1";
    options.regions = make_regions(static_cast<std::size_t>(state.range(0)));
    options.health.enabled = false;
    options.clock = clock;
    options.transport = std::make_shared<InstantTransport>(*clock);
    Client client(options);
    const ChatRequest request{.model = std::string(kModel), .messages = {user("yes or no?")}};
    read_under_load(
        state,
        [&](std::uint64_t) {
            if (!client.chat(request)) throw std::logic_error("a call that cannot fail has failed");
        },
        [&] { return client.stats().calls; });
}
BENCHMARK(BM_StatsUnderLoad)->Arg(3)->Arg(8)->Arg(1000)->UseRealTime();

// ---- memory ----

/// Memory of tracker, router and recorder for each of a thousand regions that serve one model.
void BM_MemoryPerRegion(benchmark::State& state) {
    constexpr std::size_t kCount = 1000;
    const auto regions = make_regions(kCount);
    const telemetry::Log log(LogOptions{.level = LogLevel::off}, telemetry::Redactor{});
    const resilience::Bulkhead bulkhead(kCount, ConcurrencyOptions{}, 1);  // not part of the measurement
    double kept = 0;
    double of_tracker = 0;
    for (auto _ : state) {
        std::vector<std::string> ids;
        for (const auto& region : regions) ids.push_back(region.id);
        std::vector<std::size_t> all(kCount);
        for (std::size_t i = 0; i < kCount; ++i) all[i] = i;
        const AllocationCount count;
        health::RegionHealthTracker tracker(regions, HealthOptions{}, BreakerOptions{}, 1);
        const auto now = add_history(tracker, Clock::time_point{} + std::chrono::hours{1});
        tracker.take_notices();
        of_tracker = static_cast<double>(count.bytes_kept());
        execution::Router router(regions, SelectorOptions{}, nullptr, tracker, bulkhead, log);
        telemetry::Recorder recorder(std::move(ids), now);
        std::vector<std::size_t> plan(kCount);
        router.plan({.allowed = all, .model = kModel, .session = {}}, now, plan);
        for (std::size_t i = 0; i < kCount; ++i) recorder.on_region(i, router.facts(i, now));
        kept = static_cast<double>(count.bytes_kept());
    }
    state.counters["bytes_per_region"] = kept / kCount;
    state.counters["of_these_tracker"] = of_tracker / kCount;
}
BENCHMARK(BM_MemoryPerRegion)->Iterations(3);

}  // namespace
}  // namespace holysheep::bench
