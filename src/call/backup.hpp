// When another region is asked beside an attempt that has given no content, for the sake of the call's time. Pure.
// CallMachine → [backup_due] → when, and why
#pragma once

#include <chrono>
#include <optional>

#include <holysheep/clock.hpp>

#include "call/evidence.hpp"

namespace holysheep::call {

/// One attempt without content, and its call's time.
struct Waiting {
    Clock::time_point started{};
    std::optional<Clock::time_point> limit{};         ///< content must be there: the deadline, or the limit for it
    std::optional<std::chrono::nanoseconds> usual{};  ///< p95 of the awaited; unset: not known yet
    bool on_trial = false;  ///< its region is half-open, has a bad record, or was not asked for long
};

struct Backup {
    Clock::time_point when{};
    Evidence why = Evidence::none;  ///< deadline or slow_trial
};

/// A deadline is a limit: while another region could still meet it, that one is asked. It needs its p95 and as much
/// again as a margin, which is at most a fifth of the time that the attempt had, but at least a quarter of the p95 and
/// 100 ms; before the p95 is known, half of that time. A trial is over for the caller after the p95 (a second before it
/// is known), for it is the region that is tried out, not the call.
std::optional<Backup> backup_due(const Waiting& attempt);

}  // namespace holysheep::call
