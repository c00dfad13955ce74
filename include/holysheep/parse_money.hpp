// Amounts of money from text: prices and ceilings of a program's own.
#pragma once

#include <string_view>

#include <holysheep/export.hpp>
#include <holysheep/money.hpp>
#include <holysheep/result.hpp>

namespace holysheep {
inline namespace v0 {

/// From a decimal such as "2", "0.075" or "2.5e-07"; half a nano-unit counts up. `invalid_options` for any other text,
/// for less than zero and for more than nine billion units. It is no `std::optional`, so that a text that cannot be
/// read never becomes an unset `BudgetOptions::ceiling`.
HOLYSHEEP_EXPORT Result<Money> parse_money(std::string_view amount, std::string_view currency = "USD");

/// Dollars: `usd("0.075")`. Throws `Exception` with `invalid_options` where `parse_money` returns an error.
HOLYSHEEP_EXPORT Money usd(std::string_view amount);

}  // namespace v0
}  // namespace holysheep
