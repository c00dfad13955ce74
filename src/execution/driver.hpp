// Carries out the decisions of the call machine: sends requests, feeds it events, delivers the answer, keeps the
// records.
// Exchange → [CallDriver] ⇄ CallMachine, Transport, Clock → CallSink, CallRecord
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <holysheep/clock.hpp>
#include <holysheep/event_listener.hpp>
#include <holysheep/options.hpp>
#include <holysheep/transport.hpp>

#include "accounting/ledger.hpp"
#include "accounting/shared_catalogue.hpp"
#include "call/machine.hpp"
#include "execution/admission.hpp"
#include "execution/attempt.hpp"
#include "execution/call_costs.hpp"
#include "execution/exchange.hpp"
#include "execution/held_events.hpp"
#include "execution/partial_answer.hpp"
#include "execution/read_gate.hpp"
#include "execution/router.hpp"
#include "execution/suspected_faults.hpp"
#include "health/region_health_tracker.hpp"
#include "resilience/retry_budget.hpp"
#include "telemetry/log.hpp"
#include "telemetry/recorder.hpp"
#include "telemetry/redactor.hpp"

namespace holysheep::execution {

/// Services shared by all calls of a client; they outlive the calls.
struct CallServices {
    Clock& clock;
    Transport& transport;
    std::span<const Target> targets;
    health::RegionHealthTracker& regions;
    Router& router;
    call::Budgets budgets;
    AdmissionServices admission;
    std::weak_ptr<Clock> shared_clock;  ///< the same clock, for objects that may outlive it
    telemetry::Recorder& recorder;
    const accounting::SharedCatalogue& catalogue;
    accounting::Ledger& ledger;
    const telemetry::Redactor& redactor;
    const telemetry::Log& log;
    const RetryPolicy* retry_policy = nullptr;
    /// Number of streams that ended because they were not read.
    std::shared_ptr<std::atomic<std::uint64_t>> unread_streams{};
    /// Set only if there is a listener, so that records are not copied needlessly.
    std::function<void(CallRecord)> on_record{};
    /// An attempt is the first to wait for this region: the prober should check that the region is alive.
    std::function<void(std::size_t region)> on_watch{};
    /// The state that changes with time was refreshed.
    std::function<void()> on_refreshed{};
    /// The tracker has notices: schedules their delivery to the affected calls.
    std::function<void()> on_notices{};
};

/// Drives one call, on the I/O thread.
class CallDriver final : private AttemptEvents {
  public:
    /// `exchange`, `policy` and `plan` outlive the driver. `on_idle` runs once nothing more will happen: the call is
    /// over and its last transfer has ended. It may destroy the driver.
    CallDriver(CallServices& services, Exchange& exchange, const call::CallPolicy& policy,
               std::span<const std::size_t> plan, Clock::time_point started, CallSink& sink,
               std::function<void()> on_idle);
    ~CallDriver() override;
    CallDriver(const CallDriver&) = delete;
    CallDriver& operator=(const CallDriver&) = delete;

    void start();
    void cancel();
    /// Stop and continue reading a stream, as the caller requests.
    void pause();
    void resume();
    /// The sink, which had returned false, has room again.
    void on_room();
    void on_region_down(std::size_t region);
    void on_region_back(std::size_t region);
    /// The call may have reached its turn under a limit.
    void on_permit_ready();
    /// Ends the call and its transfers at once, without draining answers.
    void shut_down();
    /// Called inside a handler: one of the functions above threw an exception. Ends the call with `internal_error`.
    void abort() noexcept;

  private:
    bool attempt_may_send(Attempt& attempt) override;
    void attempt_first_byte(Attempt& attempt) override;
    void attempt_bytes(Attempt& attempt) override;
    void attempt_wire_chunk(Attempt& attempt) override;
    void attempt_chunk(Attempt& attempt, const ChatChunk& chunk) override;
    void attempt_progress(Attempt& attempt) override;
    void attempt_ended(Attempt& attempt) override;
    void attempt_drained(Attempt& attempt) override;
    void attempt_threw() noexcept override { abort(); }
    bool can_move_at_once() const override;
    Clock::time_point now() const override { return services_.clock.now(); }

    class EventScope;
    Admission::OnReady permit_callback();
    void settle();
    void apply(const call::Commands& commands);
    void start_attempt(const call::Command& command);
    void acquire(const call::Command& command);
    void await_room(const call::Command& command);
    void report(Admission::Answer answer);
    void ask_policy(const call::Command& command);
    AskedModel asked_model(std::size_t model) const;
    std::optional<telemetry::FailoverCause> failover_cause(const Attempt& attempt) const;
    void stop_attempt(const call::Command& command);
    health::FailureClass charge_of_waiting(const Attempt& attempt) const;
    void check_path(int attempt);
    void watch(Attempt& attempt);
    void record_left(int attempt, call::Evidence because);
    call::KeyOutlook record_key(Attempt& attempt);
    void record_quota(Attempt& attempt, const call::Verdict& verdict);
    void record_refusal(Attempt& attempt, const call::Verdict& verdict);
    void record_round_trip(const Attempt& attempt);
    void close(Attempt& attempt);
    void commit(int attempt);
    void recover(int attempt);
    void steer_reading();
    void deliver(const ChatChunk& chunk);
    /// `verdict`: the classification of its end, if that may have been a refusal because of load.
    void book(Attempt& attempt, health::FailureClass charge, const call::Verdict* verdict = nullptr);
    bool suspects_request(const Attempt& attempt);
    std::int64_t wasted_tokens(const Attempt& attempt) const;
    void log_attempt(const AttemptRecord& attempt) const;
    void log_body(std::string_view direction, const AttemptRecord& attempt, std::string_view body) const;
    void finish(int attempt);
    CallResult make_result(int attempt);
    Error final_error(Attempt* last);
    std::string model_reason() const;
    telemetry::CallEnd call_end(const CallResult& result) const;
    CallRecord make_call_record(const CallResult& result) const;
    std::vector<AttemptRecord> take_attempt_records();
    void on_timer();
    template <class Function>
    void guard(Function function);
    void abandon_attempts() noexcept;
    void end_unread(Clock::time_point time);
    Attempt& attempt_number(int number);

    CallServices& services_;
    Exchange& exchange_;                // constant, except for the request: a recovery asks for the rest of an answer
    telemetry::Redactor call_secrets_;  // secrets of this call alone
    const Clock::time_point started_;
    const values::ModelId model_;        // the tracker's id
    std::shared_ptr<CallDriver*> self_;  // for callbacks that may run after this object is destroyed
    Admission admission_;
    call::CallMachine machine_;
    CallSink& sink_;
    std::function<void()> on_idle_;
    std::list<Attempt> attempts_;
    HeldEvents held_;
    ReadGate gate_;
    SuspectedFaults suspects_;
    const CallCosts costs_;
    PartialAnswer partial_answer_;
    Clock::TimerId timer_ = 0;
    Clock::time_point timer_at_{};
    Clock::time_point received_at_{};  // when the current bytes arrived: the clock is read once for all their chunks
    int committed_ = 0, last_ended_ = 0, depth_ = 0;
    bool delivered_ = false, unsettled_ = false, unread_ = false;
};

}  // namespace holysheep::execution
