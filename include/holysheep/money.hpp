// An amount of money without binary fractions: integer nano-units of a currency.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

#include <holysheep/export.hpp>

namespace holysheep {
inline namespace v0 {

/// 1 USD is `{1'000'000'000, "USD"}`. An unknown amount is an empty `std::optional<Money>`, never 0.
struct Money {
    std::int64_t nano = 0;
    std::string currency = "USD";

    /// In whole units, with as many decimals as it takes, two at least: "80.00", "0.000042".
    HOLYSHEEP_EXPORT std::string amount() const;
    friend bool operator==(const Money&, const Money&) = default;
};

/// "80.00 USD".
HOLYSHEEP_EXPORT std::ostream& operator<<(std::ostream& out, const Money& money);

}  // namespace v0
}  // namespace holysheep
