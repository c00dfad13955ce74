// All routing components, connected as in a client and with a history: the setup of the routing benchmarks.
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

/// Regions in one tier, with the weights 1, 2 and 3 in turn.
std::vector<Region> make_regions(std::size_t count);
/// Reports forty successful streams of each region to the tracker, in order of time; the first content comes after 100
/// to 300 ms. Returns the time afterwards.
Clock::time_point add_history(health::RegionHealthTracker& tracker, Clock::time_point now);

/// A RoomView without limits.
struct UnlimitedRooms final : call::RoomView {
    bool has_room(std::size_t, values::ModelId, Clock::time_point) const override { return true; }
    bool is_served(std::size_t, values::ModelId, Clock::time_point) const override { return false; }
};

struct RoutingFixture {
    explicit RoutingFixture(std::size_t count);
    RoutingFixture(const RoutingFixture&) = delete;
    RoutingFixture& operator=(const RoutingFixture&) = delete;

    /// Advances time by a millisecond, to the next call's start.
    Clock::time_point tick() { return now += std::chrono::milliseconds{1}; }
    execution::RouteRequest request(std::uint64_t random) const {
        return {.allowed = all, .model = kModel, .session = {}, .awaited = health::Awaited::stream, .random = random};
    }
    /// The policy of a call that starts now, with a hedge if its answer is late.
    call::CallPolicy policy() const;
    /// Adds one recent failure in each region, which is no reason to avoid any of them.
    void fail_everywhere();

    const std::vector<Region> regions;
    std::vector<std::size_t> all;
    health::RegionHealthTracker tracker;
    Clock::time_point now;
    const values::ModelId model;
    telemetry::Log log;
    resilience::Bulkhead bulkhead;
    execution::Router router;
    UnlimitedRooms rooms{};
    telemetry::Recorder recorder;
    resilience::RetryBudget retries{0.2, 20}, hedges{0.05, 5}, canaries{0.25, 5};
    std::vector<AttemptRecord> records;  ///< one good attempt per region: written with or without routing

  private:
    const ClientOptions defaults_{};
};

}  // namespace holysheep::bench
