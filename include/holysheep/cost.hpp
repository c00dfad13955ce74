// Computes the cost of tokens, exactly, in integers.
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

/// The cost of an answer with this usage at this price. The sum is rounded once; half a nano-unit rounds up. A cost
/// that the gateway reported (`usage.reported_cost`) takes precedence over the price. Returns nullopt if `usage` is not
/// present, if the price mixes currencies, or if the amount exceeds nine billion units.
///
/// Cached and cache-write tokens are part of `prompt_tokens`; if they exceed it, the provider counts them separately,
/// and they are added. Output is `Usage::billed_output_tokens()`.
HOLYSHEEP_EXPORT std::optional<Money> cost_of(const Usage& usage, const ModelPrice& price);

/// The same for given numbers of tokens: for a planned call, or one without a reported usage.
HOLYSHEEP_EXPORT std::optional<Money> cost_of(std::int64_t prompt_tokens, std::int64_t output_tokens,
                                              const ModelPrice& price);

}  // namespace v0
}  // namespace holysheep
