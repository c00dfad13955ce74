// Converts decimal text to a scaled integer without a binary fraction.
// "2.5e-07" → [scaled_decimal] → Money
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace holysheep::values {

/// The number times 10^shift; half a unit rounds up. Returns nullopt if the text is not a plain decimal (digits, point,
/// exponent), negative, or out of range.
std::optional<std::int64_t> scaled_decimal(std::string_view text, int shift);

}  // namespace holysheep::values
