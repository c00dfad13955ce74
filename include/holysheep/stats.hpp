// What a client has done so far, as one consistent snapshot of plain values.
#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include <holysheep/attempt.hpp>
#include <holysheep/export.hpp>
#include <holysheep/rate_limiter.hpp>
#include <holysheep/region_health.hpp>

namespace holysheep {
inline namespace v0 {

struct RegionStats {
    std::string id{};
    RegionHealth health{};
    std::uint64_t attempts = 0, succeeded = 0, failed = 0;
    std::uint64_t failovers_away = 0;  ///< attempts that went elsewhere after one failed here
    std::uint64_t hedges = 0;          ///< attempts that were sent here because another region was slow
    std::uint64_t probes = 0;
    std::optional<ErrorCode> last_error{};
};

/// One of `ClientOptions::keys`, by its position there: the key itself is never shown.
struct KeyStats {
    std::size_t number = 0;                     ///< 0, 1, …
    std::optional<ErrorCode> refused_with{};    ///< why it is left out at present; unset: it is in use
    std::optional<milliseconds> refused_for{};  ///< how long ago that was
};

/// Counters since the client was made. A call that was cancelled counts as neither succeeded nor failed.
struct Stats {
    nanoseconds uptime{};
    int in_flight = 0;  ///< calls
    std::uint64_t calls = 0, succeeded = 0, failed = 0, cancelled = 0, streams = 0, attempts = 0, failovers = 0;
    std::uint64_t hedges = 0;
    std::uint64_t panics = 0;  ///< calls that were sent although no region was usable
    double retry_budget_tokens = 0, hedge_budget_tokens = 0;
    std::vector<RegionStats> regions{};
    std::vector<KeyStats> keys{};          ///< where there are several
    std::vector<RateLimitLevel> limits{};  ///< of each model that was asked for, where there are rate limits

    HOLYSHEEP_EXPORT std::string to_json() const;
};

/// A table for people.
HOLYSHEEP_EXPORT std::ostream& operator<<(std::ostream& out, const Stats& stats);

}  // namespace v0
}  // namespace holysheep
