// Executes the effects of one call. The machine makes every decision; this file handles order, ownership and messages.
#include "execution/driver.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "accounting/prompt_estimate.hpp"
#include "execution/event_scope.hpp"
#include "execution/request_builder.hpp"
#include "values/release_memory.hpp"

namespace holysheep::execution {

namespace {

// The driver of a stream wakes up at this interval. A late wake-up shows that this process did not run meanwhile: it
// was stopped, or its machine was asleep.
constexpr auto kStreamCheckInterval = std::chrono::seconds{5}, kSuspendThreshold = std::chrono::seconds{1};

}  // namespace

/// Runs `function` for a timer or a posted event.
template <class Function>
void CallDriver::guard(Function function) {
    try {
        function();
    } catch (...) {
        abort();
    }
}

CallDriver::CallDriver(CallServices& services, Exchange& exchange, const call::CallPolicy& policy,
                       std::span<const std::size_t> plan, Clock::time_point started, CallSink& sink,
                       std::function<void()> on_idle)
    : services_(services),
      exchange_(exchange),
      started_(started),
      model_(services.regions.model_id(policy.model)),
      admission_(services.admission, exchange_, started, [this] { return permit_callback(); }),
      machine_(policy, plan, model_, services.regions, services.budgets, admission_),
      sink_(sink),
      on_idle_(std::move(on_idle)),
      costs_(exchange, services.catalogue, services.ledger),
      partial_answer_(policy.recovery) {
    call_secrets_.add(exchange_.headers);
    services_.recorder.on_call_started(exchange_.kind == ExchangeKind::chat_stream);
}

CallDriver::~CallDriver() {
    if (timer_ != 0) services_.clock.cancel(timer_);
    for (auto& attempt : attempts_) {
        if (attempt.transfer_open) services_.transport.cancel(attempt.transfer);
    }
}

void CallDriver::start() {
    const EventScope scope(*this);
    if (machine_.policy().hedge) services_.budgets.hedges.earn();
    services_.budgets.canaries.earn();
    apply(machine_.start(now()));
}

void CallDriver::cancel() {
    const EventScope scope(*this);
    apply(machine_.on_cancel(now()));
}

void CallDriver::on_region_down(std::size_t region) {
    const EventScope scope(*this);
    apply(machine_.on_region_down(region, now()));
}

void CallDriver::on_region_back(std::size_t region) {
    const EventScope scope(*this);
    apply(machine_.on_region_back(region, now()));
}

/// Makes the callback behind `on_ready`: it may be called from any thread, for as long as this call exists.
Admission::OnReady CallDriver::permit_callback() {
    if (!self_) self_ = std::make_shared<CallDriver*>(this);
    return [clock = services_.shared_clock, self = std::weak_ptr<CallDriver*>(self_)] {
        const auto alive = clock.lock();
        if (!alive) return;
        try {
            alive->post([self] {
                if (const auto driver = self.lock()) (*driver)->guard([&] { (*driver)->on_permit_ready(); });
            });
        } catch (...) {  // the call polls by itself
        }
    };
}

void CallDriver::on_permit_ready() {
    const EventScope scope(*this);
    apply(machine_.on_permit_ready(now()));
}

void CallDriver::shut_down() {
    const EventScope scope(*this);
    apply(machine_.on_cancel(now()));
    for (auto& attempt : attempts_) {
        if (std::exchange(attempt.transfer_open, false)) services_.transport.cancel(attempt.transfer);
    }
}

void CallDriver::pause() {
    const EventScope scope(*this);
    gate_.pause();
    steer_reading();
}

void CallDriver::resume() {
    const EventScope scope(*this);
    gate_.resume();
    steer_reading();
}

void CallDriver::on_room() {
    const EventScope scope(*this);
    gate_.on_sink_room();
    steer_reading();
}

void CallDriver::steer_reading() {
    if (!gate_.needs_update() || committed_ == 0) return;
    auto& attempt = attempt_number(committed_);
    if (!attempt.transfer_open || attempt.ended()) return;
    if (gate_.should_pause()) {
        gate_.on_transfer_paused(now());
        unsettled_ = true;  // the timer must be updated for it
        services_.transport.pause(attempt.transfer);
    } else {
        gate_.on_transfer_resumed();
        // The reader caused the silence: the gateway's stall clock starts afresh.
        machine_.on_progress(committed_, now());
        services_.transport.resume(attempt.transfer);
    }
}

// ---- commands ----

void CallDriver::apply(const call::Commands& commands) {
    for (const auto& command : commands) {
        switch (command.kind) {
            case call::Command::Kind::start: start_attempt(command); break;
            case call::Command::Kind::cancel: stop_attempt(command); break;
            case call::Command::Kind::commit: commit(command.attempt); break;
            case call::Command::Kind::recover: recover(command.attempt); break;
            case call::Command::Kind::finish: finish(command.attempt); break;
            case call::Command::Kind::check_path: check_path(command.attempt); break;
            case call::Command::Kind::acquire: acquire(command); break;
            case call::Command::Kind::await_room: await_room(command); break;
            case call::Command::Kind::ask_policy: ask_policy(command); break;
            case call::Command::Kind::release: admission_.withdraw(); break;
            case call::Command::Kind::late:
                services_.regions.on_late(attempt_number(command.attempt).token, now(),
                                          command.because == call::Evidence::no_probe_answer);
                break;
        }
    }
}

AskedModel CallDriver::asked_model(std::size_t model) const {
    const auto& policy = machine_.policy();
    const auto& cost = model == 0 ? policy.cost : policy.fallbacks[model - 1].cost;
    return {machine_.planner().model_id(model), machine_.planner().model_name(model), cost};
}

void CallDriver::acquire(const call::Command& command) {
    const auto number = static_cast<std::size_t>(command.attempt);
    const auto model = asked_model(command.model);
    const auto time = now();
    if (command.beside == 0) {
        report(admission_.ask(number, command.region, model, machine_.deadline(), time));
        return;
    }
    const bool granted = (command.shares && admission_.share(number, command.region, model, time)) ||
                         admission_.ask_beside(number, command.region, model, time);
    report(granted ? Admission::Answer::granted : Admission::Answer::never);
}

void CallDriver::await_room(const call::Command& command) {
    report(admission_.wait_for_room(machine_.awaited_regions(), machine_.planner().model_id(command.model),
                                    machine_.policy().retry.max_wait, now()));
}

void CallDriver::report(Admission::Answer answer) {
    const auto time = now();
    switch (answer) {
        case Admission::Answer::granted: apply(machine_.on_granted(time)); break;
        case Admission::Answer::wait:
            apply(machine_.on_queued(admission_.next_poll(time).value_or(Clock::time_point::max())));
            break;
        case Admission::Answer::never: apply(machine_.on_refused(time)); break;
    }
}

void CallDriver::ask_policy(const call::Command& command) {
    const auto requested =
        services_.retry_policy->decide({.attempt = attempt_number(command.attempt).record,
                                        .would_retry = command.would_retry,
                                        .delay = std::chrono::duration_cast<milliseconds>(command.delay),
                                        .content_delivered = command.content_delivered});
    apply(machine_.on_policy(requested, now()));
}

void CallDriver::start_attempt(const call::Command& command) {
    const auto& target = services_.targets[command.region];
    const auto time = now();
    admission_.begin(static_cast<std::size_t>(command.attempt), command.region,
                     machine_.planner().model_id(command.model), time);
    if (command.beside != 0) record_left(command.beside, command.because);
    const auto& asked = machine_.planner().model_name(command.model);
    const bool as_it_is = command.model == 0 && exchange_.model_as_it_is;
    const auto mapped = as_it_is ? target.region.model_map.end() : target.region.model_map.find(asked);
    const auto& model = mapped == target.region.model_map.end() ? asked : mapped->second;
    AttemptRecord record;
    record.number = command.attempt;
    record.kind = command.attempt_kind;
    record.region = target.region.id;
    record.model = model;
    record.started = time - started_;
    record.maybe_duplicated = command.maybe_duplicated;
    record.panic = command.panic;
    auto& attempt = attempts_.emplace_back(static_cast<AttemptEvents&>(*this), exchange_, target, command.region,
                                           std::move(record), time);

    attempt.asked_model = asked;
    attempt.token = services_.regions.on_dispatch(command.region, machine_.planner().model_id(command.model),
                                                  awaited_by(exchange_.kind), time, command.panic);
    services_.recorder.on_dispatch(command.region, attempt.record, failover_cause(attempt));
    const auto& keys = services_.admission.keys;
    const auto& key = keys.text(command.region, admission_.key(static_cast<std::size_t>(command.attempt)));
    if (keys.renewable()) call_secrets_.add(key);
    auto request = build_request(exchange_, target, {.sent = model, .usual = machine_.planner().model_name(0)}, key,
                                 command.attempt);
    request.fresh_connection = command.fresh_connection;
    request.avoid_stale_connection = machine_.policy().cost_safe;
    request.connection_attempt_delay = services_.regions.connection_attempt_delay(command.region);
    if (services_.log.bodies()) {
        attempt.keep_body_for_log();
        log_body("to ", attempt.record, request.body.view().substr(0, 2 * 1024));
    }
    attempt.transfer = services_.transport.start(std::move(request), attempt);
    attempt.transfer_open = true;
}

/// Another region is asked while this attempt is in flight: records the reason in its record.
void CallDriver::record_left(int number, call::Evidence because) {
    auto& attempt = attempt_number(number);
    attempt.left_because = because;
    const auto since = attempt.record.timings.sent ? attempt.heard : started_ + attempt.record.started;
    attempt.record.left = call::describe_evidence(because, attempt.record.timings, now() - since);
}

void CallDriver::stop_attempt(const call::Command& command) {
    auto& attempt = attempt_number(command.attempt);
    const bool silent = command.limit == call::Limit::stall || command.limit == call::Limit::silence;
    if (gate_.paused() && command.attempt == committed_ && silent) {
        // A silence caused by the reader is not a stall.
        machine_.on_progress(committed_, now());
        return;
    }
    close(attempt);
    if (command.limit) {
        const auto after = command.limit == call::Limit::stall     ? machine_.stall_limit(command.attempt)
                           : command.limit == call::Limit::silence ? now() - attempt.heard
                                                                   : now() - started_ - attempt.record.started;
        if (command.limit == call::Limit::silence) record_left(command.attempt, call::Evidence::no_probe_answer);
        // Silences that were cut short must count too, or a limit that has become too short would never grow again.
        if (command.limit == call::Limit::stall && machine_.policy().stream && !attempt.is_whole()) {
            services_.regions.on_content_gap(attempt.token.model, after);
        }
        attempt.expire(*command.limit, std::chrono::duration_cast<milliseconds>(after));
        return;
    }
    held_.forget(command.attempt);
    const auto charge = charge_of_waiting(attempt);
    switch (machine_.ending()) {
        case call::Ending::cancelled: attempt.dismiss("the call was cancelled"); break;
        case call::Ending::deadline: attempt.dismiss("the call's deadline passed"); break;
        default: attempt.dismiss("another attempt was ahead"); break;
    }
    admission_.end(static_cast<std::size_t>(command.attempt), true, attempt.usage(), now());
    book(attempt, charge);
}

void CallDriver::check_path(int number) {
    const auto& attempt = attempt_number(number);
    if (!attempt.transfer_open) return;
    apply(machine_.on_path(number, services_.transport.evidence(attempt.transfer), now()));
}

void CallDriver::close(Attempt& attempt) {
    if (std::exchange(attempt.transfer_open, false)) services_.transport.cancel(attempt.transfer);
}

void CallDriver::commit(int attempt) {
    committed_ = attempt;
    if (machine_.policy().recovery == StreamRecovery::terminate) release_memory(exchange_.chat);  // not sent again
    const bool continued = partial_answer_.continues();
    if (!partial_answer_.empty() && !continued) {
        for (auto& earlier : attempts_) earlier.record.winner = false;
        deliver({.event = ChunkEvent::restarted});
    }
    for (auto& held : held_.take(attempt)) {
        if (continued && held.chunk.event == ChunkEvent::started) continue;  // for the caller, it is the same answer
        sink_.on_wire_chunk();
        deliver(held.view());
    }
    sink_.on_wire_chunk();  // return to the chunk that gave the first content
}

void CallDriver::recover(int number) {
    auto& attempt = attempt_number(number);
    attempt.record.winner = true;
    attempt.gave_content = true;
    if (const auto partial = attempt.partial()) partial_answer_.add(*partial);
    committed_ = 0;
    gate_.on_transfer_resumed();
    if (!exchange_.continuation || !partial_answer_.continues()) return;
    auto request = exchange_.continuation->request;
    append_prefill(request.messages, partial_answer_.prefix());
    if (auto encoded = wire::encode_chat(request, true, exchange_.continuation->extra_json)) {
        exchange_.chat = std::move(*encoded);
        exchange_.size.prompt_tokens =
            accounting::estimated_tokens(request, exchange_.continuation->extra_json, exchange_.chat.body.size());
    }
    // With the same key, a gateway would refuse a different body or replay the old answer.
    if (!exchange_.idempotency_key.empty()) exchange_.idempotency_key += "-" + std::to_string(number + 1);
}

void CallDriver::deliver(const ChatChunk& chunk) {
    // Nothing pauses the socket before the first content: a slow reader gets no more keep-alives.
    if (chunk.event == ChunkEvent::keep_alive && committed_ == 0 && gate_.sink_full()) return;
    bool room = true;
    if (chunk.usage != nullptr && !partial_answer_.empty()) {
        const auto usage = partial_answer_.billed(*chunk.usage);
        auto told = chunk;
        told.usage = &usage;
        room = sink_.on_chunk(told);
    } else {
        room = sink_.on_chunk(chunk);
    }
    if (!room) gate_.on_sink_full();
    if (gate_.should_pause()) steer_reading();
}

// ---- time ----

void CallDriver::on_timer() {
    const EventScope scope(*this);
    timer_ = 0;
    const auto time = now();
    // If this thread was late, a time limit that expired after `due` may be reset by bytes that already wait in the
    // sockets: it is checked by a new timer, after they are read.
    const auto due = timer_at_;
    // This process caused the silence of the stream.
    if (committed_ != 0 && time - due > kSuspendThreshold) machine_.on_progress(committed_, time);
    for (auto& attempt : attempts_) {
        if (!attempt.settle_at() || *attempt.settle_at() > due) continue;
        if (attempt.settle()) close(attempt);
    }
    // A complete answer must not be lost to the deadline because its gateway leaves the stream open.
    const auto deadline = machine_.deadline();
    if (committed_ != 0 && deadline && *deadline <= time) attempt_number(committed_).conclude();
    end_unread(time);
    for (int i = 0; i < 8; ++i) {
        const auto wake = machine_.wake_at(time);
        if (!wake || *wake > due) break;
        apply(machine_.on_wake(time));
    }
}

/// The stream was not read for too long: frees its resources for other calls.
void CallDriver::end_unread(Clock::time_point time) {
    const auto most = machine_.policy().unread;
    if (!gate_.paused() || delivered_ || most.count() == 0 || time - *gate_.paused_at() < most) return;
    unread_ = true;
    if (services_.unread_streams) services_.unread_streams->fetch_add(1, std::memory_order_relaxed);
    apply(machine_.on_cancel(time));
}

void CallDriver::settle() {
    const auto time = now();
    auto wake = machine_.wake_at(time);
    if (const auto most = machine_.policy().unread; gate_.paused() && !delivered_ && most.count() > 0) {
        const auto until = *gate_.paused_at() + most;
        if (!wake || until < *wake) wake = until;
    }
    if (wake && committed_ != 0) wake = std::min(*wake, time + kStreamCheckInterval);
    for (const auto& attempt : attempts_) {
        if (attempt.settle_at() && (!wake || *attempt.settle_at() < *wake)) wake = attempt.settle_at();
    }
    if (services_.regions.has_notices() && services_.on_notices) services_.on_notices();
    const bool open = std::ranges::any_of(attempts_, [](const Attempt& a) { return a.transfer_open; });
    if (delivered_ && !open) {
        const auto on_idle = std::move(on_idle_);  // it destroys this driver
        on_idle();
        return;
    }
    // A timer that fires early costs one extra check of the machine; re-arming it for every event would cost more.
    if (!wake || (timer_ != 0 && timer_at_ <= *wake)) return;
    if (timer_ != 0) services_.clock.cancel(timer_);
    timer_at_ = *wake;
    timer_ = services_.clock.call_at(*wake, [this] { guard([this] { on_timer(); }); });
}

Attempt& CallDriver::attempt_number(int number) { return *std::next(attempts_.begin(), number - 1); }

}  // namespace holysheep::execution
