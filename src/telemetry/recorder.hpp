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

#include "values/region_facts.hpp"

namespace holysheep::telemetry {

/// Written on the I/O thread, read from any: a short lock, never held while anything else is done.
class Recorder {
  public:
    using time_point = Clock::time_point;
    Recorder(std::vector<std::string> region_ids, time_point now);

    void on_call_started(bool stream);
    /// `from`: the region that failed before, when this is a failover.
    void on_dispatch(std::size_t region, const AttemptRecord& attempt, std::optional<std::size_t> from);
    void on_attempt_end(std::size_t region, const AttemptRecord& attempt, const values::RegionFacts& facts);
    void on_call_end(std::optional<ErrorCode> error, double retry_tokens, double hedge_tokens);
    void on_probe(std::size_t region);
    /// One of several keys was refused; unset: it was accepted.
    void on_key(std::size_t key, std::optional<ErrorCode> refused_with, time_point now);
    /// What is known of a region has changed.
    void on_region(std::size_t region, const values::RegionFacts& facts);
    Stats snapshot(time_point now) const;

  private:
    struct Region {
        RegionStats stats;
        values::RegionFacts facts;
    };
    const time_point started_;
    mutable std::mutex mutex_;  // guards everything below
    Stats totals_;
    std::vector<Region> regions_;
    struct Key {
        std::optional<ErrorCode> refused_with;
        time_point since;
    };
    std::vector<Key> keys_;
};

}  // namespace holysheep::telemetry
