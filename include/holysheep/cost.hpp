// What tokens cost: exact, in integers.
// Usage, ModelPrice → [cost_of] → Money
#pragma once

#include <cstdint>
#include <optional>

#include <holysheep/export.hpp>
#include <holysheep/model_catalogue.hpp>
#include <holysheep/money.hpp>
#include <holysheep/usage.hpp>

namespace holysheep {
inline namespace v0 {

/// What an answer with this usage costs at this price, half a nano-unit counting up, once for the whole. The gateway's
/// own word (`usage.reported_cost`) wins over the price. Nothing when `usage` is not present, when the price mixes
/// currencies, and when the amount is beyond nine billion.
///
/// Cached and cache-writing tokens are part of `prompt_tokens`; where they are more than those, they were counted
/// apart, and come on top. Output is `Usage::billed_output_tokens()`.
HOLYSHEEP_EXPORT std::optional<Money> cost_of(const Usage& usage, const ModelPrice& price);

/// The same for a call that has not been made, or whose usage nobody told.
HOLYSHEEP_EXPORT std::optional<Money> cost_of(std::int64_t prompt_tokens, std::int64_t output_tokens,
                                              const ModelPrice& price);

}  // namespace v0
}  // namespace holysheep
