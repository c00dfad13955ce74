// Which regions a call may use at all: residency is decided here, before anything is ranked.
// regions, the call's lists → [allowed_regions] → Router
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

/// Indexes into `regions`, in their order. Empty when the filter admits none.
std::vector<std::size_t> allowed_regions(std::span<const Region> regions, const RegionFilter& filter);

}  // namespace holysheep::routing
