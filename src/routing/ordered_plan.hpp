// The order in which one call will try the regions that it may use.
// regions, the call's allow list → [ordered_plan] → CallMachine
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <holysheep/region.hpp>

namespace holysheep::routing {

struct RegionFilter {
    std::span<const std::string> allowed;   ///< ids or zones; empty: all
    std::span<const std::string> excluded;  ///< ids or zones
};

bool admits(const RegionFilter& filter, const Region& region);

/// Indexes into `regions`: lower priority first, then higher weight, then configured order. Empty when the filter
/// admits none.
std::vector<std::size_t> ordered_plan(std::span<const Region> regions, const RegionFilter& filter);

}  // namespace holysheep::routing
