// Counts what happens, for Client::stats().
// CallDriver → [Recorder] → Stats
#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <holysheep/clock.hpp>
#include <holysheep/stats.hpp>

namespace holysheep::telemetry {

/// Written on the I/O thread, read from any: a short lock, never held while anything else is done.
class Recorder {
  public:
    using time_point = Clock::time_point;
    /// What the client's memory of a region is after an attempt.
    struct Gauges {
        int in_flight = 0;
        double error_rate = 0;
        time_point limited_until{};
        bool charged = false;  ///< this attempt counted against the region's health
    };

    Recorder(std::vector<std::string> region_ids, double budget_tokens, time_point now);

    void on_call_started(bool stream);
    /// `from`: the region that failed before, when this is a failover.
    void on_dispatch(std::size_t region, std::optional<std::size_t> from);
    void on_attempt_end(std::size_t region, const AttemptRecord& attempt, const Gauges& gauges);
    void on_call_end(std::optional<ErrorCode> error, double budget_tokens);
    void on_draining(std::size_t region, bool draining);
    Stats snapshot(time_point now) const;

  private:
    struct Region {
        RegionStats stats;
        time_point limited_until{};
    };
    const time_point started_;
    mutable std::mutex mutex_;  // guards everything below
    Stats totals_;
    std::vector<Region> regions_;
};

}  // namespace holysheep::telemetry
