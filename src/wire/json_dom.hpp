// JSON as a tree, for everything that is not of the usual shape: parses tolerantly and reads members whatever type
// they have. Nothing in here throws but bad_alloc.
// JSON text → [json_dom] → answer_dom, error_fields, models_decoder
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace holysheep::wire {

/// False when the text is not JSON, nested deeper than kMaxJsonDepth, or of more values than a tree may cost memory.
/// Text with ill-formed UTF-8, lone surrogates or the non-numbers that some servers print (NaN, Infinity) is read as
/// U+FFFD and null; `repaired` then holds the text that was read, and is empty otherwise.
bool parse_json(std::string_view text, nlohmann::json& out, std::string& repaired);
bool parse_json(std::string_view text, nlohmann::json& out);

/// What is too much about the text, e.g. "JSON nested deeper than 256 levels"; "" when it is only no JSON.
std::string_view excess_of(std::string_view text);

/// nullptr when the value is no object, has no such member, or the member is null.
const nlohmann::json* member(const nlohmann::json& value, const char* name);
/// The same for a chain of members.
const nlohmann::json* member(const nlohmann::json& value, const char* outer, const char* name);

/// The text of a string; "" for anything else. The view lives as long as the tree.
std::string_view text_of(const nlohmann::json* value);
/// An integer, a float (cut) or a numeric string.
std::optional<std::int64_t> integer_of(const nlohmann::json* value);
/// A finite number or a numeric string.
std::optional<double> number_of(const nlohmann::json* value);
/// A string as it is, a number in digits; "" for anything else.
std::string scalar_text_of(const nlohmann::json* value);
/// Whether there is something in it: not null, false, 0, "", [] or {}.
bool is_truthy(const nlohmann::json* value);
/// Compact JSON text, always valid UTF-8.
std::string print_json(const nlohmann::json& value);

/// The text of a member of an object as it was sent; "" when it is not found. The text must be valid JSON.
std::string_view raw_member(std::string_view object, std::string_view name);

}  // namespace holysheep::wire
