// Why a call asks another region beside one that still works on it, in words for the attempt's record.
// CallMachine → [evidence] → AttemptRecord::left
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include <holysheep/attempt.hpp>

namespace holysheep::call {

enum class Evidence {
    none,
    late_connection,  ///< it takes longer than connections take there
    unacknowledged,   ///< the peer's host acknowledges nothing
    no_probe_answer,  ///< a probe went unanswered
    slow,             ///< no content after the time that 19 of 20 answers take: a hedge
    deadline,         ///< what is left of the call's time is what another region needs
    slow_trial        ///< a region on trial gave nothing in the time that its neighbours need
};

/// "silent after its head for 1.0 s; no answer to a probe". `heard`: since its last byte, or since it was sent, or
/// since its dispatch.
std::string describe_evidence(Evidence evidence, const AttemptTimings& timings, std::chrono::nanoseconds heard);

}  // namespace holysheep::call
