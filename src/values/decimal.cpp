// Collects the digits; the point and the exponent determine how many of them count.
#include "values/decimal.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <string>

#include "values/ascii.hpp"

namespace holysheep::values {
namespace {

/// Moves leading digits of `text` to `digits` and returns their number.
std::size_t take_digits(std::string_view& text, std::string& digits) {
    const auto end = std::ranges::find_if_not(text, is_digit);
    const auto count = static_cast<std::size_t>(end - text.begin());
    digits.append(text.substr(0, count));
    text.remove_prefix(count);
    return count;
}

}  // namespace

std::optional<std::int64_t> scaled_decimal(std::string_view text, int shift) {
    constexpr int kLargestExponent = 400;
    std::string digits;
    const auto whole = take_digits(text, digits);
    std::size_t fraction = 0;
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        fraction = take_digits(text, digits);
    }
    if (whole + fraction == 0) return std::nullopt;
    int exponent = 0;
    if (text.starts_with('e') || text.starts_with('E')) {
        text.remove_prefix(text.starts_with("e+") || text.starts_with("E+") ? 2 : 1);
        const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), exponent);
        if (failed != std::errc{} || std::abs(exponent) > kLargestExponent) return std::nullopt;
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    }
    if (!text.empty()) return std::nullopt;

    // The digits before this position form the result; the digit at it determines the rounding.
    const auto point = static_cast<std::ptrdiff_t>(whole) + exponent + shift;
    const auto digit = [&](std::ptrdiff_t at) {
        return at >= 0 && at < std::ssize(digits) ? digits[static_cast<std::size_t>(at)] - '0' : 0;
    };
    constexpr auto kLargest = std::numeric_limits<std::int64_t>::max();
    std::int64_t value = 0;
    for (std::ptrdiff_t at = 0; at < point; ++at) {
        if (value > (kLargest - digit(at)) / 10) return std::nullopt;
        value = value * 10 + digit(at);
    }
    if (point >= 0 && digit(point) >= 5) {
        if (value == kLargest) return std::nullopt;
        ++value;
    }
    return value;
}

}  // namespace holysheep::values
