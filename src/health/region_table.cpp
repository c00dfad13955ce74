// Lives on the I/O thread; time comes in with every event.
#include "health/region_table.hpp"

#include <algorithm>
#include <cmath>

namespace holysheep::health {

void RegionTable::on_outcome(std::size_t region, Charge charge, time_point now) {
    auto& r = regions_[region];
    --r.in_flight;
    if (charge == Charge::none) return;
    r.error_rate = 0.9 * error_rate(region, now) + (charge == Charge::failure ? 0.1 : 0.0);
    r.error_rate_at = now;
}

void RegionTable::limit_until(std::size_t region, std::string_view model, time_point until, time_point now) {
    auto& limits = regions_[region].limits;
    std::erase_if(limits, [&](const auto& limit) { return limit.second <= now; });
    for (auto& [name, end] : limits) {
        if (name != model) continue;
        end = std::max(end, until);
        return;
    }
    limits.emplace_back(model, until);
}

RegionTable::time_point RegionTable::limited_until(std::size_t region, std::string_view model) const {
    for (const auto& [name, end] : regions_[region].limits) {
        if (name == model) return end;
    }
    return {};
}

RegionTable::time_point RegionTable::limited_until(std::size_t region) const {
    time_point latest{};
    for (const auto& limit : regions_[region].limits) latest = std::max(latest, limit.second);
    return latest;
}

double RegionTable::error_rate(std::size_t region, time_point now) const {
    const auto& r = regions_[region];
    if (r.error_rate == 0) return 0;
    const std::chrono::duration<double> idle = now - r.error_rate_at;
    return r.error_rate * std::exp(-std::max(0.0, idle.count()) / 10.0);
}

}  // namespace holysheep::health
