// Handles the events of attempts: connections, bytes, chunks, ends. Forwards each to the tracker, the admission and the
// machine. Attempt → [CallDriver] → RegionHealthTracker, Admission, CallMachine, CallSink
#include <algorithm>
#include <utility>

#include "execution/driver.hpp"
#include "execution/event_scope.hpp"

namespace holysheep::execution {

bool CallDriver::attempt_may_send(Attempt& attempt) {
    const EventScope scope(*this);
    call::Commands commands;
    const bool yes = machine_.on_connected(attempt.record.number, now(), commands);
    if (yes) admission_.sent(static_cast<std::size_t>(attempt.record.number), now());
    apply(commands);
    if (yes) watch(attempt);
    return yes;
}

/// Any answer of the region suffices, so one probe serves all attempts that wait for it.
void CallDriver::watch(Attempt& attempt) {
    attempt.heard = now();
    if (!machine_.wants_sign_of_life() || !services_.on_watch) return;
    if (services_.regions.watch(attempt.token, attempt.heard)) services_.on_watch(attempt.region());
}

void CallDriver::attempt_first_byte(Attempt& attempt) {
    const EventScope scope(*this);
    attempt.heard = now();
    if (attempt.record.http_status < 300) {
        services_.regions.on_early_head(attempt.region(), attempt.heard);
    } else {
        services_.regions.on_alive(attempt.region(), attempt.heard);
    }
    admission_.arrived(static_cast<std::size_t>(attempt.record.number), now());
    record_round_trip(attempt);
    apply(machine_.on_first_byte(attempt.record.number, now()));
}

void CallDriver::attempt_bytes(Attempt& attempt) {
    const EventScope scope(*this, EventScope::Kind::quiet);
    received_at_ = attempt.heard = now();
    services_.regions.on_alive(attempt.region(), received_at_);
    if (services_.regions.has_notices()) unsettled_ = true;
}

void CallDriver::attempt_progress(Attempt& attempt) { machine_.on_progress(attempt.record.number, received_at_); }

/// A new connection shows how long connecting takes; the round trip of a reused one is queried now and then.
void CallDriver::record_round_trip(const Attempt& attempt) {
    const auto time = now();
    const bool fresh = !attempt.record.connection_reused && attempt.record.timings.connect;
    if (!fresh && !services_.regions.wants_rtt(attempt.region(), time)) return;
    services_.regions.on_connection(attempt.region(), fresh ? &attempt.record.timings : nullptr,
                                    services_.transport.evidence(attempt.transfer), time);
}

/// A call that must not be sent twice needs the whole error: it may say that the request was not processed.
bool CallDriver::can_move_at_once() const {
    return !machine_.policy().cost_safe && machine_.planner().can_move_at_once(now());
}

void CallDriver::attempt_wire_chunk(Attempt& attempt) {
    // Events of other attempts are held, each as a separate copy.
    if (committed_ == 0 || committed_ == attempt.record.number) sink_.on_wire_chunk();
}

void CallDriver::attempt_chunk(Attempt& attempt, const ChatChunk& chunk) {
    if (delivered_) return;
    const int number = attempt.record.number;
    if (chunk.event == ChunkEvent::keep_alive) {
        // Shows observers that the gateway is alive, but is not progress: it resets no clock.
        const EventScope scope(*this, EventScope::Kind::quiet);
        if (committed_ == 0 || committed_ == number) deliver(chunk);
        return;
    }
    if (committed_ == number && !attempt.progressed()) {
        const EventScope scope(*this, EventScope::Kind::quiet);
        deliver(chunk);
        return;
    }
    if (committed_ == number) {
        // The stall clock only moves later: the timer that is already set will notice.
        const EventScope scope(*this, EventScope::Kind::quiet);
        const auto silence = machine_.on_progress(number, received_at_);
        // Zero: it arrived together with the previous one.
        if (silence.count() > 0) services_.regions.on_content_gap(attempt.token.model, silence);
        deliver(chunk);
        return;
    }
    const EventScope scope(*this);
    switch (chunk.event) {
        case ChunkEvent::content:
        case ChunkEvent::reasoning:
        case ChunkEvent::refusal:
        case ChunkEvent::tool_call:
        case ChunkEvent::media:
        case ChunkEvent::finish: break;
        default: held_.add(number, chunk); return;
    }
    services_.regions.on_first_content(attempt.token, received_at_);
    admission_.served(static_cast<std::size_t>(number), received_at_);
    suspects_.charge(attempt.token.model, services_.regions, now());
    apply(machine_.on_content(number, received_at_));
    if (committed_ == number) deliver(chunk);
}

void CallDriver::attempt_ended(Attempt& attempt) {
    const EventScope scope(*this);
    const auto time = now();
    const auto& outcome = attempt.outcome();
    for (const auto* redactor : {&services_.redactor, static_cast<const telemetry::Redactor*>(&call_secrets_)}) {
        redactor->scrub(attempt.record.request_id);
        if (outcome.answered) continue;
        redactor->scrub(attempt.error());
        redactor->scrub(attempt.record.detail);
    }
    const auto verdict = call::classify(outcome, machine_.policy().retry, record_key(attempt));
    record_quota(attempt, verdict);
    if (!outcome.answered && outcome.error == ErrorCode::model_not_found) {
        services_.regions.on_model_missing(attempt.region(), attempt.token.model, time);
    }
    if (outcome.answered) {
        admission_.served(static_cast<std::size_t>(attempt.record.number), time);
        suspects_.charge(attempt.token.model, services_.regions, now());
    }
    last_ended_ = attempt.record.number;
    if (!outcome.answered) held_.forget(last_ended_);
    // A path that the caller requested may legitimately redirect in every region, which says nothing about regions.
    const bool meant = exchange_.kind == ExchangeKind::raw && call::is_redirect(outcome);
    auto charge = meant ? health::FailureClass::none : verdict.charge;
    if (charge == health::FailureClass::server && suspects_request(attempt)) charge = health::FailureClass::none;
    book(attempt, charge, &verdict);
    admission_.end(static_cast<std::size_t>(attempt.record.number), !outcome.certainly_not_delivered, attempt.usage(),
                   time);
    // The connection of a finished answer is reused if its last bytes arrive soon; that of a failed one is closed.
    if (attempt.transfer_open && !attempt.settle_at()) close(attempt);
    apply(machine_.on_end(attempt.record.number, outcome, verdict, time));
}

void CallDriver::attempt_drained(Attempt&) { const EventScope scope(*this); }

}  // namespace holysheep::execution
