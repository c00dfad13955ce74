// Converts between integer amounts and decimal text.
#include <holysheep/money.hpp>
#include <holysheep/parse_money.hpp>

#include <ostream>

#include "values/decimal.hpp"

namespace holysheep {
inline namespace v0 {

namespace {
constexpr int kDecimals = 9;  // decimals of a nano-unit
constexpr std::size_t kShownText = 100;
}  // namespace

std::string Money::amount() const {
    // Unsigned, because the lowest number has no positive counterpart.
    const auto magnitude = nano < 0 ? 0 - static_cast<std::uint64_t>(nano) : static_cast<std::uint64_t>(nano);
    constexpr std::uint64_t kUnit = 1'000'000'000;
    auto fraction = std::to_string(magnitude % kUnit);
    fraction.insert(0, kDecimals - fraction.size(), '0');
    while (fraction.size() > 2 && fraction.back() == '0') fraction.pop_back();
    return (nano < 0 ? "-" : "") + std::to_string(magnitude / kUnit) + "." + fraction;
}

Result<Money> parse_money(std::string_view amount, std::string_view currency) {
    const auto nano = values::scaled_decimal(amount, kDecimals);
    if (!nano) {
        return Error{.code = ErrorCode::invalid_options,
                     .message = "\"" + std::string(amount.substr(0, kShownText)) +
                                "\" is no amount of money: write a decimal such as \"20\" or \"0.075\""};
    }
    return Money{*nano, std::string(currency)};
}

Money usd(std::string_view amount) { return parse_money(amount).value(); }

std::ostream& operator<<(std::ostream& out, const Money& money) {
    return out << money.amount() << ' ' << money.currency;
}

}  // namespace v0
}  // namespace holysheep
