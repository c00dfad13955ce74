// Decides which attempt comes next: the region, the model, when, and what it costs the budgets; or why none does. Pure:
// it starts nothing.
// CallMachine, Attempts → [MovePlanner] → Move or Ending
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <holysheep/options.hpp>

#include "call/attempts.hpp"
#include "call/classification.hpp"
#include "call/evidence.hpp"
#include "call/model_fallback.hpp"
#include "call/policy.hpp"
#include "call/room_view.hpp"
#include "health/region_health_tracker.hpp"
#include "resilience/random.hpp"
#include "resilience/retry_budget.hpp"

namespace holysheep::call {

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

/// A step to another attempt.
struct Move {
    std::size_t region = 0;
    AttemptKind kind = AttemptKind::failover;
    time_point when{};
    time_point pause{};  ///< the end of the region's pause, as far as this wait takes it into account
    bool fresh_connection = false, free = false, maybe_duplicated = false, panic = false;
    bool returns = false;  ///< to a region that this call waited for: the next back-off is longer
    bool full = false;     ///< the region is usable but full
    bool paid = false;     ///< it took a retry token
    int beside = 0;        ///< the attempt in flight that it accompanies; 0: none
    Evidence because = Evidence::none;
    bool outage = false;  ///< waits because no region is usable
};

/// A failed attempt, and the decision about it.
struct Failure {
    int attempt = 0;
    Verdict verdict{};
    std::optional<Move> move{};
    Ending why_not = Ending::refused;
    bool final = false;  ///< it would fail in the same way everywhere
};

class MovePlanner {
  public:
    /// `plan`: region indexes, best first. `model` is the tracker's id. The references outlive this object.
    MovePlanner(const CallPolicy& policy, std::span<const std::size_t> plan, values::ModelId model,
                const health::RegionHealthTracker& regions, const Budgets& budgets, const RoomView& rooms,
                const Attempts& attempts);

    // ---- which regions can be asked ----
    /// The best region that can be asked now and was not asked for the current model.
    std::optional<std::size_t> next_untried(time_point now) const;
    /// Whether the region can be asked now and was not asked for the current model.
    bool usable(std::size_t region, time_point now) const;
    /// The regions that are usable but full.
    std::vector<std::size_t> full_regions(time_point now) const;
    bool attempts_used_up() const;
    std::size_t eligible_regions() const;
    /// Whether a failure now would lead to another region without a wait.
    bool can_move_at_once(time_point now) const;
    /// Whether every region that the call may use has failed it, and at least one for another reason than quota.
    bool regions_exhausted() const;

    // ---- the next move ----
    /// Records a failure: for the time of a fallback, and for the wait that the final error names.
    void record_failure(const Attempt& failed, Verdict verdict, time_point now);
    /// Whether the region refuses some requests because of load and serves others.
    bool is_full(const Attempt& failed, Verdict verdict, time_point now) const;
    /// Applies the default rules to a failed attempt.
    Failure after_failure(int attempt, Verdict verdict, time_point now);
    /// Applies the decision of the user's RetryPolicy to what the default rules decided.
    void apply_policy(Failure& failure, const RetryVerdict& requested, time_point now);
    /// Takes a token for the move of a failure, or replaces it by a free one. Returns false if neither is possible.
    bool pay(Failure& failure, time_point now);
    /// Switches to the next model that some region can serve. `failed` is null if no region was usable.
    std::optional<Move> move_to_fallback(const Attempt* failed, time_point now);
    /// Whether the target of a waiting move is still valid.
    bool still_valid(const Move& move, time_point now) const;
    /// The region of a waiting move cannot be used after all: plans another move.
    std::optional<Move> replace(const Move& blocked, time_point now, Ending& why_not);
    /// No region is usable: returns a canary now, or a wait; unset when the patience is over.
    std::optional<Move> move_in_outage(bool return_to_tried, time_point now, Ending& why_not);
    /// A wait in an outage is over. `back`: a region that has become usable meanwhile.
    std::optional<Move> after_outage_wait(const Move& waited, std::optional<std::size_t> back, time_point now,
                                          Ending& why_not);
    /// Every region lacks the model, as far as is known: a move that makes the gateway itself report the error.
    std::optional<Move> ask_without_model(time_point now) const;
    /// A canary begins.
    void pay_for_canary();
    /// A stream broke after content, and another attempt may take over.
    void on_stream_broken(time_point now);

