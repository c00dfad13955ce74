// Builds the history from the same events that calls report, so that every estimate, breaker and model entry exists.
#include "routing_fixture.hpp"

#include <algorithm>
#include <numeric>

#include "resilience/random.hpp"

namespace holysheep::bench {

namespace {

using namespace std::chrono_literals;

// More than the tracker needs before it uses a model's own figures.
constexpr int kRounds = 40;
constexpr auto kStart = Clock::time_point{} + 1h;

std::vector<std::string> ids(const std::vector<Region>& regions) {
    std::vector<std::string> result;
    for (const auto& region : regions) result.push_back(region.id);
    return result;
}

}  // namespace

std::vector<Region> make_regions(std::size_t count) {
    std::vector<Region> regions(count);
    for (std::size_t i = 0; i < count; ++i) {
        regions[i].id = "region-" + std::to_string(i);
        regions[i].weight = static_cast<double>(1 + i % 3);
    }
    return regions;
}

Clock::time_point add_history(health::RegionHealthTracker& tracker, Clock::time_point now) {
    const auto model = tracker.model_id(kModel);
    resilience::Random random(2);
    std::vector<nanoseconds> latency(tracker.size());
    for (auto& each : latency) each = 100ms + std::chrono::duration_cast<nanoseconds>(200ms * random.uniform());
    std::vector<std::size_t> by_latency(tracker.size());
    std::iota(by_latency.begin(), by_latency.end(), std::size_t{0});
    std::ranges::sort(by_latency, {}, [&](std::size_t region) { return latency[region]; });
    std::vector<health::AttemptToken> tokens(tracker.size());
    for (int round = 0; round < kRounds; ++round) {
        for (std::size_t i = 0; i < tokens.size(); ++i) {
            tokens[i] = tracker.on_dispatch(i, model, health::Awaited::stream, now);
        }
        for (const auto region : by_latency) {
            const auto then = now + latency[region];
            tracker.on_connect_time(region, latency[region] / 2);
            tracker.on_rtt(region, latency[region] / 4, then);
            tracker.on_alive(region, then);
            tracker.on_first_content(tokens[region], then);
            tracker.on_outcome(tokens[region], health::FailureClass::success, then);
        }
        now += 400ms;
        tracker.refresh(now);
    }
    return now;
}

RoutingFixture::RoutingFixture(std::size_t count)
    : regions(make_regions(count)),
      all(count),
      tracker(regions, HealthOptions{}, BreakerOptions{}, 1),
      now(add_history(tracker, kStart)),
      model(tracker.model_id(kModel)),
      log(LogOptions{.level = LogLevel::off}, telemetry::Redactor{}),
      bulkhead(count, ConcurrencyOptions{}, 1),
      router(regions, SelectorOptions{}, nullptr, tracker, bulkhead, log),
      recorder(ids(regions), now) {
    std::iota(all.begin(), all.end(), std::size_t{0});
    for (const auto& region : regions) {
        AttemptRecord record;
        record.number = 1;
        record.region = region.id;
        record.model = kModel;
        record.http_status = 200;
        records.push_back(record);
    }
    tracker.take_notices();
}

call::CallPolicy RoutingFixture::policy() const {
    auto policy = call::make_policy(defaults_.retry, defaults_.timeouts, {}, true, now);
    policy.sign_of_life = defaults_.health.sign_of_life;
    policy.hedge = true;
    policy.hedge_min_delay = defaults_.hedging.min_delay;
    return policy;
}

void RoutingFixture::fail_everywhere() {
    for (std::size_t i = 0; i < regions.size(); ++i) {
        auto ticket = tracker.on_dispatch(i, model, health::Awaited::stream, now);
        tracker.on_outcome(ticket, health::FailureClass::gateway, now);
    }
}

}  // namespace holysheep::bench
