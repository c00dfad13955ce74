// An exact amount of money: integer nano-units of a currency.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

#include <holysheep/export.hpp>

namespace holysheep {
inline namespace v0 {

/// 1 USD is `{1'000'000'000, "USD"}`. An unknown amount is an empty `std::optional<Money>`, never 0.
struct Money {
    std::int64_t nano = 0;         ///< billionths of a unit
    std::string currency = "USD";  ///< ISO 4217 code

    /// The amount in whole units with at least two decimals: "80.00", "0.000042".
    HOLYSHEEP_EXPORT std::string amount() const;
    /// Equal amounts of the same currency.
    friend bool operator==(const Money&, const Money&) = default;
};

/// Writes "80.00 USD".
HOLYSHEEP_EXPORT std::ostream& operator<<(std::ostream& out, const Money& money);

}  // namespace v0
}  // namespace holysheep
