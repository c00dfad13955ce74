// Tokens and cost that the gateway reports for an answer, and the quotas in its rate-limit headers.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include <holysheep/export.hpp>
#include <holysheep/money.hpp>

namespace holysheep {
inline namespace v0 {

/// Tokens of one answer, under common names for the members that providers use.
struct Usage {
    bool present = false;                         ///< false: the gateway sent no usage, and 0 means "unknown"
    std::int64_t prompt_tokens = 0;               ///< tokens of the request
    std::int64_t completion_tokens = 0;           ///< tokens of the answer
    std::int64_t total_tokens = 0;                ///< their sum, as sent
    std::int64_t cached_input_tokens = 0;         ///< prompt tokens read from a cache
    std::int64_t cache_write_tokens = 0;          ///< prompt tokens written to a cache
    std::int64_t reasoning_tokens = 0;            ///< completion tokens spent on reasoning
    std::int64_t audio_tokens = 0;                ///< audio tokens of prompt and completion together
    std::optional<Money> reported_cost{};         ///< cost that the gateway reports, in `usage` or in a header
    std::string raw_json{};                       ///< the usage object as sent
    std::int64_t prompt_text_tokens = 0;          ///< text tokens of the prompt, if reported
    std::int64_t prompt_image_tokens = 0;         ///< image tokens of the prompt, if reported
    std::int64_t prompt_audio_tokens = 0;         ///< audio tokens of the prompt, if reported
    std::int64_t completion_text_tokens = 0;      ///< text tokens of the completion, if reported
    std::int64_t completion_audio_tokens = 0;     ///< audio tokens of the completion, if reported
    std::int64_t accepted_prediction_tokens = 0;  ///< tokens of `ChatRequest::prediction` that appear in the answer
    std::int64_t rejected_prediction_tokens = 0;  ///< tokens of `ChatRequest::prediction` that do not

    /// Tokens billed as output: `completion_tokens`, or `total_tokens` − `prompt_tokens` if that is more. Gemini does
    /// not include the tokens of its thinking in `completion_tokens`, but in the total and in the bill.
    HOLYSHEEP_EXPORT std::int64_t billed_output_tokens() const;
};

/// The `x-ratelimit-*` headers of an answer. Members are unset if the gateway sent no value or an invalid one.
struct RateLimits {
    std::optional<std::int64_t> limit_requests{};               ///< requests per window
    std::optional<std::int64_t> remaining_requests{};           ///< requests left
    std::optional<std::int64_t> limit_tokens{};                 ///< tokens per window
    std::optional<std::int64_t> remaining_tokens{};             ///< tokens left
    std::optional<std::chrono::milliseconds> reset_requests{};  ///< time until the requests are reset
    std::optional<std::chrono::milliseconds> reset_tokens{};    ///< time until the tokens are reset
};

}  // namespace v0
}  // namespace holysheep
