// The settings of one call with every default applied: what the caller said first, what experience says when it starts.
// RetryOptions, TimeoutOptions, RegionHealthTracker → [CallPolicy] → CallMachine
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <holysheep/options.hpp>

#include "health/region_health_tracker.hpp"

namespace holysheep::call {

using time_point = Clock::time_point;

/// A model to ask when another one fails.
struct FallbackModel {
    std::string name{};
    values::ModelId id = 0;           ///< the tracker's
    std::int64_t context_window = 0;  ///< in tokens; 0: not known
    bool prefill = false;             ///< continues a text that it is given
    std::optional<Money> cost{};      ///< of the whole call, by estimate; unset: nobody knows
};

/// The settings of one call, resolved: every default rule is applied, 0 means "no limit".
struct CallPolicy {
    RetryOptions retry{};
    nanoseconds connect{}, first_byte{}, first_byte_last{}, first_content{}, stall{}, attempt{};
    milliseconds unread{};  ///< how long a stream may be paused; 0: for ever
    /// The connection is late, and nothing is known of how long it takes there: open one to the next region beside it.
    nanoseconds connect_race{std::chrono::milliseconds{250}};
    nanoseconds sign_of_life{};  ///< a region that is silent for so long is asked for one; 0: never
    bool hedge = false;          ///< wanted; it takes place once `hedge_after` is known
    nanoseconds hedge_min_delay{};
    std::optional<nanoseconds> hedge_after{};
    /// Plain answers: from the head, which may come at once, to the body; none on the last target.
    nanoseconds first_body{};
    std::optional<nanoseconds> usual{};          ///< p95 of what is awaited, once it is known
    bool own_first_content = false;              ///< the caller's limit
    bool own_first_byte = false;                 ///< the caller's limit, which no experience changes
    bool fixed_stall = false;                    ///< neither
    std::optional<nanoseconds> learned_stall{};  ///< in place of `stall`, for the model that is asked first
    std::optional<time_point> deadline{};
    bool deadline_covers_stream = true;  ///< else it ends with the first content
    StreamRecovery recovery = StreamRecovery::terminate;
    bool stream = false, cost_safe = false, own_keys = false;
    bool has_retry_policy = false;  ///< the user's own, which is asked after each failure
    std::uint64_t seed = 0;
    std::string model{};              ///< the one that is asked first
    std::int64_t context_window = 0;  ///< its window in tokens; 0: not known
    std::optional<Money> cost{};      ///< of the call, by estimate; unset: nobody knows
    std::vector<FallbackModel> fallbacks{};
    int spare_keys = 0;  ///< how many more keys there are to try
};

/// Resolves the clocks of `timeouts`; `deadline` is the call's own, from its start.
CallPolicy make_policy(const RetryOptions& retry, const TimeoutOptions& timeouts, std::optional<milliseconds> deadline,
                       bool stream, time_point now, const ModelTraits& traits = {});

/// "For ever": longer spans, added to the clock, would overflow.
inline constexpr milliseconds kLongest = std::chrono::hours{262'800};

/// What is known of the model's speed when the call starts: when a hedge is due, how long a first byte may take. With
/// 30 answers known, a first byte may take three times the p99, between 20 s and the default (60 s for streams, between
/// 60 s and 300 s for plain calls); twice that in general trouble, so as not to cut what would have succeeded. With 100
/// silences of its streams known, one may last eight times their p99, between 10 s and the default of 60 s, which
/// general trouble restores.
void adapt_policy(CallPolicy& policy, const health::RegionHealthTracker& regions, values::ModelId model,
                  health::Awaited awaited);

}  // namespace holysheep::call
