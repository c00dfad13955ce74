// Carries out what the call machine decides: sends requests, feeds it events, hands the answer over, keeps the records.
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
#include "execution/exchange.hpp"
#include "execution/held_events.hpp"
#include "execution/read_gate.hpp"
#include "execution/router.hpp"
#include "execution/salvage.hpp"
#include "health/region_health_tracker.hpp"
#include "resilience/retry_budget.hpp"
#include "telemetry/log.hpp"
#include "telemetry/recorder.hpp"
#include "telemetry/redactor.hpp"

namespace holysheep::execution {

/// What all calls of a client share; it outlives them.
struct CallServices {
    Clock& clock;
    Transport& transport;
    std::span<const Target> targets;
    health::RegionHealthTracker& regions;
    Router& router;
    call::Budgets budgets;
    AdmissionServices admission;
    std::weak_ptr<Clock> shared_clock;  ///< the same clock, for those who may outlive it
    telemetry::Recorder& recorder;
    const accounting::SharedCatalogue& catalogue;
    accounting::Ledger& ledger;
    const telemetry::Redactor& redactor;
    const telemetry::Log& log;
    const RetryPolicy* retry_policy = nullptr;
    /// Streams that ended because nobody read them.
    std::shared_ptr<std::atomic<std::uint64_t>> unread_streams{};
    /// Set where somebody listens: a record is copied for nobody else.
    std::function<void(CallRecord)> on_record{};
    /// An attempt waits for a region that no other one waited for: whether it lives is to be watched.
    std::function<void(std::size_t region)> on_watch{};
    /// What time alone changes was looked at again.
    std::function<void()> on_refreshed{};
    /// The tracker has notices: what became of regions is told to whom it concerns, later.
    std::function<void()> on_notices{};
};

/// One call, on the I/O thread.
class CallDriver final : private AttemptEvents {
  public:
    /// `exchange`, `policy` and `plan` outlive the driver. `on_idle` runs when nothing more will happen: the call is
    /// over and its last transfer has ended. It may destroy the driver.
    CallDriver(CallServices& services, Exchange& exchange, const call::CallPolicy& policy,
               std::span<const std::size_t> plan, Clock::time_point started, CallSink& sink,
               std::function<void()> on_idle);
    ~CallDriver() override;
    CallDriver(const CallDriver&) = delete;
    CallDriver& operator=(const CallDriver&) = delete;

    void start();
    void cancel();
    /// Stops and continues reading a stream, at the caller's wish.
    void pause();
    void resume();
    /// The sink has room again after it had said "enough".
    void on_room();
    void on_region_down(std::size_t region);
    void on_region_back(std::size_t region);
    /// Its turn under a limit may have come.
    void on_turn();
    /// Ends the call, and its transfers at once, without waiting for answers to be drained.
    void shut_down();
    /// Inside a handler: an exception left one of the functions above. Ends the call with `internal_error`.
    void break_off() noexcept;

  private:
    bool attempt_may_send(Attempt& attempt) override;
    void attempt_first_byte(Attempt& attempt) override;
    void attempt_bytes(Attempt& attempt) override;
    void attempt_wire_chunk(Attempt& attempt) override;
    void attempt_chunk(Attempt& attempt, const ChatChunk& chunk) override;
    void attempt_progress(Attempt& attempt) override;
    void attempt_ended(Attempt& attempt) override;
    void attempt_drained(Attempt& attempt) override;
    void attempt_threw() noexcept override { break_off(); }
    bool can_move_at_once() const override;
    Clock::time_point now() const override { return services_.clock.now(); }

    class Turn;
    Admission::OnTurn turn_caller();
    void end_turn();
    void apply(const call::Commands& commands);
    void start_attempt(const call::Command& command);
    void acquire(const call::Command& command);
    void await_room(const call::Command& command);
    void report(Admission::Answer answer);
    void ask_policy(const call::Command& command);
    AskedModel asked_model(std::size_t model) const;
    std::optional<telemetry::FailoverCause> detour_of(const Attempt& attempt) const;
    void stop_attempt(const call::Command& command);
    health::FailureClass charge_of_waiting(const Attempt& attempt) const;
    void check_path(int attempt);
    void watch(Attempt& attempt);
    void note_left(int attempt, call::Evidence because);
    call::KeyOutlook note_key(Attempt& attempt);
    void note_quota(Attempt& attempt, const call::Verdict& verdict);
    void note_refusal(Attempt& attempt, const call::Verdict& verdict);
    void note_round_trip(const Attempt& attempt);
    void close(Attempt& attempt);
    void commit(int attempt);
    void recover(int attempt);
    void steer_reading();
    void deliver(const ChatChunk& chunk);
    /// `verdict`: on its end, where that may have been a refusal for load.
    void book(Attempt& attempt, health::FailureClass charge, const call::Verdict* verdict = nullptr);
    bool suspect(const Attempt& attempt);
    /// `model` answered: what it was that failed was not the request.
    void charge_suspects(values::ModelId model);
    /// Once per attempt, when it is over.
    void price(Attempt& attempt);
    void count_call(int attempt);
    void sum_cost(ChatCompletion& joined) const;
    void sum_cost(CallRecord& call) const;
    std::int64_t estimated_answer(const Attempt& attempt) const;
    std::int64_t wasted_tokens(const Attempt& attempt) const;
    void log_attempt(const AttemptRecord& attempt) const;
    void log_body(std::string_view direction, const AttemptRecord& attempt, std::string_view body) const;
    void finish(int attempt);
    CallResult make_result(int attempt);
    Error final_error(Attempt* last);
    std::string model_reason() const;
    std::optional<Money> total_cost() const;
    telemetry::CallEnd call_end(const CallResult& result) const;
    CallRecord make_call_record(const CallResult& result) const;
    std::vector<AttemptRecord> take_trail();
    void on_timer();
    template <class Function>
    void guard(Function function);
    void drop_attempts() noexcept;
    void end_unread(Clock::time_point time);
    Attempt& attempt_number(int number);

    CallServices& services_;
    Exchange& exchange_;               // the request alone changes, where a recovery asks for the rest of an answer
    telemetry::Redactor own_secrets_;  // of this call alone
    const Clock::time_point started_;
    const values::ModelId model_;        // the tracker's
    std::shared_ptr<CallDriver*> self_;  // for callbacks that may come after the end
    Admission admission_;
    call::CallMachine machine_;
    CallSink& sink_;
    std::function<void()> on_idle_;
    std::list<Attempt> attempts_;
    HeldEvents held_;
    ReadGate gate_;
    std::vector<health::AttemptToken> suspects_;  // answered with a 500: their fault, or the request's
    Salvage salvage_;
    Clock::TimerId timer_ = 0;
    Clock::time_point timer_at_{};
    Clock::time_point heard_at_{};  // when the bytes at hand came: the clock is read once for all their chunks
    int committed_ = 0, last_ended_ = 0, depth_ = 0;
    bool delivered_ = false, unsettled_ = false, unread_ = false;
};

}  // namespace holysheep::execution
