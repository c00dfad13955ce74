// An amount of money without binary fractions: integer nano-units of a currency.
#pragma once

#include <cstdint>
#include <string>

namespace holysheep {
inline namespace v0 {

/// 1 USD is `{1'000'000'000, "USD"}`. An unknown amount is an empty `std::optional<Money>`, never 0.
struct Money {
    std::int64_t nano = 0;
    std::string currency = "USD";
};

}  // namespace v0
}  // namespace holysheep
