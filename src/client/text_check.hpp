// Text that is not UTF-8 cannot travel in JSON.
// ChatRequest → [text_check] → Error
#pragma once

#include <optional>

#include <holysheep/chat_request.hpp>
#include <holysheep/error.hpp>

namespace holysheep::client {

/// Why the request cannot be sent as it is: the first member that holds bytes that are not UTF-8, and where.
std::optional<Error> check_text(const ChatRequest& request);

}  // namespace holysheep::client
