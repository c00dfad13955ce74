// Detects incomplete answers: cut at a token limit, or ended by a content filter.
// ChatCompletion → [whole_answer] → Error of chat_whole, chat_as and run_tools
#pragma once

#include <optional>
#include <string>

#include <holysheep/chat_completion.hpp>
#include <holysheep/error.hpp>

namespace holysheep::client {

/// Makes an error that contains the answer as `Error::partial`.
Error unfit_answer(ErrorCode code, std::string provider_code, std::string message, ChatCompletion&& answer);

/// Checks the finish reason of the first choice (the decoder has refused failed answers). If the answer is incomplete,
/// moves it into the returned error.
std::optional<Error> cut_or_blocked(ChatCompletion& answer);

}  // namespace holysheep::client
