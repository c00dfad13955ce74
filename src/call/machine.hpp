// The order of things inside one call, as a pure state machine: events and the time go in, commands come out. It starts
// attempts, moves between regions, waits, commits to one answer and ends, without a socket, a clock or a thread.
// plan → [CallMachine] ⇄ CallDriver
//
//   attempt:  connecting ──on_connected──→ waiting ──on_first_byte──→ receiving ──on_content──→ committed
//                 └──────────────┴───────────────────────┴──────────────────────────┴──→ ended
//   call:     running ⇄ backing off ──→ finished
//
// Several attempts may be in flight: the first to give content (or a whole answer) wins, the others are cancelled.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <holysheep/options.hpp>

#include "call/classification.hpp"
#include "health/region_table.hpp"
#include "resilience/random.hpp"
#include "resilience/retry_budget.hpp"

namespace holysheep::call {

using time_point = Clock::time_point;

/// The settings of one call, resolved: every default rule is applied, 0 means "no limit".
struct CallPolicy {
    RetryOptions retry{};
    nanoseconds connect{}, first_byte{}, first_byte_last{}, first_content{}, stall{}, attempt{};
    nanoseconds connect_race{
        std::chrono::milliseconds{250}};  ///< connection is late: open one to the next region beside it
    std::optional<time_point> deadline{};
    bool deadline_covers_stream = true;  ///< else it ends with the first content
    bool stream = false, cost_safe = false, own_keys = false;
    std::uint64_t seed = 0;
};

/// Resolves the clocks of `timeouts`; `deadline` is the call's own, from its start.
CallPolicy make_policy(const RetryOptions& retry, const TimeoutOptions& timeouts, std::optional<milliseconds> deadline,
                       bool stream, time_point now);

/// "For ever": longer spans, added to the clock, would overflow.
inline constexpr milliseconds kLongest = std::chrono::hours{262'800};

struct Command {
    enum class Kind { start, cancel, commit, finish } kind = Kind::finish;
    int attempt = 0;  ///< 1, 2, … ; for `finish` the attempt whose answer or error the caller gets, 0 without one
    std::size_t region = 0;
    AttemptKind attempt_kind = AttemptKind::first;
    bool fresh_connection = false, maybe_duplicated = false;
    std::optional<Limit>
        limit{};  ///< for `cancel`: the clock that ran out (report it with on_end); unset: the attempt lost
};

/// At most: cancel every attempt in flight, start one, commit, finish.
class Commands {
  public:
    void push(const Command& command) { items_[size_++] = command; }
    const Command* begin() const { return items_.data(); }
    const Command* end() const { return items_.data() + size_; }
    std::size_t size() const { return size_; }
    const Command& operator[](std::size_t i) const { return items_[i]; }

  private:
    std::array<Command, 8> items_{};
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
    no_region  ///< none is eligible
};

class CallMachine {
  public:
    /// `plan` (region indexes, best first) and the references must outlive the machine. `model` keys quota clocks.
    CallMachine(const CallPolicy& policy, std::span<const std::size_t> plan, std::string_view model,
                const health::RegionTable& regions, resilience::RetryBudget& budget,
                const RetryPolicy* retry_policy = nullptr);

    Commands start(time_point now);
    /// The attempt's connection is ready. False turns it away: another attempt was ready first, or the call is over.
    bool on_connected(int attempt, time_point now, Commands& commands);
    Commands on_first_byte(int attempt, time_point now);
    /// The first piece of an answer that the caller will see.
    Commands on_content(int attempt, time_point now);
    /// Any later sign that the answer goes on.
    void on_progress(int attempt, time_point now);
    /// `outcome.limit` is what a `cancel` command named; `record` is shown to the user's retry policy.
    Commands on_end(int attempt, const Outcome& outcome, const AttemptRecord& record, time_point now);
    Commands on_wake(time_point now);
    Commands on_cancel(time_point now);

    /// When `on_wake` is due; may be in the past.
    std::optional<time_point> wake_at() const;
    const CallPolicy& policy() const { return policy_; }
    std::size_t eligible_regions() const;
    bool finished() const { return ending_ != Ending::open; }
    Ending ending() const { return ending_; }
    /// The attempt that failed first, 0 if none did: its class is what the caller sees.
    int first_failure() const { return first_failure_; }
    /// Whether a failure now would be followed by another region without a wait.
    bool can_move_at_once(time_point now) const;
    /// Whether every region that the call may use has failed it, and none for lack of quota alone.
    bool regions_exhausted() const;
    /// Whether nothing but throttling stood in the way.
    bool only_throttled() const;
    std::optional<time_point> quota_clock() const { return quota_clock_; }

  private:
    enum class Phase { connecting, waiting, receiving, committed, ended };
    struct Attempt {
        std::size_t region = 0;
        AttemptKind kind = AttemptKind::first;
        Phase phase = Phase::connecting;
        time_point started{}, progress{}, ended{};
        Outcome outcome{};  // once ended
        bool lost = false;  // cancelled by the machine without a failure of its own
    };
    struct Move {
        std::size_t region = 0;
        AttemptKind kind = AttemptKind::failover;
        time_point when{};
        bool fresh_connection = false, free = false, maybe_duplicated = false;
    };

    Attempt& at(int attempt) { return attempts_[static_cast<std::size_t>(attempt - 1)]; }
    bool in_flight(const Attempt& a) const { return a.phase != Phase::ended; }
    int count_in_flight() const;
    bool tried(std::size_t region) const;
    bool eligible(std::size_t region) const { return !regions_.draining(region); }
    int attempt_limit() const;
    /// Whether a move there takes no token.
    bool is_free(const Attempt& failed, std::size_t region, time_point now) const;
    bool usable(std::size_t region, time_point now) const;
    std::optional<std::size_t> next_untried(time_point now) const;
    std::optional<std::size_t> next_free(const Attempt& failed, time_point now) const;
    std::optional<time_point> limit_of(const Attempt& a, Limit& which, time_point now) const;

    void dispatch(const Move& move, time_point now, Commands& out);
    void fail(int attempt, Verdict verdict, const AttemptRecord& record, time_point now, Commands& out);
    std::optional<Move> move_after(const Attempt& failed, Verdict verdict, time_point now, Ending& why_not);
    std::optional<Move> move_to_untried(const Attempt& failed, time_point now) const;
    std::optional<Move> move_to_tried(const Attempt& failed, std::optional<std::size_t> only, time_point now,
                                      Ending& why_not);
    /// The region that a wait was for is draining now: goes elsewhere.
    Commands leave_drained(const Move& drained, time_point now);
    void follow(const Move& move, time_point now, Commands& out);
    void race_late_connection(time_point now, Commands& out);
    void finish(Ending ending, int attempt, Commands& out);
    void cancel_others(int winner, Commands& out);

    CallPolicy policy_;
    std::span<const std::size_t> plan_;
    std::string_view model_;
    const health::RegionTable& regions_;
    resilience::RetryBudget& budget_;
    const RetryPolicy* retry_policy_;
    resilience::Random random_;
    std::vector<Attempt> attempts_;
    std::optional<Move> pending_;  // waiting for its time
    std::optional<time_point> quota_clock_;
    int committed_ = 0, first_failure_ = 0, retries_ = 0;
    bool resent_fresh_ = false, retried_conflict_ = false;
    Ending ending_ = Ending::open;
};

}  // namespace holysheep::call
