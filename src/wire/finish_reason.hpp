// The finish reasons that providers send, as the library's closed list.
// finish_reason text → [finish_reason] → Choice, ChatChunk
#pragma once

#include <string_view>

#include <holysheep/chat_completion.hpp>

namespace holysheep::wire {

/// "" is `none` (several servers mean null by it), an unknown word is `other`.
FinishReason finish_reason_from(std::string_view text);

}  // namespace holysheep::wire
