// Reads retry hints from error bodies. Sources:
// openrouter.ai/docs/api-reference/limits (`metadata.headers`), huggingface.co/docs/api-inference
// (`estimated_time`), developers.openai.com/api/docs/guides/rate-limits (words).
#include "wire/error_hints.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "values/ascii.hpp"
#include "wire/json_dom.hpp"
#include "wire/response_headers.hpp"

namespace holysheep::wire {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

void take_wait(ErrorFields& fields, const json* value, double unit) {
    constexpr double kMaxSeconds = 1e7;
    const auto amount = number_of(value);
    if (fields.retry_after || !amount || *amount < 0 || *amount * unit > kMaxSeconds * 1000) return;
    fields.retry_after = milliseconds(std::llround(std::ceil(*amount * unit)));
}

}  // namespace

void read_retry_hints(const json& object, ErrorFields& fields) {
    for (const char* name : {"retry_after_ms", "retryAfterMs"}) take_wait(fields, member(object, name), 1);
    for (const char* name : {"retry_after", "retryAfter", "retry_after_seconds", "resets_in_seconds", "estimated_time"})
        take_wait(fields, member(object, name), 1000);
    // OpenRouter quotes headers, its own or its upstream's.
    const json* headers = member(object, "metadata", "headers");
    if (headers == nullptr || !headers->is_object() || !fields.headers.empty()) return;
    for (const auto& [name, value] : headers->items()) fields.headers.emplace_back(name, scalar_text_of(&value));
}

std::optional<milliseconds> wait_in_words(std::string_view message) {
    const std::string text = values::lower(message);
    for (const std::string_view words : {"try again in ", "try again after ", "retry after ", "retry in "}) {
        const std::size_t at = text.find(words);
        if (at == std::string::npos) continue;
        std::string_view rest = std::string_view(text).substr(at + words.size());
        // "6.5s.", "20 seconds", "1m30s": the unit may be a separate word.
        std::string duration;
        const std::size_t digits = std::min(rest.find_first_not_of("0123456789."), rest.size());
        duration = rest.substr(0, digits);
        rest.remove_prefix(digits);
        if (rest.substr(0, 1) == " ") rest.remove_prefix(1);
        for (const auto& [word, unit] : {std::pair{"milliseconds", "ms"},
                                         {"millisecond", "ms"},
                                         {"seconds", "s"},
                                         {"second", "s"},
                                         {"secs", "s"},
                                         {"sec", "s"},
                                         {"minutes", "m"},
                                         {"minute", "m"},
                                         {"hours", "h"},
                                         {"hour", "h"}}) {
            if (rest.substr(0, std::string_view(word).size()) != word) continue;
            duration += unit;
            rest = {};
            break;
        }
        duration += rest.substr(0, std::min(rest.find_first_not_of("0123456789.hms"), rest.size()));
        while (!duration.empty() && duration.back() == '.') duration.pop_back();
        const bool has_unit = duration.find_first_of("hms") != std::string::npos;
        if (const auto wait = parse_duration(duration); wait && has_unit) return wait;
    }
    return std::nullopt;
}

}  // namespace holysheep::wire
