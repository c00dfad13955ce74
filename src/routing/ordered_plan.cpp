// Pure: the same regions and filter give the same order.
#include "routing/ordered_plan.hpp"

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

std::vector<std::size_t> ordered_plan(std::span<const Region> regions, const RegionFilter& filter) {
    std::vector<std::size_t> plan;
    plan.reserve(regions.size());
    for (std::size_t i = 0; i < regions.size(); ++i) {
        if (admits(filter, regions[i])) plan.push_back(i);
    }
    std::ranges::stable_sort(plan, [&](std::size_t a, std::size_t b) {
        if (regions[a].priority != regions[b].priority) return regions[a].priority < regions[b].priority;
        return regions[a].weight > regions[b].weight;
    });
    return plan;
}

}  // namespace holysheep::routing
