// Money between its integer and what people write.
#include <holysheep/money.hpp>

#include <ostream>

#include "values/decimal.hpp"

namespace holysheep {
inline namespace v0 {

namespace {
constexpr int kDecimals = 9;  // of a nano-unit
}

std::string Money::amount() const {
    // As unsigned, so that the lowest number has an opposite, too.
    const auto magnitude = nano < 0 ? 0 - static_cast<std::uint64_t>(nano) : static_cast<std::uint64_t>(nano);
    constexpr std::uint64_t kUnit = 1'000'000'000;
    auto fraction = std::to_string(magnitude % kUnit);
    fraction.insert(0, kDecimals - fraction.size(), '0');
    while (fraction.size() > 2 && fraction.back() == '0') fraction.pop_back();
    return (nano < 0 ? "-" : "") + std::to_string(magnitude / kUnit) + "." + fraction;
}

std::optional<Money> parse_money(std::string_view amount, std::string_view currency) {
    const auto nano = values::scaled_decimal(amount, kDecimals);
    if (!nano) return std::nullopt;
    return Money{*nano, std::string(currency)};
}

std::ostream& operator<<(std::ostream& out, const Money& money) {
    return out << money.amount() << ' ' << money.currency;
}

}  // namespace v0
}  // namespace holysheep
