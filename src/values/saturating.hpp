// Saturating addition, for counts that a gateway may invent.
#pragma once

#include <cstdint>
#include <limits>

namespace holysheep::values {

constexpr std::int64_t saturating_sum(std::int64_t a, std::int64_t b) {
    using Limits = std::numeric_limits<std::int64_t>;
    if (b > 0 && a > Limits::max() - b) return Limits::max();
    if (b < 0 && a < Limits::min() - b) return Limits::min();
    return a + b;
}

constexpr void add_saturating(std::int64_t& sum, std::int64_t more) { sum = saturating_sum(sum, more); }

}  // namespace holysheep::values
