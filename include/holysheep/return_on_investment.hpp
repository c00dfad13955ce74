// What a month costs on one model, and what it would cost on another: from a plan, or from what calls really used.
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

/// A month's tokens. Without shares all of them are output, which is the most that they can cost.
struct MonthlyUse {
    std::int64_t tokens = 0;
    double input_share = 0;   ///< 0..1: the part that is prompt
    double cached_share = 0;  ///< 0..1: the part of the prompt that comes from a cache
};

/// At the price of short prompts: nobody sends a month's tokens in one call. Nothing where `cost_of` gives nothing, and
/// for shares outside 0..1.
HOLYSHEEP_EXPORT std::optional<Money> monthly_cost(const MonthlyUse& use, const ModelPrice& price);

/// What the calls of a ledger would have cost at this price, had they used as many tokens, as many of them from caches;
/// estimated ones included. Where a price has tiers, that of each line's mean prompt counts.
HOLYSHEEP_EXPORT std::optional<Money> cost_on(const CostLedger& ledger, const ModelPrice& price);

struct Saving {
    Money saved{};       ///< negative where it becomes dearer
    double percent = 0;  ///< of the cost before, to two decimals; 0 where that was nothing
};

/// Nothing for two currencies.
HOLYSHEEP_EXPORT std::optional<Saving> saving(const Money& from, const Money& to);

}  // namespace v0
}  // namespace holysheep
