// Judges probe answers by their beginning. Lists of models are long and not worth parsing into a DOM: an error is
// short, or recognisable by its first member.
#include "wire/probe_answer.hpp"

#include <string>

#include <nlohmann/json.hpp>

#include "wire/error_fields.hpp"
#include "wire/json_cursor.hpp"
#include "wire/json_dom.hpp"

namespace holysheep::wire {
namespace {

bool begins_with_an_error(std::string_view body) {
    std::string scratch;
    JsonCursor cursor(body, scratch);
    bool error = false;
    cursor.read_object([&](std::string_view first) {
        error = first == "error" && cursor.peek() != 'n';
        return false;
    });
    return error;
}

}  // namespace

bool is_probe_answer(std::string_view body, bool whole) {
    const std::size_t first = body.find_first_not_of("\xEF\xBB\xBF \t\r\n");
    if (first == std::string_view::npos) return true;
    body.remove_prefix(first);
    if (body.front() == '<') return false;
    if (body.front() != '{' && body.front() != '[') return true;
    nlohmann::json tree;
    if (!whole || !parse_json(body, tree)) return !begins_with_an_error(body);
    // A health check may answer {"message":"ok"}: only an unambiguous error counts.
    if (tree.is_object()) tree["choices"] = nlohmann::json::array();
    return !says_error(tree) && text_of(member(tree, "type")) != "error";
}

}  // namespace holysheep::wire
