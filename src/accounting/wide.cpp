// Implements schoolbook arithmetic: multiplies 32-bit halves; divides bit by bit if the dividend exceeds 64 bits.
#include "accounting/wide.hpp"

#include <limits>

namespace holysheep::accounting {

namespace {

std::uint64_t magnitude(std::int64_t value) {
    const auto bits = static_cast<std::uint64_t>(value);
    return value < 0 ? ~bits + 1 : bits;
}

std::optional<std::uint64_t> quotient(std::uint64_t high, std::uint64_t low, std::uint64_t divisor) {
    if (high >= divisor) return std::nullopt;  // the quotient exceeds 64 bits, or the divisor is 0
    if (high == 0) return low / divisor;
    std::uint64_t result = 0, rest = high;
    for (int bit = 63; bit >= 0; --bit) {
        const bool carry = (rest >> 63U) != 0;
        rest = (rest << 1U) | ((low >> static_cast<unsigned>(bit)) & 1U);
        result <<= 1U;
        if (carry || rest >= divisor) {
            rest -= divisor;
            result |= 1U;
        }
    }
    return result;
}

}  // namespace

Wide Wide::product(std::int64_t a, std::int64_t b) {
    constexpr std::uint64_t kHalf = 0xFFFF'FFFFU;
    const auto x = magnitude(a), y = magnitude(b);
    const auto low = (x & kHalf) * (y & kHalf);
    const auto middle = (x >> 32U) * (y & kHalf) + (low >> 32U);
    const auto other = (x & kHalf) * (y >> 32U) + (middle & kHalf);
    const Wide result((x >> 32U) * (y >> 32U) + (middle >> 32U) + (other >> 32U), (other << 32U) | (low & kHalf));
    return (a < 0) == (b < 0) ? result : -result;
}

Wide& Wide::operator+=(const Wide& other) {
    low_ += other.low_;
    high_ += other.high_ + (low_ < other.low_ ? 1U : 0U);
    return *this;
}

Wide Wide::operator-() const { return {low_ == 0 ? ~high_ + 1 : ~high_, ~low_ + 1}; }

std::optional<std::int64_t> Wide::divided_by(std::int64_t divisor) const {
    const Wide dividend = is_negative() ? -*this : *this;
    const auto found = quotient(dividend.high_, dividend.low_, magnitude(divisor));
    const bool negative = is_negative() != (divisor < 0);
    const auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) + (negative ? 1U : 0U);
    if (!found || *found > most) return std::nullopt;
    return static_cast<std::int64_t>(negative ? ~*found + 1 : *found);
}

}  // namespace holysheep::accounting
