// Maps the providers' differing names for token counts onto one Usage.
// usage object → [UsageFields] → Usage
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <holysheep/usage.hpp>

#include <nlohmann/json_fwd.hpp>

namespace holysheep::wire {

class JsonCursor;

/// The members as received; unset if absent, null or not a number.
struct UsageFields {
    using Count = std::optional<std::int64_t>;
    Count prompt_tokens{}, completion_tokens{}, total_tokens{}, reasoning_tokens{};
    Count prompt_cache_hit_tokens{}, cached_tokens{}, num_cached_tokens{};  ///< DeepSeek; Moonshot, Together; Mistral
    Count cache_read_input_tokens{}, cache_creation_input_tokens{};         ///< Anthropic-style relays
    std::optional<double> cost{};
    std::optional<double> cost_in_usd_ticks{};  ///< xAI: 10^10 ticks are a dollar (docs.x.ai, "Cost Tracking")
    struct PromptDetails {
        Count cached_tokens{}, cache_write_tokens{}, audio_tokens{}, text_tokens{}, image_tokens{};
    } prompt_details{};
    struct CompletionDetails {
        Count reasoning_tokens{}, audio_tokens{}, text_tokens{};
        Count accepted_prediction_tokens{}, rejected_prediction_tokens{};
    } completion_details{};
};

/// Reads the fields from a DOM tree, tolerantly.
UsageFields read_usage(const nlohmann::json& usage);
/// Reads the fields in place; returns false for anything that does not have the usual shape.
bool scan_usage(JsonCursor& cursor, UsageFields& out, std::string_view& raw);

/// Returns false, without changing `usage`, if all fields are unset: `{}` is not a usage.
bool normalise_usage(const UsageFields& fields, std::string_view raw, Usage& usage);

/// Unset if the number is not a valid price: negative, not a number, or out of range.
std::optional<Money> money_of(std::optional<double> dollars);

}  // namespace holysheep::wire
