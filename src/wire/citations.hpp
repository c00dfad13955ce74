// Reads the sources that an answer cites from its `annotations`.
// annotations (JSON) → [citations] → Choice::citations
#pragma once

#include <string_view>
#include <vector>

#include <holysheep/chat_completion.hpp>

namespace holysheep::wire {

/// Entries of other types than `url_citation` are skipped; a value that is not a list gives no citations.
std::vector<UrlCitation> read_citations(std::string_view annotations_json);

}  // namespace holysheep::wire
