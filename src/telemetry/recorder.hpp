// Counts events for Client::stats().
// CallDriver, Prober → [Recorder] → Stats
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <holysheep/clock.hpp>
#include <holysheep/stats.hpp>
#include <holysheep/usage.hpp>

#include "telemetry/histogram.hpp"
#include "telemetry/model_tally.hpp"
#include "values/region_facts.hpp"

namespace holysheep::telemetry {

/// Why an attempt is sent to another region than the one before it.
struct FailoverCause {
    std::size_t from = 0;
    ErrorCode cause = ErrorCode::transport_failed;
    nanoseconds overhead{};  ///< see Stats::failover_overhead
};

/// A finished call.
struct CallEnd {
    std::optional<ErrorCode> error{};
    std::span<const AttemptRecord> attempts{};
    std::string_view model{};  ///< as requested; empty: none
    const Usage* usage = nullptr;
    nanoseconds queued{}, total{};
    double retry_tokens = 0, hedge_tokens = 0;
};

/// Written on the I/O thread, read on any thread. The mutex is held for a few increments, or while plain values are
/// copied; texts are formatted after it is released.
class Recorder {
  public:
    using time_point = Clock::time_point;
    static constexpr std::size_t kDefaultHistory = 100;
    Recorder(std::vector<std::string> region_ids, time_point now, std::size_t history = kDefaultHistory);

    /// The initial budgets; the end of each call updates them.
    void on_budgets(double retry_tokens, double hedge_tokens);
    void on_call_started(bool stream);
    /// `cause`: set if another region failed before, or is late or silent.
    void on_dispatch(std::size_t region, const AttemptRecord& attempt, const std::optional<FailoverCause>& cause);
    /// `wasted`: completion tokens of an unused answer.
    void on_attempt_end(std::size_t region, const AttemptRecord& attempt, const values::RegionFacts& facts,
                        std::int64_t wasted = 0);
    void on_call_end(const CallEnd& call);
    /// `took` is unset if the duration was not measured.
    void on_probe(std::size_t region, bool answered, std::optional<nanoseconds> took);
    /// The gateway refused or accepted one of several keys; `refused_with` is unset if it was accepted.
    void on_key(std::size_t key, std::optional<ErrorCode> refused_with, time_point now);
    /// The state of a region changed.
    void on_region(std::size_t region, const values::RegionFacts& facts);
    Stats snapshot(time_point now) const;
    /// The states of the regions.
    std::vector<RegionHealth> healths(time_point now) const;

  private:
    static constexpr std::size_t kCauses = static_cast<std::size_t>(ErrorCode::proxy_failed) + 1;
    static constexpr std::size_t kMaxRoutes =
        64;  // failover targets and causes per region; more are counted in the totals only
    static constexpr std::size_t kMaxChanges = 64;

    using Causes = std::array<std::uint64_t, kCauses>;
    struct Tally {
        std::uint64_t attempts = 0, succeeded = 0, failed = 0, cancelled = 0, failovers_away = 0, failovers_to = 0;
        std::uint64_t hedges = 0, hedges_won = 0, hedges_lost = 0, races = 0, rescues = 0, backups = 0, streams_cut = 0;
        std::uint64_t probes = 0, probes_failed = 0;
        std::array<std::uint64_t, 3> breaker_to{};  // by BreakerState
        std::int64_t wasted_tokens = 0;
        std::optional<ErrorCode> last_error{};
        Causes failed_by{}, away_by{};
    };
    struct Route {
        std::size_t to;
        ErrorCode cause;
        std::uint64_t count;
    };
    struct Region {
        Tally tally;
        values::RegionFacts facts;
        Histogram latency, first_content, probe_rtt;
        std::vector<AttemptSample> history;  // a ring once it is full
        std::size_t oldest = 0;
        std::vector<Route> routes;
    };
    struct Key {
        std::optional<ErrorCode> refused_with{};
        time_point since{};
    };
    struct Change {
        nanoseconds at{};
        std::size_t region = 0;
        values::RegionFacts facts{};
    };
    struct Copy;

    void record_failover(Region& from, std::size_t to, ErrorCode cause);
    void set_facts(std::size_t region, const values::RegionFacts& facts);
    void record_hedges(std::span<const AttemptRecord> attempts);
    void record_rescue(std::span<const AttemptRecord> attempts);
    static RegionStats in_words(const std::string& id, Copy& copy, time_point now);

    const time_point started_;
    const std::size_t history_;
    const std::vector<std::string> ids_;
    mutable std::mutex mutex_;  // guards everything below
    Stats totals_;              // except for its lists
    std::vector<Region> regions_;
    std::vector<Key> keys_;
    ModelTally models_;
    Histogram latency_, queued_, overhead_;
    std::vector<std::uint64_t> overhead_buckets_;
    std::vector<Change> changes_;  // a ring once it is full
    std::size_t oldest_change_ = 0;
};

}  // namespace holysheep::telemetry
