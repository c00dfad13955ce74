// Books attempts: which attempt each one replaces, which region its end is charged to, and what was wasted.
// Attempt → [CallDriver] → RegionHealthTracker, Recorder, Log
#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "execution/driver.hpp"

namespace holysheep::execution {

void CallDriver::book(Attempt& attempt, health::FailureClass charge, const call::Verdict* verdict) {
    const auto time = now();
    costs_.price(attempt, admission_.key(static_cast<std::size_t>(attempt.record.number)));
    services_.regions.on_outcome(attempt.token, charge, time);
    if (verdict != nullptr) record_refusal(attempt, *verdict);
    services_.recorder.on_attempt_end(attempt.region(), attempt.record, services_.router.facts(attempt.region(), time),
                                      wasted_tokens(attempt));
    if (services_.log.bodies()) log_body("from ", attempt.record, attempt.body_for_log());
    if (services_.log.enabled(LogLevel::debug)) log_attempt(attempt.record);
}

/// Keeps a 500 of a call that may still visit another region. Returns false if it is to be charged now.
bool CallDriver::suspects_request(const Attempt& attempt) {
    const auto& token = attempt.token;
    const bool on_trial = token.trial || token.model_trial || token.is_canary();
    if (on_trial || machine_.planner().eligible_regions() < 2 || committed_ != 0) return false;
    suspects_.add(token);
    return true;
}

/// Tokens of an attempt that failed or lost. An answer that its caller read and then cancelled was useful.
std::int64_t CallDriver::wasted_tokens(const Attempt& attempt) const {
    if (attempt.outcome().answered || exchange_.kind == ExchangeKind::raw) return 0;
    if (machine_.ending() == call::Ending::cancelled) return 0;
    const auto& usage = attempt.answer_so_far().usage;
    return usage.present ? usage.billed_output_tokens() : costs_.estimated_answer(attempt);
}

void CallDriver::log_attempt(const AttemptRecord& attempt) const {
    auto line = "attempt " + std::to_string(attempt.number) + ": " + describe({&attempt, 1});
    if (!attempt.detail.empty()) line += ": " + attempt.detail;
    services_.log.write(LogLevel::debug, std::move(line));
}

void CallDriver::log_body(std::string_view direction, const AttemptRecord& attempt, std::string_view body) const {
    auto line = std::string(direction) + attempt.region + ", attempt " + std::to_string(attempt.number) + ": " +
                std::string(body);
    call_secrets_.scrub(line);
    services_.log.write(LogLevel::trace, std::move(line));
}

/// Which attempt this one replaces, and how much time that cost. A failure with a response was known at its first byte,
/// one without at its end; a silent region should have shown life a round trip after connecting or sending.
std::optional<telemetry::FailoverCause> CallDriver::failover_cause(const Attempt& attempt) const {
    const auto since = [&](const Attempt& other, nanoseconds span) {
        return std::max(nanoseconds{}, attempt.record.started - other.record.started - span);
    };
    switch (attempt.record.kind) {
        case AttemptKind::failover: {
            if (last_ended_ == 0) return std::nullopt;
            const auto& failed = *std::next(attempts_.begin(), last_ended_ - 1);
            const auto& timings = failed.record.timings;
            const bool said_by_status = failed.record.http_status >= 400 && timings.first_byte;
            return telemetry::FailoverCause{
                .from = failed.region(),
                .cause = failed.record.error.value_or(ErrorCode::transport_failed),
                .overhead =
                    since(failed, (said_by_status ? timings.first_byte : timings.total).value_or(nanoseconds{}))};
        }
        case AttemptKind::race:
        case AttemptKind::rescue:
        case AttemptKind::backup: {
            const auto late = std::ranges::find_if(
                attempts_, [&](const Attempt& other) { return &other != &attempt && !other.ended(); });
            if (late == attempts_.end()) return std::nullopt;
            const auto& rtt = services_.regions.rtt(late->region());
            const auto round_trip = rtt.known() ? rtt.srtt() : nanoseconds{};
            return telemetry::FailoverCause{
                .from = late->region(),
                .cause = ErrorCode::timed_out,
                .overhead = since(*late, late->record.timings.sent.value_or(nanoseconds{}) + round_trip)};
        }
        case AttemptKind::first:
        case AttemptKind::retry:
        case AttemptKind::hedge:
        case AttemptKind::fallback_model: break;
    }
    return std::nullopt;
}

/// A caller's deadline is weak evidence, but must count: otherwise a gateway whose completions are frozen would fail
/// every call with a short deadline for ever. It counts after twice the model's p95, at least a second. A deadline that
/// nearly expired counts the same if another region was ahead by then. A trial that its backup overtook has failed.
health::FailureClass CallDriver::charge_of_waiting(const Attempt& attempt) const {
    const auto& timings = attempt.record.timings;
    if (!timings.sent || timings.first_content || machine_.ending() == call::Ending::cancelled)
        return health::FailureClass::none;
    const bool on_trial = attempt.token.trial || attempt.token.model_trial;
    if (attempt.left_because == call::Evidence::slow_trial && on_trial) return health::FailureClass::timeout;
    const bool time_ran_out = machine_.ending() == call::Ending::deadline ||
                              attempt.left_because == call::Evidence::deadline ||
                              attempt.left_because == call::Evidence::slow_trial;
    if (!time_ran_out) return health::FailureClass::none;
    const auto& quantiles = services_.regions.quantiles(attempt.token.model, attempt.token.awaited);
    std::chrono::duration<double, std::milli> patience = std::chrono::seconds{3};
    if (quantiles.size() >= health::kEnoughForQuantiles) {
        patience = std::max<decltype(patience)>(std::chrono::seconds{1}, decltype(patience)(2 * quantiles.p95()));
    }
    const auto waited = now() - started_ - attempt.record.started - *timings.sent;
    return waited >= patience ? health::FailureClass::timeout : health::FailureClass::none;
}

}  // namespace holysheep::execution
