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

#include "call/attempts.hpp"
#include "call/backup.hpp"
#include "call/classification.hpp"
#include "call/evidence.hpp"
#include "call/move_planner.hpp"
#include "call/policy.hpp"
#include "call/room_view.hpp"
#include "call/silence_watch.hpp"
#include "call/time_limits.hpp"
#include "health/region_health_tracker.hpp"

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

class CallMachine {
  public:
    /// `policy`, `plan` (region indexes, best first) and the references must outlive the machine. `model` is the
    /// tracker's id.
    CallMachine(const CallPolicy& policy, std::span<const std::size_t> plan, values::ModelId model,
                const health::RegionHealthTracker& regions, const Budgets& budgets, const RoomView& rooms);
    CallMachine(const CallMachine&) = delete;
    CallMachine& operator=(const CallMachine&) = delete;

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
    nanoseconds stall_limit(int attempt) const { return call::stall_limit(attempts_[attempt], policy_); }
    /// When `on_wake` is due; may be in the past.
    std::optional<time_point> wake_at(time_point now) const;
    const CallPolicy& policy() const { return policy_; }
    std::optional<time_point> deadline() const { return planner_.deadline(); }
    bool finished() const { return ending_ != Ending::open; }
    Ending ending() const { return ending_; }
    /// With `interrupted`: why no other attempt could take over; unset if no recovery was wanted.
    std::optional<Ending> unrecovered() const { return unrecovered_; }
    /// The attempt that failed first, 0 if none did: the caller sees its error class.
    int first_failure() const { return first_failure_; }
    /// The rules that choose the next attempt, and what they know.
    const MovePlanner& planner() const { return planner_; }
    const Attempts& attempts() const { return attempts_; }
    std::span<const std::size_t> plan() const { return plan_; }
    /// With `await_room`: the regions that are usable but full.
    std::span<const std::size_t> awaited_regions() const { return awaited_regions_; }

  private:
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
    Attempt& at(int attempt) { return attempts_[attempt]; }
    std::optional<Expiry> expiry_of(const Attempt& a, time_point now) const;

    void dispatch(const Move& move, time_point now, Commands& out);
    void begin(const Move& move, time_point now, Commands& out);
    void await_room(const Move& move, std::vector<std::size_t> full, Commands& out);
    void acquire(const Request& request, Commands& out);
    void release(Commands& out);
    void pay_beside(const Request& request);
    bool recovers(const Outcome& outcome, Verdict verdict) const;
    void fail(int attempt, Verdict verdict, time_point now, Commands& out);
    void record_failure(int attempt, Verdict verdict, time_point now);
    bool release_commitment(int attempt, Verdict& verdict, time_point now, Commands& out);
    void continue_after(Failure& failure, time_point now, Commands& out);
    /// Another move takes the place of one that waited. `why_not`: the ending if there is none.
    Commands follow_or_end(const std::optional<Move>& move, Ending why_not, time_point now);
    void follow(const Move& move, time_point now, Commands& out);

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
    const std::span<const std::size_t> plan_;
    const health::RegionHealthTracker& regions_;
    Budgets budgets_;
    const RoomView& rooms_;
    Attempts attempts_;
    MovePlanner planner_;
    const SilenceWatch silence_;
    std::optional<Wait> pending_;
    std::optional<Request> requested_;        // the request of a pending `acquire` or `await_room`
    std::optional<Failure> awaiting_policy_;  // the failure of a pending `ask_policy`
    std::vector<std::size_t> awaited_regions_;
    bool in_queue_ = false;          // there may be a queue to leave
    time_point no_backup_before_{};  // no backup is requested before this time; the delay grows with failed_backups_
    int failed_backups_ = 0;
    int committed_ = 0, first_failure_ = 0;
    int broken_ = 0;  // the last attempt that broke after content, if another one may take over
    std::optional<Ending> unrecovered_;
    bool hedge_over_ = false;
    Ending ending_ = Ending::open;
};

}  // namespace holysheep::call
