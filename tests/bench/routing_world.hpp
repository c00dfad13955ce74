// Everything that routing consists of, as a client wires it, with a past: what the benchmarks of routing run on.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <holysheep/options.hpp>

#include "call/machine.hpp"
#include "execution/router.hpp"
#include "health/region_health_tracker.hpp"
#include "resilience/bulkhead.hpp"
#include "resilience/retry_budget.hpp"
#include "telemetry/log.hpp"
#include "telemetry/recorder.hpp"

namespace holysheep::bench {

inline constexpr std::string_view kModel = "a-model";

/// The third heavier than the second and that than the first, all in one tier.
std::vector<Region> some_regions(std::size_t count);
/// A good stream from every region, forty times over, in the order in which they answer; 100 to 300 ms away.
/// Returns the time afterwards.
Clock::time_point give_history(health::RegionHealthTracker& tracker, Clock::time_point now);

/// Limits of this client stop no call here.
struct RoomEverywhere final : call::RoomView {
    bool has_room(std::size_t, values::ModelId, Clock::time_point) const override { return true; }
    bool is_served(std::size_t, values::ModelId, Clock::time_point) const override { return false; }
};

struct RoutingWorld {
    explicit RoutingWorld(std::size_t count);
    RoutingWorld(const RoutingWorld&) = delete;
    RoutingWorld& operator=(const RoutingWorld&) = delete;

    /// The next call's start, a millisecond later.
    Clock::time_point tick() { return now += std::chrono::milliseconds{1}; }
    execution::RouteRequest request(std::uint64_t random) const {
        return {.allowed = all, .model = kModel, .session = {}, .awaited = health::Awaited::stream, .random = random};
    }
    /// Of a call that starts now, with a hedge if its answer is late.
    call::CallPolicy policy() const;
    /// One failure in each region, which is no reason to avoid any of them but is not forgotten yet.
    void fail_everywhere();

    const std::vector<Region> regions;
    std::vector<std::size_t> all;
    health::RegionHealthTracker tracker;
    Clock::time_point now;
    const values::ModelId model;
    telemetry::Log log;
    resilience::Bulkhead bulkhead;
    execution::Router router;
    RoomEverywhere rooms{};
    telemetry::Recorder recorder;
    resilience::RetryBudget retries{0.2, 20}, hedges{0.05, 5}, canaries{0.25, 5};
    std::vector<AttemptRecord> records;  ///< of a good attempt, by region: the trail is written with or without routing

  private:
    const ClientOptions defaults_{};
};

}  // namespace holysheep::bench
