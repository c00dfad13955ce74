// Orders the steps of one call, as a pure state machine: events and the time go in, commands come out. It starts
// attempts, fails over between regions, waits, commits to one answer and ends, without a socket, a clock or a thread.
// plan → [CallMachine] ⇄ CallDriver
//
//   attempt:  connecting ──on_connected──→ waiting ──on_first_byte──→ receiving ──on_content──→ committed
//                 └──────────────┴───────────────────────┴──────────────────────────┴──→ ended
//   call:     running ⇄ backing off ──→ finished
// A committed attempt that breaks ends the call, or with StreamRecovery passes its commitment to another attempt.
//
// Several attempts may be in flight: the first to give content (or a whole answer) wins, the others are cancelled.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <holysheep/options.hpp>
#include <holysheep/transport.hpp>

#include "call/backup.hpp"
#include "call/classification.hpp"
#include "call/evidence.hpp"
#include "call/model_fallback.hpp"
#include "call/policy.hpp"
#include "call/room_view.hpp"
#include "health/region_health_tracker.hpp"
#include "resilience/random.hpp"
#include "resilience/retry_budget.hpp"

namespace holysheep::call {

struct Command {
    enum class Kind {
        start,
        cancel,
        commit,
        recover,  ///< the attempt broke after content: keep its content; another attempt takes over, or `finish`
                  ///< follows
        finish,
        check_path,  ///< ask the transport whether the peer's host has answered; report it with on_path
        late,        ///< a sign of life is overdue: charge the region; the attempt continues
        // Each of these commands is the last of its batch and is answered at once, before any other event.
        acquire,     ///< get what an attempt needs in this region; answer with on_granted, on_queued or on_refused
        await_room,  ///< join the queue for `awaited_regions`; answer with on_queued or on_refused
        ask_policy,  ///< ask the user's RetryPolicy about `attempt`, which failed; answer with on_policy
        release      ///< leave all queues; give back a grant that was not used
    } kind = Kind::finish;
    int attempt = 0;  ///< 1, 2, …; for `finish`, the attempt whose answer or error the caller gets; 0 if none
    std::size_t region = 0;
    AttemptKind attempt_kind = AttemptKind::first;
    bool fresh_connection = false, maybe_duplicated = false, panic = false;
    std::size_t model = 0;           ///< 0: the requested model, then the fallbacks
    int beside = 0;                  ///< `start`, `acquire`: the attempt that is already in flight; 0: none
    bool shares = false;             ///< `acquire`: the other attempt is still connecting, so both may use one permit
    bool would_retry = false;        ///< `ask_policy`: whether the default rules would retry
    bool content_delivered = false;  ///< `ask_policy`: the caller already has content
    nanoseconds delay{};             ///< `ask_policy`: the delay before that attempt
    Evidence because = Evidence::none;  ///< for `start` beside another attempt, and `late`
    std::optional<Limit>
        limit{};  ///< for `cancel`: the time limit that expired (report it with on_end); unset: the attempt lost
};

/// At most: for each of four attempts in flight a path check, a charge and a cancel; some starts, a commit, a recovery,
/// a finish.
class Commands {
  public:
    void push(const Command& command) { items_[size_++] = command; }
    const Command* begin() const { return items_.data(); }
    const Command* end() const { return items_.data() + size_; }
    std::size_t size() const { return size_; }
    const Command& operator[](std::size_t i) const { return items_[i]; }

  private:
    std::array<Command, 20> items_{};
    std::size_t size_ = 0;
};

/// Why a call ended, for its final error.
enum class Ending {
    open,
    answered,
    refused,             ///< a failure that another attempt would not change
    interrupted,         ///< failed after content
    regions_exhausted,   ///< every eligible region failed
    attempts_exhausted,  ///< retry.max_attempts
    budget_empty,        ///< the retry budget
    wait_too_long,       ///< the wait would pass the deadline or retry.max_wait
    maybe_delivered,     ///< cost_safe forbids another dispatch
    deadline,
    cancelled,
    no_region,    ///< no region is eligible
    not_admitted  ///< refused by a limit of this client or for lack of a key; the refusal contains the reason
};

/// What limits extra attempts, shared by the calls of a client.
struct Budgets {
    resilience::RetryBudget& retries;
    resilience::RetryBudget& hedges;
    resilience::RetryBudget& canaries;
};

class CallMachine {
  public:
    /// `policy`, `plan` (region indexes, best first) and the references must outlive the machine. `model` is the
    /// tracker's id.
    CallMachine(const CallPolicy& policy, std::span<const std::size_t> plan, values::ModelId model,
                const health::RegionHealthTracker& regions, const Budgets& budgets, const RoomView& rooms);

