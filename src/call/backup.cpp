// Computes when a backup attempt is due, from the remaining time of the call.
#include "call/backup.hpp"

#include <algorithm>

namespace holysheep::call {

namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr nanoseconds kLeastMargin = 100ms, kUnknownUsual = 1s;

/// The margin beyond the p95, which one answer in twenty exceeds: another p95 if the limit leaves enough time. With a
/// tight limit, a large margin would send most calls twice.
nanoseconds margin(nanoseconds usual, nanoseconds limit) {
    return std::max({usual / 4, std::min(usual, limit / 5), kLeastMargin});
}

}  // namespace

std::optional<Backup> backup_due(const Waiting& attempt) {
    std::optional<Backup> due;
    if (attempt.limit && *attempt.limit > attempt.started) {
        const nanoseconds all = *attempt.limit - attempt.started;
        due = Backup{attempt.started + all / 2, Evidence::deadline};
        if (attempt.usual) {
            const auto latest = *attempt.limit - (*attempt.usual + margin(*attempt.usual, all));
            // An attempt that was sent too late for any region gets half of the remaining time.
            if (latest > attempt.started) due->when = latest;
        }
    }
    if (attempt.on_trial) {
        const auto over = attempt.started + attempt.usual.value_or(kUnknownUsual);
        if (!due || over < due->when) due = Backup{over, Evidence::slow_trial};
    }
    return due;
}

}  // namespace holysheep::call
