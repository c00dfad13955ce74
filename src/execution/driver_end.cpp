// Ends a call: passes its answer or error, with the list of its attempts, to the caller, the records and the log.
// CallMachine: finish → [CallDriver] → CallSink, Recorder
#include <algorithm>
#include <iterator>
#include <sstream>
#include <tuple>
#include <utility>

#include "call/final_error.hpp"
#include "execution/driver.hpp"
#include "execution/event_scope.hpp"
#include "values/duration_text.hpp"
#include "values/exception_text.hpp"

namespace holysheep::execution {

namespace {

std::string operation_of(const Exchange& exchange) {
    if (exchange.kind != ExchangeKind::raw) return "chat";
    const auto path = std::string_view(exchange.raw->path).substr(0, exchange.raw->path.find('?'));
    if (path == "/chat/completions") return "chat";
    if (path == "/embeddings") return "embeddings";
    if (path == "/completions") return "text_completion";
    return {};
}

}  // namespace

void CallDriver::finish(int number) {
    if (machine_.ending() == call::Ending::answered && number != committed_) commit(number);
    if (!attempts_.empty()) {
        const auto& last = number == 0 ? attempts_.back() : attempt_number(number);
        costs_.count_call(last, admission_.key(static_cast<std::size_t>(last.record.number)));
    }
    suspects_.charge_only_region(services_.regions, now());
    admission_.settle_cost(CallCosts::total(attempts_), now());
    auto result = make_result(number);
    delivered_ = true;
    const auto* error = std::get_if<Error>(&result);
    services_.recorder.on_call_end(call_end(result));
    // Not a warning: the caller gets the error with the same details and knows whether it matters.
    if (error != nullptr && error->code != ErrorCode::cancelled && services_.log.enabled(LogLevel::info)) {
        std::ostringstream line;
        line << "call failed: " << *error;
        if (!exchange_.label.empty()) line << " [label " << exchange_.label << ']';
        services_.log.write(LogLevel::info, line.str());
    }
    if (services_.on_record) services_.on_record(make_call_record(result));
    sink_.on_done(std::move(result));
}

/// Books the attempts in flight as wasted, without charging a region.
void CallDriver::abandon_attempts() noexcept {
    try {
        admission_.withdraw();
    } catch (...) {  // the remaining attempts must be booked as well
    }
    for (auto& attempt : attempts_) {
        try {
            close(attempt);
            if (attempt.ended()) continue;
            attempt.dismiss("an exception ended the call");
            admission_.end(static_cast<std::size_t>(attempt.record.number), true, attempt.usage(), now());
            book(attempt, health::FailureClass::none);
        } catch (...) {  // the next one must be handled as well
        }
    }
}

void CallDriver::abort() noexcept {
    Error error{.code = ErrorCode::internal_error};
    try {
        error.message = values::described_exception("an exception ended the call");
    } catch (...) {  // memory may be exhausted
    }
    try {
        const EventScope scope(*this);
        unsettled_ = true;
        std::ignore = machine_.on_cancel(now());  // the machine's further decisions no longer matter
        abandon_attempts();
        if (delivered_) return;
        if (committed_ != 0) error.partial = attempt_number(committed_).partial();
        error.attempts = take_attempt_records();
        CallResult result(std::in_place_type<Error>, std::move(error));
        services_.recorder.on_call_end(call_end(result));
        if (services_.log.enabled(LogLevel::error)) {
            services_.log.write(LogLevel::error, "call failed: " + std::get<Error>(result).message);
        }
        if (services_.on_record) services_.on_record(make_call_record(result));
        delivered_ = true;
        sink_.on_done(std::move(result));
    } catch (...) {
        // Ignore even that failure: only the result that the caller waits for matters.
        try {
            if (!std::exchange(delivered_, true)) sink_.on_done(Error{.code = ErrorCode::internal_error});
        } catch (...) {
        }
        if (depth_ == 0) {
            const auto on_idle = std::move(on_idle_);  // it destroys this driver
            if (on_idle) on_idle();
        }
    }
}

CallResult CallDriver::make_result(int number) {
    Attempt* attempt = number == 0 ? nullptr : &attempt_number(number);
    if (machine_.ending() == call::Ending::answered) {
        attempt->record.winner = true;
        if (exchange_.kind == ExchangeKind::raw) {
            auto response = attempt->take_raw();
            response.attempts = take_attempt_records();
            return response;
        }
        auto completion = attempt->take_completion();
        attempt->gave_content = true;
        if (!partial_answer_.empty()) {
            partial_answer_.complete(completion);
            CallCosts::sum(attempts_, completion);
        }
        completion.model_reason = model_reason();
        completion.attempts = take_attempt_records();
        return completion;
    }
    if (attempt != nullptr && number == committed_) attempt->record.winner = true;
    auto error = final_error(attempt);
    error.attempts = take_attempt_records();
    return error;
}

/// Why a different model answered than the one requested.
std::string CallDriver::model_reason() const {
    auto reason = exchange_.model_rule;
    if (const auto& changed = machine_.planner().model_switch()) {
        if (!reason.empty()) reason += "; ";
        reason += "fallback: " + machine_.planner().model_name(changed->from) +
                  (changed->because ? " failed with " + std::string(to_string(*changed->because))
                                    : std::string(" had no usable region"));
    }
    return reason;
}

Error CallDriver::final_error(Attempt* last) {
    const auto* first = machine_.first_failure() == 0 ? nullptr : &attempt_number(machine_.first_failure()).error();
    const bool tried_again = machine_.unrecovered() && last_ended_ != 0 && last->record.number != last_ended_;
    const auto* recovery = tried_again ? &attempt_number(last_ended_).error() : nullptr;
    std::vector<std::string_view> region_names;
    for (const auto& target : services_.targets) region_names.push_back(target.region.id);
    const auto time = now();
    auto error = call::compose_error({.machine = machine_,
                                      .first = first,
                                      .last = last == nullptr ? nullptr : &last->error(),
                                      .recovery = recovery,
                                      .refusal = admission_.refusal(),
                                      .regions = services_.regions,
                                      .region_names = region_names,
                                      .model = exchange_.model,
                                      .model_id = model_,
                                      .attempts = attempts_.size(),
                                      .elapsed = time - started_,
                                      .now = time});
    if (unread_) {
        error.message =
            "the stream was not read for " + values::milliseconds_text(machine_.policy().unread) + " (timeouts.unread)";
    }
    if (last != nullptr && last->record.number == committed_) {
        last->gave_content = true;
        error.partial = last->partial();
        if (error.partial && !partial_answer_.empty()) {
            auto whole = *error.partial;
            partial_answer_.complete(whole);
            CallCosts::sum(attempts_, whole);
            error.partial = std::make_shared<const ChatCompletion>(std::move(whole));
        }
        // A continuation may deliver only the end of the answer. After a restart, earlier content is void.
        if (!error.partial && partial_answer_.continues()) error.partial = partial_answer_.partial();
    } else {
        error.partial = partial_answer_.partial();
        if (exchange_.kind == ExchangeKind::chat) {
            for (auto& attempt : attempts_) {
                if (!error.partial) error.partial = attempt.partial();
            }
        }
    }
    return error;
}

/// The same data as the record without its copies, for the statistics.
telemetry::CallEnd CallDriver::call_end(const CallResult& result) const {
    telemetry::CallEnd end{.model = exchange_.model,
                           .total = now() - started_,
                           .retry_tokens = services_.budgets.retries.tokens(),
                           .hedge_tokens = services_.budgets.hedges.tokens()};
    end.queued = attempts_.empty() ? end.total : attempts_.front().record.started;
    if (const auto* completion = std::get_if<ChatCompletion>(&result)) {
        end.attempts = completion->attempts;
        end.usage = &completion->usage;
    } else if (const auto* response = std::get_if<RawResponse>(&result)) {
        end.attempts = response->attempts;
    } else {
        const auto& error = std::get<Error>(result);
        end.error = error.code;
        end.attempts = error.attempts;
        if (error.partial) end.usage = &error.partial->usage;
    }
    // The attempts of another model are attributed to that model.
    if (machine_.planner().model_switch() && !end.attempts.empty()) {
        const auto winner = std::ranges::find(end.attempts, true, &AttemptRecord::winner);
        end.model = (winner != end.attempts.end() ? *winner : end.attempts.back()).model;
    }
    return end;
}

CallRecord CallDriver::make_call_record(const CallResult& result) const {
    CallRecord record;
    record.label = exchange_.label;
    record.operation = operation_of(exchange_);
    record.stream = exchange_.kind == ExchangeKind::chat_stream;
    record.requested_model = exchange_.model;
    record.total = now() - started_;
    record.queued = attempts_.empty() ? record.total : attempts_.front().record.started;
    if (const auto* completion = std::get_if<ChatCompletion>(&result)) {
        record.model = completion->model;
        record.region = completion->region;
        record.usage = completion->usage;
        record.attempts = completion->attempts;
        record.response_id = completion->id;
        for (const auto& choice : completion->choices) record.finish_reasons.push_back(choice.finish_reason_text);
    } else if (const auto* response = std::get_if<RawResponse>(&result)) {
        record.region = response->region;
        record.attempts = response->attempts;
    } else {
        const auto& error = std::get<Error>(result);
        record.error = error.code;
        record.region = error.region;
        record.attempts = error.attempts;
    }
    costs_.sum(record);
    return record;
}

std::vector<AttemptRecord> CallDriver::take_attempt_records() {
    std::vector<AttemptRecord> records;
    records.reserve(attempts_.size());
    for (auto& attempt : attempts_) records.push_back(std::move(attempt.record));
    return records;
}

}  // namespace holysheep::execution
