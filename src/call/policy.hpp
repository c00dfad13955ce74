// The settings of one call with every default applied: options of the caller first, then learned values as of its
// start.
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

/// A model to request when another one fails.
struct FallbackModel {
    std::string name{};
    values::ModelId id = 0;           ///< the tracker's
    std::int64_t context_window = 0;  ///< in tokens; 0: not known
    bool prefill = false;             ///< can continue a given text
    std::optional<Money> cost{};      ///< estimate for the whole call; unset: unknown
};

/// The settings of one call, resolved: every default rule is applied, 0 means "no limit".
struct CallPolicy {
    RetryOptions retry{};
    nanoseconds connect{}, first_byte{}, first_byte_last{}, first_content{}, stall{}, attempt{};
    milliseconds unread{};  ///< how long a stream may be paused; 0: for ever
    /// When a connection is late if connection times are unknown: then another region is tried beside it.
    nanoseconds connect_race{std::chrono::milliseconds{250}};
    nanoseconds sign_of_life{};  ///< a region that is silent for this long is probed; 0: never
    bool hedge = false;          ///< requested; hedging starts once `hedge_after` is known
    nanoseconds hedge_min_delay{};
    std::optional<nanoseconds> hedge_after{};
    /// Plain answers: the limit from the head, which may arrive early, to the body; none on the last target.
    nanoseconds first_body{};
    std::optional<nanoseconds> usual{};          ///< p95 of the awaited kind of answer; unset: unknown
    bool user_set_first_content = false;         ///< the limit was set by the caller
    bool user_set_first_byte = false;            ///< the limit was set by the caller, and is never adapted
    bool fixed_stall = false;                    ///< the stall limit is never adapted
    std::optional<nanoseconds> learned_stall{};  ///< replaces `stall` for the model that is requested first
    std::optional<time_point> deadline{};
    bool deadline_covers_stream = true;  ///< else it ends with the first content
    StreamRecovery recovery = StreamRecovery::terminate;
    bool stream = false, cost_safe = false, keys_differ = false;
    bool has_retry_policy = false;  ///< the user's own, called after each failure
    std::uint64_t seed = 0;
    std::string model{};              ///< the model that is requested first
    std::int64_t context_window = 0;  ///< its window in tokens; 0: not known
    std::optional<Money> cost{};      ///< estimate for the whole call; unset: unknown
    std::vector<FallbackModel> fallbacks{};
    int spare_keys = 0;  ///< number of further keys to try
};

/// Resolves the time limits of `timeouts`; `deadline` is the call's own, counted from its start.
CallPolicy make_policy(const RetryOptions& retry, const TimeoutOptions& timeouts, std::optional<milliseconds> deadline,
                       bool stream, time_point now, const ModelTraits& traits = {});

/// Stands for "for ever": adding a longer duration to the clock would overflow.
inline constexpr milliseconds kLongest = std::chrono::hours{262'800};

/// Adapts the policy to the known speed of the model when the call starts: when to hedge, and how long a first byte may
/// take. With 30 known answers, a first byte may take three times the p99, between 20 s and the default (60 s for
/// streams, between 60 s and 300 s for plain calls); twice that in general trouble, to avoid cutting calls that would
/// succeed. With 100 known silences of its streams, one may last eight times their p99, between 10 s and the default of
/// 60 s; general trouble restores that default.
void adapt_policy(CallPolicy& policy, const health::RegionHealthTracker& regions, values::ModelId model,
                  health::Awaited awaited);

}  // namespace holysheep::call
