// Arithmetic of times left.
#include "call/backup.hpp"

#include <algorithm>

namespace holysheep::call {

namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr nanoseconds kLeastMargin = 100ms, kUnknownUsual = 1s;

}  // namespace

std::optional<Backup> backup_due(const Waiting& attempt) {
    std::optional<Backup> due;
    if (attempt.limit && *attempt.limit > attempt.started) {
        const auto half = attempt.started + (*attempt.limit - attempt.started) / 2;
        due = Backup{half, Evidence::deadline};
        if (attempt.usual) {
            const auto latest = *attempt.limit - (*attempt.usual + std::max(*attempt.usual / 4, kLeastMargin));
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
