// Maps the finish reasons of all providers.
// finish_reason as sent → [finish_reasons] → FinishReason
#pragma once

#include <string_view>

#include <holysheep/chat_completion.hpp>

namespace holysheep::wire {

/// Case does not count. "" is `none`: several servers send it where they mean null.
FinishReason finish_reason_from(std::string_view text);

}  // namespace holysheep::wire
