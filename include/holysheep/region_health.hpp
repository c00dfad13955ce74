// What the client thinks of one region, and why.
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

/// Whether a region lives. It is shown and sets how often the region is probed; only the breaker keeps calls away.
///
///   unknown ──sign of life──→ healthy ⇄ suspect ──2 missed probes or an open breaker──→ down
///   down ──2 good probes, or a trial is due──→ recovering ──3 answered calls──→ healthy
enum class Liveness { unknown, healthy, suspect, down, recovering, draining };

/// `closed`: calls go through. `open`: none do. `half_open`: one trial at a time does.
enum class BreakerState { closed, open, half_open };

struct RegionHealth {
    std::string id{};
    Liveness liveness = Liveness::unknown;
    BreakerState breaker = BreakerState::closed;
    double score =
        0;  ///< 0..100, for display: 100 · sqrt(fastest / own latency) · (1 − error_rate) · ramp; 0 when down
    double error_rate = 0;  ///< 0..1, moving average of attempts: e ← 0.9·e + 0.1·[failed], fading with τ = 10 s
    double cost = 0;        ///< what the adaptive strategy compares, in ms: lower is chosen; see SelectorOptions
    std::optional<milliseconds> rtt{};          ///< of the network, smoothed (RFC 6298)
    std::optional<milliseconds> first_token{};  ///< smoothed time to the first content of streams
    std::optional<milliseconds> probe{};        ///< how long the last good probe took
    int in_flight = 0;                          ///< attempts
    std::optional<milliseconds> limited_for{};  ///< time left of a gateway's Retry-After: the longest of any model
    std::optional<milliseconds> open_for{};     ///< time left until the breaker lets a trial through
    /// How many requests it takes at a time, learned from what it refused for load (429, 503, 529); of its most limited
    /// model and key. Unset: no limit is known. See `ConcurrencyOptions::adaptive`.
    std::optional<int> load_limit{};
    std::string reason{};  ///< one line: what made it so
    /// Of the last 256 streams' times to the first content.
    std::optional<milliseconds> first_token_p50{}, first_token_p95{}, first_token_p99{};
};

HOLYSHEEP_EXPORT std::string_view to_string(Liveness liveness);
HOLYSHEEP_EXPORT std::string_view to_string(BreakerState state);

}  // namespace v0
}  // namespace holysheep
