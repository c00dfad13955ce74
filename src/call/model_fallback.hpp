// When a call gives up the model that it asks, and which of the others may follow. A fallback is a downgrade: the asked
// model's own attempts come first, as long as they promise an answer soon. Pure; the machine finds the region.
// CallMachine → [ModelFallback] → CallMachine
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "call/classification.hpp"
#include "call/policy.hpp"

namespace holysheep::call {

class ModelFallback {
  public:
    /// `policy` outlives this.
    explicit ModelFallback(const CallPolicy& policy) : policy_(policy) {}

    /// An attempt of the model that is being asked has failed.
    void on_failure(ErrorCode error, time_point now);

    /// What the asked model would do next.
    struct OwnAttempt {
        time_point when{};
        bool returns = false;  ///< to a region that failed it, or that it must wait for
    };
    struct Situation {
        ErrorCode error = ErrorCode::server_failed;  ///< of the last attempt
        Action action = Action::next;                ///< what it calls for
        bool broken_stream = false;                  ///< content was given before, and is to be recovered
        bool model_blocked = false;                  ///< breakers keep calls from the model everywhere
        std::optional<OwnAttempt> own{};
    };
    /// Whether to go to another model now.
    bool due(const Situation& situation) const;
    /// Whether that one (1: the first fallback) may help. With `broken_stream` it may have to continue an answer.
    bool suits(std::size_t model, bool broken_stream) const;

    std::size_t current() const { return model_; }
    void switch_to(std::size_t model);

  private:
    std::int64_t window_of(std::size_t model) const;

    const CallPolicy& policy_;
    std::size_t model_ = 0;                     // 0: the one that was asked for
    std::optional<time_point> failed_since_{};  // the current one
    std::int64_t window_too_small_ = 0;         // tokens; the largest that is known to have been too small
};

}  // namespace holysheep::call
