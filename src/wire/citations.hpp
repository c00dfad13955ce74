// The sources that an answer names, out of its `annotations`.
// annotations (JSON) → [citations] → Choice::citations
#pragma once

#include <string_view>
#include <vector>

#include <holysheep/chat_completion.hpp>

namespace holysheep::wire {

/// Entries of other types than `url_citation`, and anything that is no list, give nothing.
std::vector<UrlCitation> read_citations(std::string_view annotations_json);

}  // namespace holysheep::wire
