// Answers that must not be taken for whole ones: cut at their token limit, or ended by a content filter.
// ChatCompletion → [whole_answer] → Error of chat_whole, chat_as and run_tools
#pragma once

#include <optional>
#include <string>

#include <holysheep/chat_completion.hpp>
#include <holysheep/error.hpp>

namespace holysheep::client {

/// The answer becomes the error's `partial`.
Error unfit_answer(ErrorCode code, std::string provider_code, std::string message, ChatCompletion&& answer);

/// By the finish reason of the first choice. An answer that failed is none: the decoder has refused it. Takes the
/// answer where there is an error.
std::optional<Error> cut_or_blocked(ChatCompletion& answer);

}  // namespace holysheep::client
