// What an answer consumed, and what the gateway says is left: tokens, reported cost, rate-limit headers.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include <holysheep/export.hpp>
#include <holysheep/money.hpp>

namespace holysheep {
inline namespace v0 {

/// Tokens of one answer, normalised over the members that providers use. `present` is false when the gateway sent none:
/// then the zeros mean "unknown".
struct Usage {
    bool present = false;
    std::int64_t prompt_tokens = 0, completion_tokens = 0, total_tokens = 0;
    std::int64_t cached_input_tokens = 0, cache_write_tokens = 0, reasoning_tokens = 0, audio_tokens = 0;
    std::optional<Money> reported_cost{};  ///< where the gateway names a price itself, in `usage` or in a header
    std::string raw_json{};                ///< the usage object as it was sent
    /// Parts of prompt and completion, where the gateway tells them. `audio_tokens` is both audio counts together.
    std::int64_t prompt_text_tokens = 0, prompt_image_tokens = 0, prompt_audio_tokens = 0;
    std::int64_t completion_text_tokens = 0, completion_audio_tokens = 0;
    std::int64_t accepted_prediction_tokens = 0, rejected_prediction_tokens = 0;

    /// What is billed as output: `completion_tokens`, or all of the total that is not prompt where that is more. Gemini
    /// leaves the tokens of its thinking out of `completion_tokens`, but not out of the total and of the bill.
    HOLYSHEEP_EXPORT std::int64_t billed_output_tokens() const;
};

/// The `x-ratelimit-*` headers of an answer; unset where the gateway sent none or sent nonsense.
struct RateLimits {
    std::optional<std::int64_t> limit_requests{}, remaining_requests{}, limit_tokens{}, remaining_tokens{};
    std::optional<std::chrono::milliseconds> reset_requests{}, reset_tokens{};
};

}  // namespace v0
}  // namespace holysheep
