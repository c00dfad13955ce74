// Decides when a call gives up the requested model, and which fallbacks may follow. A fallback is a downgrade: attempts
// of the requested model come first, as long as they promise an answer soon. Pure; the machine finds the region.
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
    /// `policy` outlives this object.
    explicit ModelFallback(const CallPolicy& policy) : policy_(policy) {}

    /// An attempt of the current model failed.
    void on_failure(ErrorCode error, time_point now);

    /// The next attempt of the current model, if it is kept.
    struct OwnAttempt {
        time_point when{};
        bool returns = false;  ///< to a region that failed it, or that it must wait for
    };
    struct Situation {
        ErrorCode error = ErrorCode::server_failed;  ///< error of the last attempt
        Action action = Action::next;                ///< action that the error calls for
        bool broken_stream = false;                  ///< content was delivered before, and is to be recovered
        bool model_blocked = false;                  ///< breakers block the model everywhere
        std::optional<OwnAttempt> own{};
    };
    /// Whether to switch to another model now.
    bool due(const Situation& situation) const;
    /// Whether this model (1: the first fallback) may help. With `broken_stream` it may have to continue an answer.
    bool suits(std::size_t model, bool broken_stream) const;

    std::size_t current() const { return model_; }
    void switch_to(std::size_t model);

  private:
    std::int64_t window_of(std::size_t model) const;

    const CallPolicy& policy_;
    std::size_t model_ = 0;                     // 0: the requested one
    std::optional<time_point> failed_since_{};  // of the current model
    std::int64_t window_too_small_ = 0;         // in tokens; the largest window that was too small
};

}  // namespace holysheep::call
