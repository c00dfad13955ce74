// Messages and tools → JSON, with every check that what is sent is JSON.
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

/// Append a JSON array. What is returned says why it cannot be sent; `out` is then half written.
std::optional<Error> append_messages(std::string& out, const std::vector<Message>& messages, ReasoningReplay replay);
std::optional<Error> append_tools(std::string& out, const std::vector<Tool>& tools);

/// "function" or "custom": the tool's type, and the member that describes it.
std::string_view wire_name(Tool::Kind kind);

Error invalid_request(std::string message);

}  // namespace holysheep::wire
