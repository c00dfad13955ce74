// The state of one region, as the client sees it, and the reason.
// probes, attempts → [RegionHealth] → Client::probe, Stats, EventListener, RegionSelector
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <holysheep/attempt.hpp>
#include <holysheep/export.hpp>

namespace holysheep {
inline namespace v0 {

/// Whether a region answers. For display, and for the interval of its probes; only the breaker blocks calls.
///
///   unknown ──any byte──→ healthy ⇄ suspect ──2 missed probes or an open breaker──→ down
///   down ──2 good probes, or a trial is due──→ recovering ──3 answered calls──→ healthy
enum class Liveness { unknown, healthy, suspect, down, recovering, draining };

/// `closed`: calls pass. `open`: calls are blocked. `half_open`: one trial at a time passes.
enum class BreakerState { closed, open, half_open };

/// The state of one region.
struct RegionHealth {
    std::string id{};                             ///< `Region::id`
    Liveness liveness = Liveness::unknown;        ///< whether it answers
    BreakerState breaker = BreakerState::closed;  ///< whether calls may go there
    /// 0..100, for display: 100 · sqrt(latency of the fastest region / its own) · (1 − error_rate) · ramp; 0 when down.
    double score = 0;
    double error_rate = 0;  ///< 0..1, moving average over attempts: e ← 0.9·e + 0.1·[failed], decaying with τ = 10 s
    double cost = 0;        ///< cost in ms that the adaptive strategy minimises; see Strategy
    std::optional<milliseconds> rtt{};          ///< round trip of the network, smoothed (RFC 6298)
    std::optional<milliseconds> first_token{};  ///< time to the first content of streams, smoothed
    std::optional<milliseconds> probe{};        ///< duration of the last successful probe
    int in_flight = 0;                          ///< attempts in flight
    std::optional<milliseconds> limited_for{};  ///< rest of the gateway's Retry-After; the longest of all models
    std::optional<milliseconds> open_for{};     ///< time until the breaker admits a trial
    /// Requests that it accepts at a time, learned from refusals for load (429, 503, 529); the lowest of all models and
    /// keys. Unset: no limit is known. See `ConcurrencyOptions::adaptive`.
    std::optional<int> load_limit{};
    std::string reason{};                           ///< one line: the reason for this state
    std::optional<milliseconds> first_token_p50{};  ///< median time to the first content of the last 256 streams
    std::optional<milliseconds> first_token_p95{};  ///< 95th percentile of the same
    std::optional<milliseconds> first_token_p99{};  ///< 99th percentile of the same
};

/// The name of the enumerator.
HOLYSHEEP_EXPORT std::string_view to_string(Liveness liveness);
/// The name of the enumerator.
HOLYSHEEP_EXPORT std::string_view to_string(BreakerState state);

}  // namespace v0
}  // namespace holysheep
