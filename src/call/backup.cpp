// Arithmetic of times left.
#include "call/backup.hpp"

#include <algorithm>

namespace holysheep::call {

namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr nanoseconds kLeastMargin = 100ms, kUnknownUsual = 1s;

/// Beside the p95, which one answer in twenty exceeds: as much again where the limit leaves room for it. Where it is
/// tight, a large margin would send most calls twice.
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
            // One that went out too late for any region gets half of what is left.
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
