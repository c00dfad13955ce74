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

namespace holysheep {
inline namespace v0 {

struct RegionStats {
    std::string id{};
    bool draining = false;
    bool failing = false;  ///< the last attempt that tells of the region's health failed
    int in_flight = 0;     ///< attempts
    std::uint64_t attempts = 0, succeeded = 0, failed = 0;
    std::uint64_t failovers_away = 0;           ///< attempts that went elsewhere after one failed here
    double error_rate = 0;                      ///< 0..1, moving average over about the last ten attempts
    std::optional<milliseconds> limited_for{};  ///< time left of a gateway's Retry-After
    std::optional<ErrorCode> last_error{};
};

/// Counters since the client was made. A call that was cancelled counts as neither succeeded nor failed.
struct Stats {
    nanoseconds uptime{};
    int in_flight = 0;  ///< calls
    std::uint64_t calls = 0, succeeded = 0, failed = 0, cancelled = 0, streams = 0, attempts = 0, failovers = 0;
    double retry_budget_tokens = 0;
    std::vector<RegionStats> regions{};

    HOLYSHEEP_EXPORT std::string to_json() const;
};

/// A table for people.
HOLYSHEEP_EXPORT std::ostream& operator<<(std::ostream& out, const Stats& stats);

}  // namespace v0
}  // namespace holysheep
