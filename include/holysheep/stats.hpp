// The statistics of a client: one consistent snapshot of plain values.
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

/// A distribution of durations, over all samples since the client was made. All members are 0 without samples.
/// Quantiles are within 3.2 % of a sample; the other members are exact.
struct LatencySummary {
    std::uint64_t count = 0;  ///< number of samples
    nanoseconds average{};    ///< mean
    nanoseconds min{};        ///< shortest
    nanoseconds max{};        ///< longest
    nanoseconds p50{};        ///< median
    nanoseconds p95{};        ///< 95th percentile
    nanoseconds p99{};        ///< 99th percentile
    nanoseconds sum{};        ///< sum of all samples
};

/// Number of samples up to a duration; buckets are cumulative, as in Prometheus.
struct LatencyBucket {
    nanoseconds up_to{};      ///< upper bound, inclusive
    std::uint64_t count = 0;  ///< samples up to the bound
};

/// Number of failures of one class.
struct CauseCount {
    ErrorCode cause = ErrorCode::transport_failed;  ///< class of the failure
    std::uint64_t count = 0;                        ///< how often it occurred
};

/// A finished attempt in the history of a region.
struct AttemptSample {
    nanoseconds at{};                            ///< time of its end, counted like `Stats::uptime`
    nanoseconds latency{};                       ///< from dispatch to its end
    std::optional<nanoseconds> first_content{};  ///< from dispatch to the first content; streams only
    std::optional<ErrorCode> error{};            ///< unset: it succeeded; `cancelled`: neither success nor failure
    AttemptKind kind = AttemptKind::first;       ///< why it was sent
    int http_status = 0;                         ///< 0: there was no HTTP answer
};

/// The statistics of one region.
struct RegionStats {
    std::string id{};       ///< `Region::id`
    RegionHealth health{};  ///< its present state
    double weight = 1;      ///< effective weight: the configured one, reduced while the region recovers

    // ---- finished attempts ----
    std::uint64_t attempts = 0;             ///< all
    std::uint64_t succeeded = 0;            ///< those that answered
    std::uint64_t failed = 0;               ///< those that failed
    std::uint64_t cancelled = 0;            ///< cancelled by the caller, or overtaken by another attempt
    std::uint64_t streams_cut = 0;          ///< failed after content
    std::int64_t wasted_tokens = 0;         ///< completion tokens of unused answers; see `Stats::wasted_tokens`
    std::optional<ErrorCode> last_error{};  ///< of the last failed attempt; unset: none has failed
    std::vector<CauseCount> failed_by{};    ///< `failed` by error class, only classes that occurred
    std::vector<AttemptSample> history{};   ///< the last `StatsOptions::history`, oldest first

    // ---- failovers between regions ----
    /// Calls that failed over to another region after an attempt failed here, or that another region answered while
    /// this one was silent (cause `timed_out`).
    std::uint64_t failovers_away = 0;
    std::uint64_t failovers_to = 0;  ///< calls that failed over to this region after an attempt failed elsewhere
    std::vector<CauseCount> failovers_away_by{};  ///< `failovers_away` by error class, only classes that occurred
    std::uint64_t hedges = 0;                     ///< attempts sent here because another region was slow
    std::uint64_t hedges_won = 0;                 ///< hedges whose answer was used
    std::uint64_t hedges_lost = 0;                ///< hedges whose answer was not used
    std::uint64_t races = 0;    ///< attempts sent here because the connection to another region was late
    std::uint64_t rescues = 0;  ///< attempts sent here because another region fell silent
    std::uint64_t backups = 0;  ///< attempts sent here beside a slow trial or before a near deadline

    // ---- probes and the breaker ----
    std::uint64_t probes = 0;               ///< probes that ended
    std::uint64_t probes_failed = 0;        ///< of these, failed
    std::uint64_t breaker_opened = 0;       ///< changes to open
    std::uint64_t breaker_half_opened = 0;  ///< changes to half-open
    std::uint64_t breaker_closed = 0;       ///< changes to closed

    // ---- times ----
    LatencySummary latency{};        ///< of successful attempts, from dispatch to the end of the answer
    LatencySummary first_content{};  ///< of streams, from dispatch to the first content
    LatencySummary probe_rtt{};      ///< of answered probes

    /// succeeded / (succeeded + failed); unset before the first result.
    HOLYSHEEP_EXPORT std::optional<double> success_rate() const;
};

/// Number of calls that failed over from one region to another, by cause.
struct FailoverCount {
    std::string from{};                             ///< id of the region that failed
    std::string to{};                               ///< id of the region that was tried next
    ErrorCode cause = ErrorCode::transport_failed;  ///< class of the failure
    std::uint64_t count = 0;                        ///< calls
};

/// Calls, tokens and cost of one model.
struct ModelStats {
    std::string model{};                   ///< as requested, or the fallback used; "other": all beyond the first 64
    std::uint64_t calls = 0;               ///< finished calls
    std::uint64_t succeeded = 0;           ///< those that answered
    std::uint64_t failed = 0;              ///< those that failed
    std::uint64_t cancelled = 0;           ///< those that the caller cancelled
    std::int64_t prompt_tokens = 0;        ///< as the gateway counted them
    std::int64_t completion_tokens = 0;    ///< as the gateway counted them
    std::int64_t cached_input_tokens = 0;  ///< part of `prompt_tokens`
    std::int64_t reasoning_tokens = 0;     ///< part of `completion_tokens`
    std::vector<Money> cost{};             ///< known cost of all attempts, also failed ones; one entry per currency
    std::vector<Money> cost_estimated{};   ///< additional cost of attempts without a reported usage
    std::uint64_t unpriced = 0;            ///< calls with an attempt of unknown cost
};

