// Reads citations tolerantly: entries that cannot be understood are skipped.
#include "wire/citations.hpp"

#include <nlohmann/json.hpp>

#include "wire/json_dom.hpp"

namespace holysheep::wire {

std::vector<UrlCitation> read_citations(std::string_view annotations_json) {
    nlohmann::json annotations;
    std::vector<UrlCitation> citations;
    if (annotations_json.empty() || !parse_json(annotations_json, annotations)) return citations;
    if (!annotations.is_array()) return citations;
    for (const nlohmann::json& annotation : annotations) {
        const nlohmann::json* source = member(annotation, "url_citation");
        if (source == nullptr || !source->is_object()) continue;
        citations.push_back({.start_index = integer_of(member(*source, "start_index")).value_or(0),
                             .end_index = integer_of(member(*source, "end_index")).value_or(0),
                             .url = std::string(text_of(member(*source, "url"))),
                             .title = std::string(text_of(member(*source, "title")))});
    }
    return citations;
}

}  // namespace holysheep::wire
