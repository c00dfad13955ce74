// Matches ids and zones. Pure.
#include "routing/region_filter.hpp"

#include <algorithm>

namespace holysheep::routing {

namespace {
bool names(std::span<const std::string> list, const Region& region) {
    return std::ranges::any_of(
        list, [&](const std::string& name) { return name == region.id || (!name.empty() && name == region.zone); });
}
}  // namespace

bool admits(const RegionFilter& filter, const Region& region) {
    return (filter.allowed.empty() || names(filter.allowed, region)) && !names(filter.excluded, region);
}

std::vector<std::size_t> allowed_regions(std::span<const Region> regions, const RegionFilter& filter) {
    std::vector<std::size_t> allowed;
    allowed.reserve(regions.size());
    for (std::size_t i = 0; i < regions.size(); ++i) {
        if (admits(filter, regions[i])) allowed.push_back(i);
    }
    return allowed;
}

}  // namespace holysheep::routing