    Commands start(time_point now);
    /// The attempt's connection is ready. Returns false to turn it away: another attempt was ready first, or the call
    /// is over.
    bool on_connected(int attempt, time_point now, Commands& commands);
    Commands on_first_byte(int attempt, time_point now);
    /// The first piece of the answer that the caller will see arrived.
    Commands on_content(int attempt, time_point now);
    /// Any later progress of the answer. Returns the length of the silence before it.
    nanoseconds on_progress(int attempt, time_point now);
    /// `outcome.limit` repeats the limit of the `cancel` command.
    Commands on_end(int attempt, const Outcome& outcome, const Verdict& verdict, time_point now);
    // Replies to `acquire` and `await_room`.
    Commands on_granted(time_point now);
    /// It is worth asking again at `until`, or after `on_permit_ready`.
    Commands on_queued(time_point until);
    Commands on_refused(time_point now);
    /// The decision of the user's RetryPolicy about the failure in `ask_policy`.
    Commands on_policy(const RetryVerdict& requested, time_point now);
    Commands on_wake(time_point now);
    Commands on_cancel(time_point now);
    /// What the transport knows about an attempt's request; unset: nothing.
    Commands on_path(int attempt, const std::optional<PathEvidence>& evidence, time_point now);
    /// The resource that the call is queued for may be free now.
    Commands on_permit_ready(time_point now);
    /// The region was found dead: waiting attempts fail over at once, whatever they received before; a silent stream
    /// that has delivered content ends as stalled.
    Commands on_region_down(std::size_t region, time_point now);
    /// The region is usable again, or its next canary is due: replans if the call waits because no region was usable.
    Commands on_region_back(std::size_t region, time_point now);

    /// Whether the region of an attempt is probed while it is silent.
    bool wants_sign_of_life() const;
    /// How long the attempt may be silent after its first content.
    nanoseconds stall_limit(int attempt) const { return stall_limit(attempts_[static_cast<std::size_t>(attempt - 1)]); }
    /// When `on_wake` is due; may be in the past.
    std::optional<time_point> wake_at(time_point now) const;
    const CallPolicy& policy() const { return policy_; }
    std::optional<time_point> deadline() const { return deadline_; }
    std::size_t eligible_regions() const;
    bool finished() const { return ending_ != Ending::open; }
    Ending ending() const { return ending_; }
    /// With `interrupted`: why no other attempt could take over; unset if no recovery was wanted.
    std::optional<Ending> unrecovered() const { return unrecovered_; }
    /// The attempt that failed first, 0 if none did: the caller sees its error class.
    int first_failure() const { return first_failure_; }
    /// Whether a failure now would lead to another region without a wait.
    bool can_move_at_once(time_point now) const;
    /// Whether the region was asked and failed, or is being asked; a lost race does not count.
    bool asked(std::size_t region) const;
    /// Whether every region that the call may use has failed it, and at least one for another reason than quota.
    bool regions_exhausted() const;
    /// Whether all failures were of this class.
    bool all_failed_with(ErrorCode error) const;
    /// Whether no region was usable at some point.
    bool outage() const { return patience_ends_.has_value(); }
    std::span<const std::size_t> plan() const { return plan_; }
    /// With `await_room`: the regions that are usable but full.
    std::span<const std::size_t> awaited_regions() const { return awaited_regions_; }
    std::optional<time_point> quota_clock() const { return quota_clock_; }
    /// The name for `Command::model`.
    const std::string& model_name(std::size_t model) const;
    values::ModelId model_id(std::size_t model) const;
    /// The last switch to another model.
    struct ModelSwitch {
        std::size_t from = 0;
        std::optional<ErrorCode> because{};  ///< unset: no region was usable for it
    };
    const std::optional<ModelSwitch>& model_switch() const { return model_switch_; }

