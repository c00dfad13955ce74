// Messages and tools → JSON, with every check that what is sent is JSON.
// Message, Tool → [message_encoder] → chat_encoder
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <holysheep/error.hpp>
#include <holysheep/message.hpp>

namespace holysheep::wire {

/// Append a JSON array. What is returned says why it cannot be sent; `out` is then half written.
std::optional<Error> append_messages(std::string& out, const std::vector<Message>& messages);
std::optional<Error> append_tools(std::string& out, const std::vector<Tool>& tools);

Error invalid_request(std::string message);

}  // namespace holysheep::wire
