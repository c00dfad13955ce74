// Tokens by what each kind costs, and the sum that all costs are made by.
// Usage, CostLine, MonthlyUse → [TokenCounts] → Money
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <holysheep/model_catalogue.hpp>
#include <holysheep/usage.hpp>

namespace holysheep::accounting {

struct TokenCounts {
    std::int64_t plain = 0;  ///< of the prompt, neither from a cache nor into one
    std::int64_t cached = 0, cache_write = 0, output = 0;
    std::int64_t context = 0;  ///< of one call's prompt: decides on the tier
};

TokenCounts count_tokens(const Usage& usage);

/// Nothing where the price mixes currencies, or the amount is out of range. Counts are not negative and below 2^60.
std::optional<Money> price_tokens(const TokenCounts& counts, const ModelPrice& price);

/// Why no cost can come of this price; "" where it can.
std::string_view fault_of(const ModelPrice& price);

/// To `sum`, unless it is of another currency or out of range: then false, and `sum` is as it was.
bool add_to(Money& sum, const Money& more);

}  // namespace holysheep::accounting
