// Limits the cost of calls per time span, for the whole client and per label. A call reserves an estimate before it
// starts and replaces it by the actual cost when it ends.
// call::Admission → [Spending]
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <holysheep/options.hpp>

#include "resilience/sliding_sum.hpp"

namespace holysheep::resilience {

/// I/O thread only. Amounts are nano-units of one currency.
class Spending {
  public:
    using time_point = Clock::time_point;
    explicit Spending(const BudgetOptions& options);

    bool limited(std::string_view label) const { return total_ || labels_.contains(label); }
    const std::string& currency() const { return currency_; }

    struct Refusal {
        bool of_label = false;
        std::int64_t ceiling = 0, spent = 0;  ///< spent: including reservations
        std::optional<time_point> until{};  ///< when the call would fit; unset: never, or it depends on calls in flight
    };
    /// Reserves the amount under both ceilings, or returns why it does not fit.
    std::optional<Refusal> reserve(std::string_view label, std::int64_t amount, time_point now);
    /// Replaces the reservation by the actual cost.
    void settle(std::string_view label, std::int64_t reserved, std::int64_t actual, time_point now);

  private:
    SlidingSum* of_label(std::string_view label);

    std::optional<SlidingSum> total_;
    std::map<std::string, SlidingSum, std::less<>> labels_;
    std::string currency_;
};

}  // namespace holysheep::resilience
