// Finds text that is not UTF-8, which JSON cannot contain.
// ChatRequest → [text_check] → Error
#pragma once

#include <optional>

#include <holysheep/chat_request.hpp>
#include <holysheep/error.hpp>

namespace holysheep::client {

/// The first member with bytes that are not UTF-8, and their position.
std::optional<Error> check_text(const ChatRequest& request);

}  // namespace holysheep::client
