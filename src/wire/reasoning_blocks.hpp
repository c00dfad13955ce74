// Joins blocks of reasoning that a stream sends in fragments, as their providers do: a signature is only accepted back
// together with the whole text that it signs.
// reasoning_details, thinking_blocks (JSON arrays) → [reasoning_blocks] → Message::extra_json
#pragma once

#include <string>
#include <string_view>

namespace holysheep::wire {

/// Fragments of one block have the same type and, if present, the same index; without an index they follow each other
/// until a signature ends the block. Text, summary, data and thinking are joined, other members are replaced. Returns
/// the text unchanged if it is not an array of objects.
std::string join_reasoning_blocks(std::string_view json);

}  // namespace holysheep::wire
