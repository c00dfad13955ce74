// Parses amounts of money: prices and cost ceilings of a program.
#pragma once

#include <string_view>

#include <holysheep/export.hpp>
#include <holysheep/money.hpp>
#include <holysheep/result.hpp>

namespace holysheep {
inline namespace v0 {

/// Parses a decimal such as "2", "0.075" or "2.5e-07"; half a nano-unit rounds up. Returns `invalid_options` for any
/// other text, for negative amounts and for more than nine billion units. The result is not a `std::optional`, so that
/// an unreadable text cannot become an unset `BudgetOptions::ceiling`.
HOLYSHEEP_EXPORT Result<Money> parse_money(std::string_view amount, std::string_view currency = "USD");

/// Parses an amount in US dollars: `usd("0.075")`. Throws `Exception` with `invalid_options` if `parse_money` returns
/// an error.
HOLYSHEEP_EXPORT Money usd(std::string_view amount);

}  // namespace v0
}  // namespace holysheep
