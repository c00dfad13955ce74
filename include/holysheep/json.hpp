// Opt-in, for programs that use nlohmann/json: converts between its values and the JSON text in requests and answers.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include <holysheep/chat_completion.hpp>

namespace holysheep {
inline namespace v0 {

/// JSON text for `extra_json`, `Tool::parameters_json`, `ResponseFormat::schema_json`, `RawPart::json`. Ill-formed
/// UTF-8 becomes U+FFFD.
inline std::string to_text(const nlohmann::json& value) {
    return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// Parses `raw_json`, `extra_json` or `ToolCall::arguments`. Returns a discarded value (`is_discarded()`) if the text
/// is not JSON, an empty object if it is empty.
inline nlohmann::json to_json(std::string_view text) {
    if (text.empty()) return nlohmann::json::object();
    return nlohmann::json::parse(text, nullptr, false);
}

/// Parses the text of the first choice, for `ResponseFormat::Kind::json_object` and `json_schema`.
inline nlohmann::json json_of(const ChatCompletion& completion) { return to_json(completion.text()); }

}  // namespace v0
}  // namespace holysheep
