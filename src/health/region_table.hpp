// What the client remembers of each region between calls: failures, quota clocks, draining, attempts in flight.
// AttemptRecord → [RegionTable] → routing, CallMachine, Stats
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <holysheep/clock.hpp>
#include <holysheep/error_code.hpp>

namespace holysheep::health {

/// How an attempt bears on its region's health. Answers that are the caller's fault, throttling, cancels and lost races
/// say nothing about it.
enum class Charge { none, success, failure };

class RegionTable {
  public:
    using time_point = Clock::time_point;
    explicit RegionTable(std::size_t regions) : regions_(regions) {}

    std::size_t size() const { return regions_.size(); }
    void on_dispatch(std::size_t region) { ++regions_[region].in_flight; }
    void on_outcome(std::size_t region, Charge charge, time_point now);
    /// Quota, per model: a region that asked for a pause gets it. A later, shorter hint never ends an earlier one.
    void limit_until(std::size_t region, std::string_view model, time_point until, time_point now);
    void set_draining(std::size_t region, bool draining) { regions_[region].draining = draining; }

    bool draining(std::size_t region) const { return regions_[region].draining; }
    int in_flight(std::size_t region) const { return regions_[region].in_flight; }
    /// The epoch when it is not limited.
    time_point limited_until(std::size_t region, std::string_view model) const;
    /// The latest quota clock of any model.
    time_point limited_until(std::size_t region) const;
    /// Moving average of failures, 0..1: e ← 0.9·e + 0.1·[failed], fading with τ = 10 s while nothing is tried, so that
    /// a region that failed once is not avoided for ever.
    double error_rate(std::size_t region, time_point now) const;

  private:
    struct Region {
        double error_rate = 0;
        time_point error_rate_at{};
        std::vector<std::pair<std::string, time_point>> limits;  // by model; ended ones are dropped when one is added
        int in_flight = 0;
        bool draining = false;
    };
    std::vector<Region> regions_;
};

}  // namespace holysheep::health
