// Parses JSON into a DOM, for everything that does not have the usual shape: parses tolerantly and reads members of any
// type. Only bad_alloc is ever thrown.
// JSON text → [json_dom] → answer_dom, error_fields, models_decoder
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace holysheep::wire {

/// Returns false if the text is not JSON, is nested deeper than kMaxJsonDepth, or has too many values for the memory
/// limit. Ill-formed UTF-8 and lone surrogates are read as U+FFFD, and the non-numbers that some servers print (NaN,
/// Infinity) as null; `repaired` then holds the text as it was read, and is empty otherwise.
bool parse_json(std::string_view text, nlohmann::json& out, std::string& repaired);
bool parse_json(std::string_view text, nlohmann::json& out);

/// Names the limit that the text exceeds, e.g. "JSON nested deeper than 256 levels"; "" if it is just not JSON.
std::string_view excess_of(std::string_view text);

/// nullptr if the value is not an object, has no such member, or the member is null.
const nlohmann::json* member(const nlohmann::json& value, const char* name);
/// The same for a chain of members.
const nlohmann::json* member(const nlohmann::json& value, const char* outer, const char* name);

/// The text of a string; "" for anything else. The view is valid as long as the DOM.
std::string_view text_of(const nlohmann::json* value);
/// The value of an integer, a float (truncated) or a numeric string.
std::optional<std::int64_t> integer_of(const nlohmann::json* value);
/// The value of a finite number or a numeric string.
std::optional<double> number_of(const nlohmann::json* value);
/// A string unchanged, a number in digits; "" for anything else.
std::string scalar_text_of(const nlohmann::json* value);
/// Whether the value is not empty: not null, false, 0, "", [] or {}.
bool is_truthy(const nlohmann::json* value);
/// Compact JSON text, always valid UTF-8.
std::string print_json(const nlohmann::json& value);

/// The text of a member of an object as it was sent; "" if it is not found. The text must be valid JSON.
std::string_view raw_member(std::string_view object, std::string_view name);

}  // namespace holysheep::wire