    // ---- the state ----
    std::optional<time_point> deadline() const { return deadline_; }
    /// Whether no region was usable at some point.
    bool outage() const { return patience_ends_.has_value(); }
    /// When the earliest pause ends that a gateway asked for.
    std::optional<time_point> quota_clock() const { return quota_clock_; }
    double random() { return random_.uniform(); }
    /// The tracker's id of the current model.
    values::ModelId model() const { return model_; }
    /// 0: the requested model, then the fallbacks.
    std::size_t model_number() const { return fallback_.current(); }
    const std::string& model_name(std::size_t model) const;
    values::ModelId model_id(std::size_t model) const;
    /// The last switch to another model.
    struct ModelSwitch {
        std::size_t from = 0;
        std::optional<ErrorCode> because{};  ///< unset: no region was usable for it
    };
    const std::optional<ModelSwitch>& model_switch() const { return model_switch_; }

  private:
    static constexpr int kMaxInFlight = 4;
    bool eligible(std::size_t region) const { return !regions_.draining(region); }
    bool tried(std::size_t region) const { return attempts_.tried(region, fallback_.current()); }
    const Attempt* last_failure(std::size_t region) const {
        return attempts_.last_failure(region, fallback_.current());
    }
    /// Whether a move to this region takes no token.
    bool is_free(const Attempt& failed, std::size_t region, time_point now) const;
    bool return_is_free(const Attempt& failed, std::size_t region, time_point now) const;
    std::optional<std::size_t> next_free(const Attempt& failed, time_point now) const;
    bool lacks_only_room(time_point now) const;
    /// Whether breakers block the model in every region, or no region has it.
    bool model_blocked(values::ModelId model, time_point now) const;
    bool calls_for_fallback(const Attempt& failed, Verdict verdict, const std::optional<Move>& move, Ending why_not,
                            time_point now) const;
    bool pay_or_replace(Failure& failure, time_point now);
    std::optional<Move> move_after(const Attempt& failed, Verdict verdict, time_point now, Ending& why_not);
    std::optional<Move> move_to_untried(const Attempt& failed, time_point now) const;
    std::optional<Move> move_to_tried(const Attempt& failed, std::optional<std::size_t> only, time_point now,
                                      Ending& why_not);
    std::optional<Move> wait_out(Verdict verdict, time_point now, Ending& why_not);
    time_point return_after(const Attempt& failure, double random) const;
    nanoseconds spread_over_patience(double random) const;
    bool can_pay_for_canary() const;
    std::optional<Move> move_after_canary(bool return_to_tried, time_point now) const;
    /// Whether the region may be used and answered its last request.
    bool is_healthy_now(std::size_t region, time_point now) const;
    AttemptKind kind_of_visit(std::size_t region) const;

    const CallPolicy& policy_;
    const std::span<const std::size_t> plan_;
    const health::RegionHealthTracker& regions_;
    const Budgets budgets_;
    const RoomView& rooms_;
    const Attempts& attempts_;
    resilience::Random random_;
    ModelFallback fallback_;
    const values::ModelId first_model_;
    values::ModelId model_;
    std::optional<ModelSwitch> model_switch_;
    std::optional<time_point> deadline_;  // cleared when a stream is recovered
    std::optional<time_point> quota_clock_;
    std::optional<time_point> patience_ends_;  // set once no region was usable
    Ending end_of_patience_ = Ending::regions_exhausted;
    int retries_ = 0;  // returns to regions that this call waited for
    bool resent_fresh_ = false, retried_conflict_ = false;
    bool stream_broken_ = false;
    bool return_to_tried_ = true, returned_ = false;  // in an outage
};

}  // namespace holysheep::call
