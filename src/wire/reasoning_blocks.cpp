// Joins fragments of reasoning blocks. Sources:
// openrouter.ai/docs/use-cases/reasoning-tokens ("Preserving reasoning blocks"), docs.litellm.ai
// ("reasoning_content": `thinking_blocks`).
#include "wire/reasoning_blocks.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "wire/json_dom.hpp"

namespace holysheep::wire {
namespace {

using nlohmann::json;

constexpr const char* kJoined[] = {"text", "summary", "data", "thinking"};
constexpr const char* kSignature = "signature";

bool differ(const json& block, const json& fragment, const char* name) {
    const json *a = member(block, name), *b = member(fragment, name);
    return is_truthy(a) && is_truthy(b) && *a != *b;
}

bool continues(const json& block, const json& fragment, bool is_last) {
    const json *type = member(block, "type"), *other_type = member(fragment, "type");
    if (type != nullptr && other_type != nullptr && *type != *other_type) return false;
    if (differ(block, fragment, "id")) return false;
    const json *index = member(block, "index"), *other_index = member(fragment, "index");
    if (index != nullptr && other_index != nullptr) return *index == *other_index;
    return is_last && type != nullptr && other_type != nullptr && !is_truthy(member(block, kSignature));
}

void join(json& block, const json& fragment) {
    for (const auto& [name, value] : fragment.items()) {
        if (value.is_null()) continue;
        json& into = block[name];
        const bool joined = std::find(std::begin(kJoined), std::end(kJoined), name) != std::end(kJoined);
        if (joined && into.is_string() && value.is_string()) {
            into.get_ref<std::string&>() += value.get_ref<const std::string&>();
        } else if (is_truthy(&value) || into.is_null()) {
            into = value;
        }
    }
}

}  // namespace

std::string join_reasoning_blocks(std::string_view text) {
    json fragments;
    if (!parse_json(text, fragments) || !fragments.is_array()) return std::string(text);
    json blocks = json::array();
    for (const json& fragment : fragments) {
        if (!fragment.is_object()) return std::string(text);
        // Few blocks are open at a time, so a search from the end is fast.
        constexpr std::size_t kMaxOpen = 16;
        bool found = false;
        for (std::size_t back = 1; back <= std::min(blocks.size(), kMaxOpen) && !found; ++back) {
            json& block = blocks[blocks.size() - back];
            found = continues(block, fragment, back == 1);
            if (found) join(block, fragment);
        }
        if (!found) blocks.push_back(fragment);
    }
    return print_json(blocks);
}

}  // namespace holysheep::wire
