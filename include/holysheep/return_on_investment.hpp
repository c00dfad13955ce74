// Compares the monthly cost of models: from planned numbers of tokens, or from the calls of a ledger.
// MonthlyUse or CostLedger, ModelPrice → [monthly_cost, cost_on] → Saving
#pragma once

#include <cstdint>
#include <optional>

#include <holysheep/cost_ledger.hpp>
#include <holysheep/export.hpp>
#include <holysheep/model_catalogue.hpp>
#include <holysheep/money.hpp>

namespace holysheep {
inline namespace v0 {

/// The tokens of a month. By default all of them are output, which gives an upper bound of the cost.
struct MonthlyUse {
    std::int64_t tokens = 0;  ///< of prompts and answers together
    double input_share = 0;   ///< 0..1: share of prompt tokens
    double cached_share = 0;  ///< 0..1: share of the prompt tokens that are read from a cache
};

/// The cost of a month, without the tiers of the price, because the tokens are spread over many calls. Returns nullopt
/// if `cost_of` does, and for shares outside 0..1.
HOLYSHEEP_EXPORT std::optional<Money> monthly_cost(const MonthlyUse& use, const ModelPrice& price);

/// The cost that the calls of a ledger would have at this price, with the same numbers of tokens and cached tokens,
/// including estimated ones. If the price has tiers, the mean prompt of each line determines the tier.
HOLYSHEEP_EXPORT std::optional<Money> cost_on(const CostLedger& ledger, const ModelPrice& price);

/// The difference between two costs.
struct Saving {
    Money saved{};       ///< negative if the second cost is higher
    double percent = 0;  ///< of the first cost, to two decimals; 0 if that is 0
};

/// Compares two costs. Returns nullopt if the currencies differ.
HOLYSHEEP_EXPORT std::optional<Saving> saving(const Money& from, const Money& to);

}  // namespace v0
}  // namespace holysheep
