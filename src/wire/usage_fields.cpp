// Interprets token counts. Both readers fill the same fields, so that one function decides what they mean.
#include "wire/usage_fields.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <nlohmann/json.hpp>

#include "wire/json_cursor.hpp"
#include "wire/json_dom.hpp"

namespace holysheep::wire {
namespace {

using Count = UsageFields::Count;

std::int64_t first_of(std::initializer_list<Count> counts) {
    for (const Count& count : counts) {
        if (count) return std::max<std::int64_t>(*count, 0);
    }
    return 0;
}

/// Each count is limited to half of the range, so that the sum of two cannot overflow.
std::int64_t sum_of(const Count& a, const Count& b) {
    constexpr std::int64_t kLimit = INT64_MAX / 2;
    return std::min(first_of({a}), kLimit) + std::min(first_of({b}), kLimit);
}

constexpr double kTicksPerDollar = 1e10;

/// Reads one member that must be an integer or null.
bool scan_count(JsonCursor& cursor, Count& out) {
    std::int64_t value = 0;
    if (cursor.read_null()) {
        out.reset();
        return true;
    }
    if (!cursor.read_integer(value)) return false;
    out = value;
    return true;
}

bool scan_cost(JsonCursor& cursor, std::optional<double>& out) {
    out.reset();
    if (cursor.read_null()) return true;
    std::string_view digits;
    double value = 0;
    if (!cursor.read_number(digits)) return false;
    if (std::from_chars(digits.data(), digits.data() + digits.size(), value).ec != std::errc{}) return false;
    out = value;
    return true;
}

bool scan_prompt_details(JsonCursor& cursor, UsageFields::PromptDetails& out) {
    out = {};
    if (cursor.read_null()) return true;
    return cursor.read_object([&](std::string_view name) {
        if (name == "cached_tokens") return scan_count(cursor, out.cached_tokens);
        if (name == "audio_tokens") return scan_count(cursor, out.audio_tokens);
        if (name == "cache_write_tokens") return scan_count(cursor, out.cache_write_tokens);
        if (name == "text_tokens") return scan_count(cursor, out.text_tokens);
        if (name == "image_tokens") return scan_count(cursor, out.image_tokens);
        return cursor.skip_value();
    });
}

bool scan_completion_details(JsonCursor& cursor, UsageFields::CompletionDetails& out) {
    out = {};
    if (cursor.read_null()) return true;
    return cursor.read_object([&](std::string_view name) {
        if (name == "reasoning_tokens") return scan_count(cursor, out.reasoning_tokens);
        if (name == "audio_tokens") return scan_count(cursor, out.audio_tokens);
        if (name == "text_tokens") return scan_count(cursor, out.text_tokens);
        if (name == "accepted_prediction_tokens") return scan_count(cursor, out.accepted_prediction_tokens);
        if (name == "rejected_prediction_tokens") return scan_count(cursor, out.rejected_prediction_tokens);
        return cursor.skip_value();
    });
}

/// The field for a member that only some providers send; null if the name is unknown.
Count* provider_count(UsageFields& fields, std::string_view name) {
    if (name == "reasoning_tokens") return &fields.reasoning_tokens;
    if (name == "prompt_cache_hit_tokens") return &fields.prompt_cache_hit_tokens;
    if (name == "cached_tokens") return &fields.cached_tokens;
    if (name == "num_cached_tokens") return &fields.num_cached_tokens;
    if (name == "cache_read_input_tokens") return &fields.cache_read_input_tokens;
    if (name == "cache_creation_input_tokens") return &fields.cache_creation_input_tokens;
    return nullptr;
}

}  // namespace

std::optional<Money> money_of(std::optional<double> dollars) {
    constexpr double kNano = 1e9, kLimit = 9e18;
    if (!dollars || !(*dollars >= 0) || *dollars * kNano > kLimit) return std::nullopt;
    return Money{.nano = std::llround(*dollars * kNano)};
}

namespace {

/// A number, or Perplexity's object of costs, which contains only zeros until the answer is complete.
std::optional<double> cost_of(const nlohmann::json& usage) {
    const auto total = number_of(member(usage, "cost", "total_cost"));
    return total && *total > 0 ? total : number_of(member(usage, "cost"));
}

}  // namespace

UsageFields read_usage(const nlohmann::json& usage) {
    const auto count = [&](const char* name) { return integer_of(member(usage, name)); };
    const auto prompt = [&](const char* name) { return integer_of(member(usage, "prompt_tokens_details", name)); };
    const auto completion = [&](const char* name) {
        return integer_of(member(usage, "completion_tokens_details", name));
    };
    return {.prompt_tokens = count("prompt_tokens"),
            .completion_tokens = count("completion_tokens"),
            .total_tokens = count("total_tokens"),
            .reasoning_tokens = count("reasoning_tokens"),
            .prompt_cache_hit_tokens = count("prompt_cache_hit_tokens"),
            .cached_tokens = count("cached_tokens"),
            .num_cached_tokens = count("num_cached_tokens"),
            .cache_read_input_tokens = count("cache_read_input_tokens"),
            .cache_creation_input_tokens = count("cache_creation_input_tokens"),
            .cost = cost_of(usage),
            .cost_in_usd_ticks = number_of(member(usage, "cost_in_usd_ticks")),
            .prompt_details = {.cached_tokens = prompt("cached_tokens"),
                               .cache_write_tokens = prompt("cache_write_tokens"),
                               .audio_tokens = prompt("audio_tokens"),
                               .text_tokens = prompt("text_tokens"),
                               .image_tokens = prompt("image_tokens")},
            .completion_details = {.reasoning_tokens = completion("reasoning_tokens"),
                                   .audio_tokens = completion("audio_tokens"),
                                   .text_tokens = completion("text_tokens"),
                                   .accepted_prediction_tokens = completion("accepted_prediction_tokens"),
                                   .rejected_prediction_tokens = completion("rejected_prediction_tokens")}};
}

bool scan_usage(JsonCursor& cursor, UsageFields& out, std::string_view& raw) {
    const std::size_t start = cursor.position();
    const bool read = cursor.read_object([&](std::string_view name) {
        if (name == "prompt_tokens") return scan_count(cursor, out.prompt_tokens);
        if (name == "completion_tokens") return scan_count(cursor, out.completion_tokens);
        if (name == "total_tokens") return scan_count(cursor, out.total_tokens);
        if (name == "prompt_tokens_details") return scan_prompt_details(cursor, out.prompt_details);
        if (name == "completion_tokens_details") return scan_completion_details(cursor, out.completion_details);
        if (name == "cost") return scan_cost(cursor, out.cost);
        if (name == "cost_in_usd_ticks") return scan_cost(cursor, out.cost_in_usd_ticks);
        if (Count* count = provider_count(out, name)) return scan_count(cursor, *count);
        return cursor.skip_value();
    });
    if (read) raw = cursor.since(start);
    return read;
}

bool normalise_usage(const UsageFields& fields, std::string_view raw, Usage& usage) {
    const auto& prompt = fields.prompt_details;
    const auto& completion = fields.completion_details;
    // Some providers send zeros until they have counted, or always. Every prompt has tokens and every answer costs
    // something, so zeros mean that the usage is unknown.
    const auto counted = [](const Count& count) { return count && *count != 0; };
    if (!counted(fields.prompt_tokens) && !counted(fields.completion_tokens) && !counted(fields.total_tokens) &&
        !fields.cost && !fields.cost_in_usd_ticks) {
        return false;
    }
    usage.present = true;
    usage.prompt_tokens = first_of({fields.prompt_tokens});
    usage.completion_tokens = first_of({fields.completion_tokens});
    usage.total_tokens = first_of({fields.total_tokens, sum_of(fields.prompt_tokens, fields.completion_tokens)});
    usage.cached_input_tokens = first_of({prompt.cached_tokens, fields.prompt_cache_hit_tokens, fields.cached_tokens,
                                          fields.num_cached_tokens, fields.cache_read_input_tokens});
    usage.cache_write_tokens = first_of({prompt.cache_write_tokens, fields.cache_creation_input_tokens});
    usage.reasoning_tokens = first_of({completion.reasoning_tokens, fields.reasoning_tokens});
    usage.audio_tokens = sum_of(prompt.audio_tokens, completion.audio_tokens);
    usage.prompt_text_tokens = first_of({prompt.text_tokens});
    usage.prompt_image_tokens = first_of({prompt.image_tokens});
    usage.prompt_audio_tokens = first_of({prompt.audio_tokens});
    usage.completion_text_tokens = first_of({completion.text_tokens});
    usage.completion_audio_tokens = first_of({completion.audio_tokens});
    usage.accepted_prediction_tokens = first_of({completion.accepted_prediction_tokens});
    usage.rejected_prediction_tokens = first_of({completion.rejected_prediction_tokens});
    usage.reported_cost = money_of(fields.cost);
    if (!usage.reported_cost && fields.cost_in_usd_ticks) {
        usage.reported_cost = money_of(*fields.cost_in_usd_ticks / kTicksPerDollar);
    }
    usage.raw_json = raw;
    return true;
}

}  // namespace holysheep::wire
