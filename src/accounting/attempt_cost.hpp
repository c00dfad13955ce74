// What one attempt cost, however it ended, and what a call's attempts cost together.
// Attempt → [cost_of_attempt] → AttemptRecord, Ledger
#pragma once

#include <cstdint>
#include <optional>

#include <holysheep/model_catalogue.hpp>
#include <holysheep/usage.hpp>

namespace holysheep::accounting {

struct AttemptUse {
    const Usage* counted = nullptr;                         ///< what the gateway said; null: nothing
    bool answered = false;                                  ///< the answer is whole
    bool maybe_billed = false;                              ///< the gateway may have worked on it
    std::int64_t prompt_tokens = 0, completion_tokens = 0;  ///< estimates
};

struct AttemptCost {
    std::optional<Money> cost{};  ///< zero where nothing was billed; unset: unknown
    bool is_estimate = false;
};

/// What the gateway counted is exact where the answer is whole, and an estimate where it may have gone on behind our
/// back. `price` is null where it is not known.
AttemptCost cost_of_attempt(const AttemptUse& use, const ModelPrice* price);

/// Known only while every part is; nothing at first.
class CostSum {
  public:
    void add(const std::optional<Money>& cost, bool is_estimate);
    const std::optional<Money>& cost() const { return sum_; }
    bool is_estimate() const { return sum_ && estimate_; }

  private:
    std::optional<Money> sum_{Money{}};
    bool estimate_ = false;
};

}  // namespace holysheep::accounting
