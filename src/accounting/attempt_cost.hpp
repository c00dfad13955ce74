// Computes the cost of an attempt, whatever its result, and the sum over all attempts of a call.
// Attempt → [cost_of_attempt] → AttemptRecord, Ledger
#pragma once

#include <cstdint>
#include <optional>

#include <holysheep/model_catalogue.hpp>
#include <holysheep/usage.hpp>

namespace holysheep::accounting {

struct AttemptUse {
    const Usage* counted = nullptr;                         ///< reported usage; null: none
    bool answered = false;                                  ///< the answer is complete
    bool maybe_billed = false;                              ///< the gateway may have processed the request
    std::int64_t prompt_tokens = 0, completion_tokens = 0;  ///< estimates
};

struct AttemptCost {
    std::optional<Money> cost{};  ///< zero if nothing was billed; unset: unknown
    bool is_estimate = false;
};

/// Reported usage is exact if the answer is complete, and an estimate if the gateway may have continued after we
/// stopped reading. `price` is null if it is unknown.
AttemptCost cost_of_attempt(const AttemptUse& use, const ModelPrice* price);

/// A sum of costs: zero at first, and unknown as soon as one part is unknown.
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
