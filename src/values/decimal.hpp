// Decimal text as a scaled integer, without a binary fraction in between.
// "2.5e-07" → [scaled_decimal] → Money
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace holysheep::values {

/// The number times ten to the power of `shift`, half of one counting up. Nothing when the text is no plain decimal
/// (digits, a point, an exponent), below zero, or out of range.
std::optional<std::int64_t> scaled_decimal(std::string_view text, int shift);

}  // namespace holysheep::values