  private:
    enum class Phase { connecting, waiting, receiving, committed, ended };
    struct Attempt {
        std::size_t region = 0, model = 0;
        AttemptKind kind = AttemptKind::first;
        bool canary = false;
        Phase phase = Phase::connecting;
        time_point started{}, progress{}, ended{};
        time_point sent{};
        std::optional<time_point> path_check{};  // when to check whether the peer's host has answered
        Outcome outcome{};                       // set once it has ended
        Verdict verdict{};
        /// It lost a race of connections, so its region was sent no request.
        bool turned_away() const { return lost && sent == time_point{}; }
        bool lost = false;      // cancelled by the machine without a failure of its own
        bool answered = false;  // the host answered its handshake, TLS is not done yet
        bool raced = false;     // another attempt was started because this one is late
        bool on_trial = false, explores = false;
        bool body = false;        // part of a plain answer's body arrived
        bool found_full = false;  // its region refused it because of load, and serves other requests
    };
    struct Move {
        std::size_t region = 0;
        AttemptKind kind = AttemptKind::failover;
        time_point when{};
        time_point pause{};  // the end of the region's pause, as far as this wait takes it into account
        bool fresh_connection = false, free = false, maybe_duplicated = false, panic = false;
        bool returns = false;  // to a region that this call waited for: the next back-off is longer
        bool full = false;     // the region is usable but full
        bool paid = false;     // it took a retry token
        int beside = 0;
        Evidence because = Evidence::none;
        bool outage = false;  // waits because no region is usable
    };
    /// A move to another attempt that waits for its time.
    struct Wait {
        Move move{};
        bool queued = false;                // for a permit or a slot, too
        std::optional<std::size_t> back{};  // this region has become usable meanwhile
    };
    /// An attempt beside another one takes its token when it is granted.
    struct Request {
        Move move{};
        bool pays = false;
    };
    /// A failed attempt, and the decision of the default rules about it.
    struct Failure {
        int attempt = 0;
        Verdict verdict{};
        std::optional<Move> move{};
        Ending why_not = Ending::refused;
        bool final = false;  // it would fail in the same way everywhere
    };

    static constexpr int kMaxInFlight = 4;
    Attempt& at(int attempt) { return attempts_[static_cast<std::size_t>(attempt - 1)]; }
    bool in_flight(const Attempt& a) const { return a.phase != Phase::ended; }
    bool without_content(const Attempt& a) const {
        return a.phase == Phase::connecting || a.phase == Phase::waiting || a.phase == Phase::receiving;
    }
    nanoseconds stall_limit(const Attempt& a) const {
        if (a.phase == Phase::receiving && !policy_.stream && !a.body) return policy_.first_body;
        return a.model == 0 ? policy_.learned_stall.value_or(policy_.stall) : policy_.stall;
    }
    int count_in_flight() const;
    bool only_late_ones_in_flight() const;
    bool tried(std::size_t region) const;
    /// Whether the region answered with a redirect, which is not followed.
    bool redirected(std::size_t region) const;
    bool eligible(std::size_t region) const { return !regions_.draining(region); }
    bool attempts_used_up() const;
    /// Switches to the next model that some region can serve.
    std::optional<Move> move_to_fallback(const Attempt* failed, time_point now);
    bool calls_for_fallback(const Attempt& failed, Verdict verdict, const std::optional<Move>& move, Ending why_not,
                            time_point now) const;
    /// Whether breakers block the model in every region, or no region has it.
    bool model_blocked(values::ModelId model, time_point now) const;
    /// Whether a move to this region takes no token.
    bool is_free(const Attempt& failed, std::size_t region, time_point now) const;
    bool failed_alike_elsewhere(const Attempt& failed) const;
    bool is_full(const Attempt& failed, Verdict verdict, time_point now) const;
    bool return_is_free(const Attempt& failed, std::size_t region, time_point now) const;
    bool usable(std::size_t region, time_point now) const;
    nanoseconds connect_late_after(const Attempt& a) const;
    nanoseconds path_late_after(std::size_t region) const;
    nanoseconds handshake_late_after(std::size_t region) const;
    void handshake_silent(int attempt, nanoseconds silent_for, time_point now, Commands& out);
    std::optional<std::size_t> next_untried(time_point now) const;
    std::optional<std::size_t> next_free(const Attempt& failed, time_point now) const;
    std::optional<time_point> limit_of(const Attempt& a, Limit& which, time_point now) const;

