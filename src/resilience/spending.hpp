// Ceilings on money per span of time: for the whole client, and for callers' labels. Reserved with an estimate before a
// call, settled with what it cost.
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

/// On the I/O thread. Amounts are nano-units of one currency.
class Spending {
  public:
    using time_point = Clock::time_point;
    explicit Spending(const BudgetOptions& options);

    bool limited(std::string_view label) const { return total_ || labels_.contains(label); }
    const std::string& currency() const { return currency_; }

    struct Refusal {
        bool of_label = false;
        std::int64_t ceiling = 0, spent = 0;  ///< spent: with what is reserved
        std::optional<time_point> until{};  ///< when the call would fit; unset: never, or it depends on calls under way
    };
    /// Unset: it is reserved.
    std::optional<Refusal> reserve(std::string_view label, std::int64_t amount, time_point now);
    /// What it cost in the end; the reservation goes.
    void settle(std::string_view label, std::int64_t reserved, std::int64_t actual, time_point now);

  private:
    SlidingSum* of_label(std::string_view label);

    std::optional<SlidingSum> total_;
    std::map<std::string, SlidingSum, std::less<>> labels_;
    std::string currency_;
};

}  // namespace holysheep::resilience
