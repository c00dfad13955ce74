// Maps the finish reasons of all providers.
// finish_reason as sent → [finish_reasons] → FinishReason
#pragma once

#include <string_view>

#include <holysheep/chat_completion.hpp>

namespace holysheep::wire {

/// Ignores case. "" maps to `none`: several servers send it instead of null.
FinishReason finish_reason_from(std::string_view text);

}  // namespace holysheep::wire
