// Decides when to ask another region in addition to an attempt without content, so that the call meets its time limits.
// Pure. CallMachine → [backup_due] → time and reason
#pragma once

#include <chrono>
#include <optional>

#include <holysheep/clock.hpp>

#include "call/evidence.hpp"

namespace holysheep::call {

/// One attempt without content, and the time limit of its call.
struct Waiting {
    Clock::time_point started{};
    std::optional<Clock::time_point> limit{};         ///< the deadline, or the limit for the first content
    std::optional<std::chrono::nanoseconds> usual{};  ///< p95 of the awaited kind of answer; unset: unknown
    bool on_trial = false;  ///< its region is half-open, has a high error rate, or was not used for long
};

struct Backup {
    Clock::time_point when{};
    Evidence why = Evidence::none;  ///< deadline or slow_trial
};

/// Asks another region while that one could still meet the deadline. The other region needs its p95 and a margin of the
/// same size, which is at most a fifth of the time that the attempt had, but at least a quarter of the p95 and 100 ms;
/// before the p95 is known, it gets half of that time. A trial is backed up after the p95 (one second before it is
/// known), because the region is being tested, not the call.
std::optional<Backup> backup_due(const Waiting& attempt);

}  // namespace holysheep::call
