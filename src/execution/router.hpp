// Makes the plan of a call: asks the tracker about each region that the call may use, and the selector for their order.
// regions, RegionHealthTracker → [Router] ⇄ Selector or the user's RegionSelector → plan → CallMachine
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <holysheep/options.hpp>
#include <holysheep/region_selector.hpp>

#include "execution/exchange.hpp"
#include "health/region_health_tracker.hpp"
#include "resilience/bulkhead.hpp"
#include "routing/selector.hpp"
#include "telemetry/log.hpp"

namespace holysheep::execution {

/// The kind of answer that an exchange waits for.
inline health::Awaited awaited_by(ExchangeKind kind) {
    switch (kind) {
        case ExchangeKind::chat: return health::Awaited::plain;
        case ExchangeKind::chat_stream: return health::Awaited::stream;
        case ExchangeKind::raw: break;
    }
    return health::Awaited::other;
}

struct RouteRequest {
    std::span<const std::size_t> allowed;  ///< the regions that the call may use
    std::string_view model, session;
    health::Awaited awaited = health::Awaited::other;
    std::uint64_t random = 0;
};

/// Used on the I/O thread. Plans contain only allowed regions, whatever a selector returns.
class Router {
  public:
    Router(std::span<const Region> regions, const SelectorOptions& options,
           std::shared_ptr<const RegionSelector> custom, health::RegionHealthTracker& tracker,
           const resilience::Bulkhead& bulkhead, const telemetry::Log& log);

    /// Fills `plan` with region numbers, best first. Refresh the tracker before.
    void plan(const RouteRequest& request, Clock::time_point now, std::vector<std::size_t>& plan);
    /// The known facts about a region, with its cost and its limit.
    values::RegionFacts facts(std::size_t region, Clock::time_point now) const;

  private:
    /// Writes every member in place: copying data that was just written would stall the processor.
    void assess(std::size_t region, values::ModelId model, health::Awaited awaited, Clock::time_point now,
                routing::Candidate& candidate) const;
    bool ask_custom(const RouteRequest& request, Clock::time_point now, std::vector<std::size_t>& plan) const;

    struct Known {
        std::string id;
        std::uint64_t id_hash;
        double weight;
        int tier;
    };
    std::vector<Known> regions_;
    routing::Selector selector_;
    std::shared_ptr<const RegionSelector> custom_;
    health::RegionHealthTracker& tracker_;
    const resilience::Bulkhead& bulkhead_;
    const telemetry::Log& log_;
    std::vector<routing::Candidate> candidates_;  // scratch; keeps its capacity
};

}  // namespace holysheep::execution