    void dispatch(const Move& move, time_point now, Commands& out);
    void begin(const Move& move, time_point now, Commands& out);
    void await_room(const Move& move, std::vector<std::size_t> full, Commands& out);
    void acquire(const Request& request, Commands& out);
    void release(Commands& out);
    void pay_beside(const Request& request);
    /// The regions that are usable but full.
    std::vector<std::size_t> full_regions(time_point now) const;
    time_point return_after(const Attempt& failure, double random) const;
    bool lacks_only_room(time_point now) const;
    nanoseconds spread_over_patience(double random) const;
    std::optional<Move> wait_out(Verdict verdict, time_point now, Ending& why_not);
    bool recovers(const Outcome& outcome, Verdict verdict) const;
    bool refused_by_proxy_before(const Attempt& failed) const;
    void fail(int attempt, Verdict verdict, time_point now, Commands& out);
    void remember_failure(int attempt, Verdict verdict, time_point now);
    bool release_commitment(int attempt, Verdict& verdict, time_point now, Commands& out);
    Failure apply_rules(int attempt, Verdict verdict, time_point now);
    void continue_after(Failure& failure, time_point now, Commands& out);
    bool pay(Failure& failure, time_point now);
    bool every_attempt_redirected() const;
    std::optional<Move> move_after(const Attempt& failed, Verdict verdict, time_point now, Ending& why_not);
    std::optional<Move> move_to_untried(const Attempt& failed, time_point now) const;
    std::optional<Move> move_to_tried(const Attempt& failed, std::optional<std::size_t> only, time_point now,
                                      Ending& why_not);
    /// Whether the target of a waiting move is still valid.
    bool holds(const Move& move, time_point now) const;
    /// The region of a waiting move cannot be used after all: plans another one.
    Commands plan_again(const Move& blocked, time_point now);
    void follow(const Move& move, time_point now, Commands& out);
    const Attempt* last_failure(std::size_t region) const;
    bool can_pay_for_canary() const;
    void pay_for_canary();
    /// No region is usable: returns a canary now, or a wait; unset when the patience is over.
    std::optional<Move> move_in_outage(bool return_to_tried, time_point now, Ending& why_not);
    std::optional<Move> move_after_canary(bool return_to_tried, time_point now) const;
    std::optional<Move> ask_without_model(time_point now) const;
    /// Whether the region may be used and answered its last request.
    bool is_healthy_now(std::size_t region, time_point now) const;
    AttemptKind kind_of_visit(std::size_t region) const;
    Commands continue_in_outage(const Wait& wait, time_point now);

    void check_timers(time_point now, Commands& out);
    void watch_for_silence(time_point now, Commands& out);
    /// Requests another attempt beside this one. Returns false if no region is available at the moment.
    bool race(int attempt, AttemptKind kind, Evidence why, time_point now, Commands& out);
    std::optional<Backup> backup_of(const Attempt& a) const;
    /// Returns true if another attempt was requested.
    bool back_up(time_point now, Commands& out);
    void lacks_backup(int attempt, Evidence why, time_point now);
    bool hedge(time_point now, Commands& out);
    void finish(Ending ending, int attempt, Commands& out);
    void cancel_others(int winner, Commands& out);

    const CallPolicy& policy_;
    std::span<const std::size_t> plan_;
    ModelFallback fallback_;
    values::ModelId model_;
    const values::ModelId first_model_;
    std::optional<ModelSwitch> model_switch_;
    const health::RegionHealthTracker& regions_;
    Budgets budgets_;
    const RoomView& rooms_;
    std::optional<time_point> deadline_;  // cleared when a stream is recovered
    resilience::Random random_;
    std::vector<Attempt> attempts_;
    std::optional<Wait> pending_;
    std::optional<Request> asked_;            // the request of a pending `acquire` or `await_room`
    std::optional<Failure> awaiting_policy_;  // the failure of a pending `ask_policy`
    std::vector<std::size_t> awaited_regions_;
    bool in_queue_ = false;          // there may be a queue to leave
    time_point no_backup_before_{};  // no backup is requested before this time; the delay grows with failed_backups_
    int failed_backups_ = 0;
    std::optional<time_point> quota_clock_;
    std::optional<time_point> patience_ends_;  // set once no region was usable
    Ending end_of_patience_ = Ending::regions_exhausted;
    int committed_ = 0, first_failure_ = 0, retries_ = 0;
    int broken_ = 0;  // the last attempt that broke after content, if another one may take over
    std::optional<Ending> unrecovered_;
    bool resent_fresh_ = false, retried_conflict_ = false, hedge_over_ = false;
    bool return_to_tried_ = true, returned_ = false;  // in an outage
    Ending ending_ = Ending::open;
};

}  // namespace holysheep::call