/// A change of a region's liveness or breaker.
struct RegionChange {
    nanoseconds at{};                             ///< counted like `Stats::uptime`
    std::string region{};                         ///< id of the region
    Liveness liveness = Liveness::unknown;        ///< after the change
    BreakerState breaker = BreakerState::closed;  ///< after the change
    std::string reason{};                         ///< one line
};

/// One of `ClientOptions::keys`, identified by its index; the key itself is never included.
struct KeyStats {
    std::size_t number = 0;                     ///< index in `ClientOptions::keys`
    std::optional<ErrorCode> refused_with{};    ///< why the key is skipped at present; unset: it is in use
    std::optional<milliseconds> refused_for{};  ///< time since the refusal
};

/// Numbers of items that the limits of QueueOptions and TimeoutOptions discarded; all 0 if the program keeps up.
struct DroppedCounts {
    std::uint64_t listener_records = 0;  ///< records dropped, by `QueueOptions::listener_records`
    std::uint64_t callback_calls = 0;    ///< asynchronous calls refused, by `QueueOptions::callbacks`
    std::uint64_t unread_streams = 0;    ///< streams ended, by `TimeoutOptions::unread`
};

/// Counters since the client was made. A cancelled call counts as neither succeeded nor failed.
struct Stats {
    nanoseconds uptime{};  ///< since the client was made

    // ---- calls ----
    int in_flight = 0;            ///< calls in flight
    std::uint64_t calls = 0;      ///< finished calls
    std::uint64_t succeeded = 0;  ///< those that answered
    std::uint64_t failed = 0;     ///< those that failed
    std::uint64_t cancelled = 0;  ///< those that the caller cancelled
    std::uint64_t streams = 0;    ///< those that were streams
    std::uint64_t panics = 0;     ///< calls with an attempt that was sent although no region was usable
    LatencySummary latency{};     ///< of successful calls, from their start to the end of the answer
    LatencySummary queued{};      ///< of calls that waited at least one millisecond before their first attempt

    // ---- attempts and failovers ----
    std::uint64_t attempts = 0;     ///< see the members of the same names in RegionStats
    std::uint64_t failovers = 0;    ///< sum of `RegionStats::failovers_away`
    std::uint64_t hedges = 0;       ///< see RegionStats
    std::uint64_t hedges_won = 0;   ///< see RegionStats
    std::uint64_t hedges_lost = 0;  ///< see RegionStats
    std::uint64_t races = 0;        ///< see RegionStats
    std::uint64_t rescues = 0;      ///< see RegionStats
    std::uint64_t backups = 0;      ///< see RegionStats
    std::uint64_t streams_cut = 0;  ///< attempts that failed after content
    /// Completion tokens of failed or overtaken attempts: as reported, else a quarter of the bytes of text received.
    std::int64_t wasted_tokens = 0;
    double retry_budget_tokens = 0;  ///< tokens left; see `RetryOptions::budget_ratio`
    double hedge_budget_tokens = 0;  ///< tokens left; see `HedgingOptions::ratio`
    /// Time lost by failures. A reported failure: from the failure to the dispatch of the next attempt. Silence: from
    /// the time when a healthy region would have responded. Counts failovers, races, rescues and backups.
    LatencySummary failover_overhead{};
    std::vector<LatencyBucket> failover_overhead_buckets{};  ///< the same as a histogram
    std::vector<FailoverCount> failovers_by{};               ///< `failovers` by regions and cause

    // ---- regions, accounts, models ----
    std::vector<RegionStats> regions{};    ///< in the order of `ClientOptions::regions`
    std::vector<RegionChange> changes{};   ///< the last 64, oldest first
    std::vector<KeyStats> keys{};          ///< one per key, if there are several
    std::vector<RateLimitLevel> limits{};  ///< per account and model, if there are rate limits; at most 1,000
    std::vector<ModelStats> models{};      ///< in the order of their first calls

    DroppedCounts dropped{};  ///< numbers of items discarded by limits of queues

    HOLYSHEEP_EXPORT std::optional<double> success_rate() const;  ///< as `RegionStats::success_rate`
    /// One object with the names of these members. Times are in milliseconds under names that end in `_ms` (except
    /// `uptime_seconds`). A LatencySummary is `{count, average_ms, min_ms, max_ms, p50_ms, p95_ms, p99_ms, sum_ms}`.
    /// The members of a region's health are among its other members. Money is `{currency, amount}` with the amount in
    /// whole units. Later versions may add members, but will not rename them.
    HOLYSHEEP_EXPORT std::string to_json() const;
    /// Metrics in Prometheus' text format (version 0.0.4), named `holysheep_…`, in base units, each with its HELP.
    /// Labels (regions, error classes, models) are bounded and escaped.
    HOLYSHEEP_EXPORT std::string to_prometheus() const;
};

/// Writes a table for people.
HOLYSHEEP_EXPORT std::ostream& operator<<(std::ostream& out, const Stats& stats);

}  // namespace v0
}  // namespace holysheep
