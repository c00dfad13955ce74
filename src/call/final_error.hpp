// What the caller is told when a call ends without an answer: the first cause, in words that help.
// CallMachine, attempts' errors → [compose_error] → Error
#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <string_view>

#include <holysheep/error.hpp>

#include "call/machine.hpp"
#include "health/region_health_tracker.hpp"

namespace holysheep::call {

struct FailedCall {
    const CallMachine& machine;
    const Error* first;     ///< of the attempt that failed first; null without one
    const Error* last;      ///< of the attempt that ended the call; null without one
    const Error* recovery;  ///< of the last attempt that was to take over after content; null without one
    const Error* refusal;   ///< with Ending::not_admitted: why
    const health::RegionHealthTracker& regions;
    std::span<const std::string_view> region_names;
    std::string_view model;
    values::ModelId model_id;  ///< the tracker's
    std::size_t attempts;
    nanoseconds elapsed;
    time_point now;
};

Error compose_error(const FailedCall& call);

}  // namespace holysheep::call
