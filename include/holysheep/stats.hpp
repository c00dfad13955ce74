// What a client has done so far, as one consistent snapshot of plain values.
// attempts, calls, probes → Client::stats → [Stats] → print_dashboard, to_json, to_prometheus
#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include <holysheep/attempt.hpp>
#include <holysheep/error_code.hpp>
#include <holysheep/export.hpp>
#include <holysheep/money.hpp>
#include <holysheep/rate_limiter.hpp>
#include <holysheep/region_health.hpp>

namespace holysheep {
inline namespace v0 {

/// How long something took, over all samples since the client was made. Everything is 0 without samples. Quantiles are
/// at most 3.2 % away from a sample; the rest is exact.
struct LatencySummary {
    std::uint64_t count = 0;
    nanoseconds average{}, min{}, max{}, p50{}, p95{}, p99{};
    nanoseconds sum{};
};

/// How many samples took at most `up_to`; buckets are cumulative, as Prometheus has them.
struct LatencyBucket {
    nanoseconds up_to{};
    std::uint64_t count = 0;
};

struct CauseCount {
    ErrorCode cause = ErrorCode::transport_failed;
    std::uint64_t count = 0;
};

/// One attempt that is over, as a region's history keeps it.
struct AttemptSample {
    nanoseconds at{};  ///< when it ended, counted like `Stats::uptime`
    nanoseconds latency{};
    std::optional<nanoseconds> first_content{};  ///< of streams that gave content
    std::optional<ErrorCode> error{};            ///< unset: answered; `cancelled`: neither good nor bad
    AttemptKind kind = AttemptKind::first;
    int http_status = 0;
};

struct RegionStats {
    std::string id{};
    RegionHealth health{};
    double weight = 1;  ///< its share in force: the configured weight, less while it recovers

    // ---- attempts that are over ----
    std::uint64_t attempts = 0, succeeded = 0, failed = 0;
    std::uint64_t cancelled = 0;            ///< attempts that the caller ended, or that another attempt was ahead of
    std::uint64_t streams_cut = 0;          ///< attempts that broke after content
    std::int64_t wasted_tokens = 0;         ///< of answers that could not be used; see `Stats::wasted_tokens`
    std::optional<ErrorCode> last_error{};  ///< of an attempt; unset: none has failed
    std::vector<CauseCount> failed_by{};    ///< by error class, only those that occurred
    std::vector<AttemptSample> history{};   ///< the last `StatsOptions::history`, oldest first

    // ---- moves between regions ----
    /// Calls that went elsewhere after an attempt failed here, or that another region answered while this one was
    /// silent (cause `timed_out`).
    std::uint64_t failovers_away = 0;
    std::uint64_t failovers_to = 0;                 ///< calls that came here after an attempt failed elsewhere
    std::vector<CauseCount> failovers_away_by{};    ///< by error class, only those that occurred
    std::uint64_t hedges = 0;                       ///< attempts that were sent here because another region was slow
    std::uint64_t hedges_won = 0, hedges_lost = 0;  ///< of those sent here
    std::uint64_t races = 0;                        ///< attempts sent here because another region's connection was late
    std::uint64_t rescues = 0;                      ///< attempts sent here because another region fell silent
    std::uint64_t backups = 0;  ///< attempts sent here beside a trial, or because a deadline came near

    // ---- probes and the breaker ----
    std::uint64_t probes = 0, probes_failed = 0;
    std::uint64_t breaker_opened = 0, breaker_half_opened = 0, breaker_closed = 0;  ///< changes to each state

    // ---- times ----
    LatencySummary latency{};        ///< of attempts that answered, from dispatch to the answer's end
    LatencySummary first_content{};  ///< of streams, from dispatch to the first content
    LatencySummary probe_rtt{};      ///< of probes that were answered

    /// succeeded / (succeeded + failed); unset before the first.
    HOLYSHEEP_EXPORT std::optional<double> success_rate() const;
};

/// Calls that went from one region to another, and why.
struct FailoverCount {
    std::string from{}, to{};
    ErrorCode cause = ErrorCode::transport_failed;
    std::uint64_t count = 0;
};

/// What calls for one model did and consumed.
struct ModelStats {
    std::string model{};  ///< as it was asked for, or the fallback that took over; "other": all beyond the first 64
    std::uint64_t calls = 0, succeeded = 0, failed = 0, cancelled = 0;
    std::int64_t prompt_tokens = 0, completion_tokens = 0;       ///< of answers, as the gateway counted them
    std::int64_t cached_input_tokens = 0, reasoning_tokens = 0;  ///< parts of the two above
    /// Of all attempts, those that failed or lost too, one entry per currency. `cost` is known, `cost_estimated` comes
    /// from attempts whose usage nobody told.
    std::vector<Money> cost{}, cost_estimated{};
    std::uint64_t unpriced = 0;  ///< calls of which an attempt's cost is not known
};

/// A region's liveness or breaker changed.
struct RegionChange {
    nanoseconds at{};  ///< counted like `Stats::uptime`
    std::string region{};
    Liveness liveness = Liveness::unknown;
    BreakerState breaker = BreakerState::closed;
    std::string reason{};
};

/// One of `ClientOptions::keys`, by its position there: the key itself is never shown.
struct KeyStats {
    std::size_t number = 0;                     ///< 0, 1, …
    std::optional<ErrorCode> refused_with{};    ///< why it is left out at present; unset: it is in use
    std::optional<milliseconds> refused_for{};  ///< how long ago that was
};

/// What bounds kept from growing; all 0 where the program keeps up.
struct DroppedCounts {
    std::uint64_t listener_records = 0;  ///< not delivered: `QueueOptions::listener_records` waited already
    std::uint64_t callback_calls = 0;    ///< refused: `QueueOptions::callbacks` results waited already
    std::uint64_t unread_streams = 0;    ///< ended after `TimeoutOptions::unread`
};

/// Counters since the client was made. A call that was cancelled counts as neither succeeded nor failed.
struct Stats {
    nanoseconds uptime{};

    // ---- calls ----
    int in_flight = 0;  ///< calls
    std::uint64_t calls = 0, succeeded = 0, failed = 0, cancelled = 0, streams = 0;
    std::uint64_t panics = 0;  ///< calls that were sent although no region was usable
    LatencySummary latency{};  ///< of calls that succeeded, from their start to the answer's end
    LatencySummary queued{};   ///< of calls that waited for at least a millisecond before their first attempt

    // ---- attempts and moves between regions ----
    std::uint64_t attempts = 0, failovers = 0;
    std::uint64_t hedges = 0, hedges_won = 0, hedges_lost = 0, races = 0, rescues = 0, backups = 0;
    std::uint64_t streams_cut = 0;  ///< attempts that broke after content
    /// Completion tokens of attempts that failed or lost: what usage says, else a quarter of the bytes of text that
    /// came.
    std::int64_t wasted_tokens = 0;
    double retry_budget_tokens = 0, hedge_budget_tokens = 0;
    /// What a failure cost in time: from the moment at which a healthy region would have given its sign (of a failure
    /// that says so: from the failure itself) to the dispatch of the next attempt. Failovers, races and rescues.
    LatencySummary failover_overhead{};
    std::vector<LatencyBucket> failover_overhead_buckets{};
    std::vector<FailoverCount> failovers_by{};

    // ---- regions, accounts, models ----
    std::vector<RegionStats> regions{};
    std::vector<RegionChange> changes{};   ///< the last 64, oldest first
    std::vector<KeyStats> keys{};          ///< where there are several
    std::vector<RateLimitLevel> limits{};  ///< of each account and model, where there are rate limits; at most 1,000
    std::vector<ModelStats> models{};      ///< in the order of their first calls

    DroppedCounts dropped{};

    HOLYSHEEP_EXPORT std::optional<double> success_rate() const;  ///< as RegionStats'
    /// One object with these members' names. Times are in milliseconds with a name that ends in `_ms` (`uptime_seconds`
    /// apart), a LatencySummary is `{count, average_ms, min_ms, max_ms, p50_ms, p95_ms, p99_ms, sum_ms}`, a region's
    /// health stands among its other members, money is `{currency, amount}` with the amount in whole units. Members
    /// may be added; those that are there keep their names.
    HOLYSHEEP_EXPORT std::string to_json() const;
    /// Metrics in Prometheus' text format (version 0.0.4), named `holysheep_…`, in base units; each has its HELP.
    /// Labels are regions, error classes and models: bounded, and escaped.
    HOLYSHEEP_EXPORT std::string to_prometheus() const;
};

/// A table for people.
HOLYSHEEP_EXPORT std::ostream& operator<<(std::ostream& out, const Stats& stats);

}  // namespace v0
}  // namespace holysheep
