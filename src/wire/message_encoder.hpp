// Encodes messages and tools as JSON, and checks that all JSON text from the caller is valid.
// Message, Tool → [message_encoder] → chat_encoder
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <holysheep/chat_request.hpp>
#include <holysheep/error.hpp>
#include <holysheep/message.hpp>

namespace holysheep::wire {

/// Appends a JSON array. Returns an error if the messages cannot be encoded; `out` is then partly written.
std::optional<Error> append_messages(std::string& out, const std::vector<Message>& messages, ReasoningReplay replay);
std::optional<Error> append_tools(std::string& out, const std::vector<Tool>& tools);

/// "function" or "custom": the type of the tool, and the name of the member that describes it.
std::string_view wire_name(Tool::Kind kind);

Error invalid_request(std::string message);

}  // namespace holysheep::wire
