// A 128-bit integer for sums of counts times amounts, because compilers for 32-bit targets have no such type.
// TokenCounts, ModelPrice → [Wide] → Money
#pragma once

#include <cstdint>
#include <optional>

namespace holysheep::accounting {

/// A 128-bit integer in two's complement. No product overflows, nor does the sum of two products.
class Wide {
  public:
    explicit Wide(std::int64_t value)
        : high_(value < 0 ? ~std::uint64_t{0} : 0), low_(static_cast<std::uint64_t>(value)) {}
    static Wide product(std::int64_t a, std::int64_t b);

    bool is_negative() const { return (high_ >> 63U) != 0; }
    Wide& operator+=(const Wide& other);
    Wide operator-() const;
    /// Rounded towards zero; unset if the result does not fit, or the divisor is 0.
    std::optional<std::int64_t> divided_by(std::int64_t divisor) const;

  private:
    Wide(std::uint64_t high, std::uint64_t low) : high_(high), low_(low) {}
    std::uint64_t high_, low_;
};

}  // namespace holysheep::accounting
