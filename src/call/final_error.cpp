// Composes the final error of a call. A refusal is passed on unchanged. If all regions failed, the error is
// `all_regions_unavailable` with the first failure as cause, unless there was only one region or nothing but
// throttling. Regions that were not asked are listed with the reason.
#include "call/final_error.hpp"

#include <algorithm>
#include <string>

#include "values/duration_text.hpp"

namespace holysheep::call {

namespace {

milliseconds whole_ms(nanoseconds span) { return std::chrono::duration_cast<milliseconds>(span); }

std::string at_region(const Error& error) {
    return error.region.empty() ? error.message : error.region + ": " + error.message;
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
        case Ending::no_region:
        case Ending::not_admitted: return {};
    }
    return {};
}

/// Example: "breaker opened: connections failed in a row, for 9500 ms now, next trial in 400 ms". Empty if the region
/// is not blocked.
std::string why_blocked(const FailedCall& call, std::size_t region) {
    const auto& regions = call.regions;
    if (regions.draining(region)) return "draining (Client::resume ends that)";
    if (!regions.has_model(region, call.model_id, call.now)) return "it does not have the model";
    if (const auto until = regions.limited_until(region, call.model_id); until > call.now) {
        return "it asked for a pause, " + values::milliseconds_text(whole_ms(until - call.now)) + " are left";
    }
    if (regions.breakers_admit(region, call.model_id, call.now)) return {};
    const std::string_view reason = regions.facts(region, call.now).breaker_reason;
    std::string text = reason.empty() ? "breaker of the model is open" : "breaker " + std::string(reason);
    if (const auto since = regions.blocked_since(region, call.model_id, call.now)) {
        text += ", for " + values::milliseconds_text(whole_ms(call.now - *since)) + " now";
    }
    if (regions.forced_open(region)) return text;
    // Whichever is first: the end of the breaker's open time, or a canary while no region is usable.
    auto trial = regions.canary_at(region, call.model_id, call.now);
    if (const auto usable = regions.usable_at(region, call.model_id, call.now)) trial = std::min(trial, *usable);
    text += ", next trial in " + values::milliseconds_text(whole_ms(trial - call.now));
    return text;
}

/// The regions that the call could not use: "us-west: …; eu-central: …".
std::string blocked_regions(const FailedCall& call) {
    std::string list;
    for (const auto region : call.machine.plan()) {
        const bool asked = call.machine.attempts().asked(region);
        if (asked && !call.machine.planner().outage()) continue;
        const auto why = why_blocked(call, region);
        if (why.empty()) continue;
        list += (list.empty() ? "" : "; ") + std::string(call.region_names[region]) + ": " + why;
    }
    return list;
}

/// Whether every region failed the call or was blocked for reasons of health.
bool nothing_left(const FailedCall& call) {
    return std::ranges::all_of(call.machine.plan(), [&](std::size_t region) {
        return call.regions.draining(region) || call.machine.attempts().asked(region) ||
               !call.regions.breakers_closed(region, call.model_id, call.now);
    });
}

Error without_attempts(const FailedCall& call) {
    const auto blocked = blocked_regions(call);
    if (call.machine.ending() == Ending::wait_too_long) {
        Error error{.code = ErrorCode::rate_limited,
                    .message = "no region to send to before the deadline or retry.max_wait: " + blocked};
        const auto clock = call.machine.planner().quota_clock();
        if (clock) error.retry_after = std::chrono::ceil<milliseconds>(*clock - call.now);
        return error;
    }
    return {.code = ErrorCode::all_regions_unavailable, .message = "no region to send to: " + blocked};
}

/// Turns the first failure into the error that all regions are unavailable.
void blame_all_regions(Error& error, const FailedCall& call) {
    const auto blocked = blocked_regions(call);
    const bool all_asked = call.machine.planner().regions_exhausted();
    error.cause = error.code;
    error.code = ErrorCode::all_regions_unavailable;
    const auto failed = all_asked
                            ? "all " + std::to_string(call.machine.planner().eligible_regions()) + " regions failed"
                            : std::string("no region is left");
    error.message = failed + ", first " + error.message;
    if (!blocked.empty()) error.message += (all_asked ? "; now " : "; kept away from ") + blocked;
}

}  // namespace

Error compose_error(const FailedCall& call) {
    const auto ending = call.machine.ending();
    const auto after = " (" + std::to_string(call.attempts) + (call.attempts == 1 ? " attempt, " : " attempts, ") +
                       values::milliseconds_text(whole_ms(call.elapsed)) + ")";
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
            if (const auto why = call.machine.unrecovered()) {
                error.message += "; no recovery: ";
                if (call.recovery != nullptr) error.message += at_region(*call.recovery);
                const auto text = reason(*why);
                if (!text.empty()) error.message += (call.recovery != nullptr ? "; " : "") + std::string(text);
                if (call.recovery == nullptr && text.empty()) error.message += "no region is left";
            }
            break;
        case Ending::open:
        case Ending::answered:
        case Ending::regions_exhausted:
        case Ending::attempts_exhausted:
        case Ending::budget_empty:
        case Ending::wait_too_long:
        case Ending::maybe_delivered:
        case Ending::no_region:
        case Ending::not_admitted:
            if (call.first == nullptr) {
                error = ending == Ending::not_admitted ? *call.refusal : without_attempts(call);
                break;
            }
            error = *call.first;
            error.message = at_region(error);
            if (const auto why = reason(ending); !why.empty()) error.message += "; " + std::string(why);
            if (ending == Ending::not_admitted) error.message += "; no further attempt: " + call.refusal->message;
            if (call.machine.planner().eligible_regions() > 1 && nothing_left(call) &&
                !call.machine.attempts().all_failed_with(ErrorCode::rate_limited) &&
                !call.machine.attempts().all_failed_with(ErrorCode::proxy_failed)) {
                blame_all_regions(error, call);
            }
            if (call.last != nullptr && call.last->retry_after) error.retry_after = call.last->retry_after;
            error.message += after;
            break;
    }
    error.model = call.model;
    return error;
}

}  // namespace holysheep::call
