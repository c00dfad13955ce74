// Counts tokens by price, and computes the sum that all costs are based on.
// Usage, CostLine, MonthlyUse → [TokenCounts] → Money
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <holysheep/model_catalogue.hpp>
#include <holysheep/usage.hpp>

namespace holysheep::accounting {

struct TokenCounts {
    std::int64_t plain = 0;  ///< prompt tokens without a cache
    std::int64_t cached = 0, cache_write = 0, output = 0;
    std::int64_t context = 0;  ///< prompt tokens of one call, which determine the tier
};

TokenCounts count_tokens(const Usage& usage);

/// Returns nullopt if the price mixes currencies or the amount is out of range. Counts are within 0 and 2^60.
std::optional<Money> price_tokens(const TokenCounts& counts, const ModelPrice& price);

/// The reason why no cost can be computed with this price; "" if it can.
std::string_view fault_of(const ModelPrice& price);

/// Adds to `sum`. Returns false and does not change it if the currency differs or the result is out of range.
bool add_to(Money& sum, const Money& more);

}  // namespace holysheep::accounting
