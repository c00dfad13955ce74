// Composes the error of a call that ends without an answer: the first cause, with a helpful message.
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
    const Error* first;     ///< error of the attempt that failed first; null if none
    const Error* last;      ///< error of the attempt that ended the call; null if none
    const Error* recovery;  ///< error of the last recovery attempt after content; null if none
    const Error* refusal;   ///< with Ending::not_admitted: the reason
    const health::RegionHealthTracker& regions;
    std::span<const std::string_view> region_names;
    std::string_view model;
    values::ModelId model_id;  ///< the tracker's id
    std::size_t attempts;
    nanoseconds elapsed;
    time_point now;
};

Error compose_error(const FailedCall& call);

}  // namespace holysheep::call
