// Describes why a call asks another region while an attempt is still in flight, for the attempt's record.
// CallMachine → [evidence] → AttemptRecord::left
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include <holysheep/attempt.hpp>

namespace holysheep::call {

enum class Evidence {
    none,
    late_connection,  ///< connecting takes longer than usual in this region
    unacknowledged,   ///< the peer's host acknowledges nothing
    no_probe_answer,  ///< a probe went unanswered
    slow,             ///< no content after the time that 19 of 20 answers take: a hedge
    deadline,         ///< another region needs the remaining time of the call
    slow_trial        ///< a region on trial sent nothing within the time that its neighbours need
};

/// Example: "silent after its head for 1.0 s; no answer to a probe". `heard`: time since its last byte; before that,
/// since it was sent or dispatched.
std::string describe_evidence(Evidence evidence, const AttemptTimings& timings, std::chrono::nanoseconds heard);

}  // namespace holysheep::call
