// Detects incomplete answers: cut at a token limit, or ended by a content filter.
// ChatCompletion → [whole_answer] → Error of chat_whole, chat_as and run_tools
#pragma once

#include <optional>
#include <string>

#include <holysheep/chat_completion.hpp>
#include <holysheep/error.hpp>

namespace holysheep::client {

/// Moves the answer to `Error::partial`.
Error unfit_answer(ErrorCode code, std::string provider_code, std::string message, ChatCompletion&& answer);

/// Judges by the finish reason of the first choice (the decoder has refused failed answers). Moves the answer into the
/// error, if there is one.
std::optional<Error> cut_or_blocked(ChatCompletion& answer);

}  // namespace holysheep::client
