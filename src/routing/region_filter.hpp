// Selects the regions that a call may use (residency), before they are ranked.
// regions, the call's lists → [allowed_regions] → Router
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <holysheep/region.hpp>

namespace holysheep::routing {

/// The region lists of a call.
struct RegionFilter {
    std::span<const std::string> allowed;   ///< ids or zones; empty: all
    std::span<const std::string> excluded;  ///< ids or zones
};

bool admits(const RegionFilter& filter, const Region& region);

/// Indices of the admitted regions, in their order; may be empty.
std::vector<std::size_t> allowed_regions(std::span<const Region> regions, const RegionFilter& filter);

}  // namespace holysheep::routing
