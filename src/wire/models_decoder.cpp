// Decodes lists of models. Only `id` can be relied on.
#include "wire/models_decoder.hpp"

#include <nlohmann/json.hpp>

#include "wire/error_decoder.hpp"
#include "wire/json_dom.hpp"

namespace holysheep::wire {
namespace {

using nlohmann::json;

const json* find_list(const json& root) {
    if (root.is_array()) return &root;
    for (const char* name : {"data", "models"}) {
        const json* list = member(root, name);
        if (list != nullptr && list->is_array()) return list;
    }
    return nullptr;
}

Model read_model(const json& entry) {
    if (entry.is_string()) return {.id = std::string(text_of(&entry)), .raw_json = print_json(entry)};
    return {.id = std::string(text_of(member(entry, "id"))),
            .owned_by = std::string(text_of(member(entry, "owned_by"))),
            .raw_json = print_json(entry),
            .created = integer_of(member(entry, "created")).value_or(0)};
}

}  // namespace

Result<std::vector<Model>> decode_models(std::string_view body) {
    json root;
    if (!parse_json(body, root)) return with_body(malformed_body(body, "instead of a list of models"), body);
    if (const json* list = find_list(root); list != nullptr && (root.is_object() || !says_error(root))) {
        std::vector<Model> models;
        for (const json& entry : *list) {
            Model model = read_model(entry);
            if (!model.id.empty()) models.push_back(std::move(model));
        }
        return models;
    }
    if (says_error(root)) return with_body(error_from_fields(read_error_fields(root)), body);
    Error error;
    error.code = ErrorCode::malformed_response;
    error.message = "an answer without a list of models";
    return with_body(std::move(error), body);
}

}  // namespace holysheep::wire
