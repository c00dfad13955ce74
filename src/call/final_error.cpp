// A refusal is passed on as it is. Exhausted regions become `all_regions_unavailable` with the first failure as cause,
// unless there was only one region, or nothing but throttling.
#include "call/final_error.hpp"

#include <string>

namespace holysheep::call {

namespace {

std::string at_region(const Error& error) {
    return error.region.empty() ? error.message : error.region + ": " + error.message;
}

std::string milliseconds_text(nanoseconds span) {
    return std::to_string(std::chrono::duration_cast<milliseconds>(span).count()) + " ms";
}

std::string_view reason(Ending ending) {
    switch (ending) {
        case Ending::attempts_exhausted: return "retry.max_attempts is used up";
        case Ending::budget_empty: return "the retry budget is empty: too many recent calls failed";
        case Ending::wait_too_long: return "the wait before the next attempt would pass the deadline or retry.max_wait";
        case Ending::maybe_delivered: return "cost_safe forbids sending it again: it may have been delivered";
        case Ending::open:
        case Ending::answered:
        case Ending::refused:
        case Ending::interrupted:
        case Ending::regions_exhausted:
        case Ending::deadline:
        case Ending::cancelled:
        case Ending::no_region: return {};
    }
    return {};
}

Error without_attempts(const FailedCall& call) {
    const auto ending = call.machine.ending();
    if (ending == Ending::wait_too_long) {
        Error error{.code = ErrorCode::rate_limited,
                    .message = "every region has asked for a pause that the call cannot wait out"};
        const auto clock = call.machine.quota_clock();
        if (clock) error.retry_after = std::chrono::ceil<milliseconds>(*clock - call.now);
        return error;
    }
    return {.code = ErrorCode::all_regions_unavailable,
            .message = "no region to send to: every eligible one is draining (Client::resume ends that)"};
}

}  // namespace

Error compose_error(const FailedCall& call) {
    const auto ending = call.machine.ending();
    const auto after = " (" + std::to_string(call.attempts) + (call.attempts == 1 ? " attempt, " : " attempts, ") +
                       milliseconds_text(call.elapsed) + ")";
    Error error;
    switch (ending) {
        case Ending::cancelled:
            error = {.code = ErrorCode::cancelled, .message = "the call was cancelled" + after};
            break;
        case Ending::deadline:
            error = {.code = ErrorCode::deadline_exceeded, .message = "the call's deadline passed" + after};
            if (call.first != nullptr) {
                error.cause = call.first->code;
                error.message += "; before that, " + at_region(*call.first);
            }
            break;
        case Ending::refused:
        case Ending::interrupted:
            error = *call.last;
            error.message = at_region(error);
            break;
        case Ending::open:
        case Ending::answered:
        case Ending::regions_exhausted:
        case Ending::attempts_exhausted:
        case Ending::budget_empty:
        case Ending::wait_too_long:
        case Ending::maybe_delivered:
        case Ending::no_region:
            if (call.first == nullptr) {
                error = without_attempts(call);
                break;
            }
            error = *call.first;
            error.message = at_region(error);
            if (const auto why = reason(ending); !why.empty()) error.message += "; " + std::string(why);
            if (call.machine.eligible_regions() > 1 && call.machine.regions_exhausted() &&
                !call.machine.only_throttled()) {
                error.cause = error.code;
                error.code = ErrorCode::all_regions_unavailable;
                error.message = "all " + std::to_string(call.machine.eligible_regions()) + " regions failed, first " +
                                error.message;
            }
            if (call.last != nullptr && call.last->retry_after) error.retry_after = call.last->retry_after;
            error.message += after;
            break;
    }
    error.model = call.model;
    return error;
}

}  // namespace holysheep::call
