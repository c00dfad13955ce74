// Reads answers of any shape from a DOM. Every getter accepts absent, null and wrong types, so that one odd member
// never loses a paid answer.
#include "wire/answer_dom.hpp"

#include <algorithm>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "wire/json_dom.hpp"
#include "wire/usage_fields.hpp"

namespace holysheep::wire {

using nlohmann::json;

struct AnswerDom::Tree {
    json root{};
    std::string repaired{};
    std::deque<std::string> texts{};  ///< formatted values; a deque keeps their addresses valid
};

namespace {

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

/// Where a list is expected, a single object is read as a list of one.
std::vector<const json*> objects_in(const json* list) {
    std::vector<const json*> objects;
    if (list == nullptr) return objects;
    if (list->is_object()) objects.push_back(list);
    if (!list->is_array()) return objects;
    for (const json& item : *list) {
        if (item.is_object()) objects.push_back(&item);
    }
    return objects;
}

/// The texts of the parts of a `content` array (Mistral sends its reasoning as `thinking` parts).
struct PartTexts {
    std::string content{}, thinking{}, refusal{};
    std::vector<const json*> media{};
};

bool is_reasoning(const json& part) {
    const std::string_view type = text_of(member(part, "type"));
    return type.starts_with("reasoning") || type.starts_with("thinking") || is_truthy(member(part, "thought"));
}

bool is_media(const json& part) {
    const std::string_view type = text_of(member(part, "type"));
    for (const std::string_view kind : {"image", "audio", "video", "file", "document"}) {
        if (type.find(kind) != std::string_view::npos) return true;
    }
    return false;
}

/// The URL of an image or a file; "" if it is in no known place.
std::string_view url_of(const json& item) {
    if (item.is_string()) return text_of(&item);
    for (const char* name : {"image_url", "image", "file", "video_url"}) {
        const json* inner = member(item, name);
        if (inner == nullptr) continue;
        if (const auto url = inner->is_string() ? text_of(inner) : text_of(member(*inner, "url")); !url.empty())
            return url;
    }
    return text_of(member(item, "url"));
}

void append_parts(const json& parts, PartTexts& out, int depth = 0) {
    for (const json& part : parts) {
        if (part.is_string()) out.content += text_of(&part);
        if (is_media(part)) out.media.push_back(&part);
        (is_reasoning(part) ? out.thinking : out.content) += text_of(member(part, "text"));
        out.thinking += text_of(member(part, "reasoning"));
        out.refusal += text_of(member(part, "refusal"));
        const json* thinking = member(part, "thinking");
        out.thinking += text_of(thinking);
        if (thinking != nullptr && thinking->is_array() && depth == 0) {
            PartTexts inner;
            append_parts(*thinking, inner, depth + 1);
            out.thinking += inner.content;
        }
    }
}

class TreeReader {
  public:
    TreeReader(const json& root, std::string_view text, AnswerShape shape, std::deque<std::string>& texts,
               AnswerFields& out)
        : root_(root), text_(text), shape_(shape), texts_(texts), out_(out) {}

    void read() {
        out_.id = text_of(member(root_, "id"));
        out_.model = text_of(member(root_, "model"));
        out_.service_tier = text_of(member(root_, "service_tier"));
        out_.system_fingerprint = text_of(member(root_, "system_fingerprint"));
        out_.created = integer_of(member(root_, "created")).value_or(0);
        read_usage_member();
        read_choices();
        keep_loose(root_, MemberScope::answer, 0,
                   {"id", "object", "created", "model", "choices", "usage", "system_fingerprint", "service_tier",
                    "obfuscation", "error"});
        if (says_error(root_)) out_.error = read_error_fields(root_);
    }

  private:
    std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }

    void read_usage_member() {
        const json* usage = member(root_, "usage");
        if (usage != nullptr && normalise_usage(read_usage(*usage), raw_member(text_, "usage"), out_.usage)) {
            out_.has_usage = true;
            return;
        }
        const json* groq = member(root_, "x_groq", "usage");
        if (groq == nullptr) return;
        const std::string_view raw = raw_member(raw_member(text_, "x_groq"), "usage");
        out_.has_usage = normalise_usage(read_usage(*groq), raw, out_.usage);
    }

    /// Moonshot sends usage inside the last choice of a stream. Usage at the top level takes precedence.
    bool read_choice_usage(const json& choice) {
        const json* usage = member(choice, "usage");
        Usage counted;
        if (out_.has_usage || usage == nullptr) return false;
        if (!normalise_usage(read_usage(*usage), print_json(*usage), counted)) return false;
        usage_of_choice_ = std::move(counted);
        return true;
    }

    void read_choices() {
        const json* choices = member(root_, "choices");
        out_.has_choices = choices != nullptr && (choices->is_array() || (choices->is_object() && !choices->empty()));
        if (!out_.has_choices) return;
        for (const json* choice : objects_in(choices)) read_choice(*choice);
        if (!usage_of_choice_) return;
        out_.usage = *std::move(usage_of_choice_);
        out_.has_usage = true;
    }

    void read_choice(const json& choice) {
        const std::size_t position = out_.choices.size();
        ChoiceDelta delta;
        delta.index = integer_of(member(choice, "index")).value_or(static_cast<std::int64_t>(position));
        delta.finish_reason = text_of(member(choice, "finish_reason"));
        if (const json* message = body_of(choice)) {
            delta.is_message = shape_ == AnswerShape::chunk && message == member(choice, "message");
            read_message(*message, position, delta);
        }
        out_.choices.push_back(delta);
        const json* logprobs = member(choice, "logprobs");
        const bool usual_logprobs = logprobs != nullptr && logprobs->is_object();
        if (usual_logprobs) keep_loose(*logprobs, MemberScope::logprobs, position, {});
        keep_loose(choice, MemberScope::choice, position,
                   {"index", "finish_reason", "delta", "message", "error", usual_logprobs ? "logprobs" : "index",
                    read_choice_usage(choice) ? "usage" : "index"});
    }

    /// A chunk may contain the whole `message` so far in addition to its `delta`; only the expected one is read.
    const json* body_of(const json& choice) const {
        const bool whole = shape_ == AnswerShape::whole;
        for (const char* name : {whole ? "message" : "delta", whole ? "delta" : "message"}) {
            const json* body = member(choice, name);
            if (body != nullptr && body->is_object()) return body;
        }
        return nullptr;
    }

    void read_message(const json& message, std::size_t position, ChoiceDelta& delta) {
        delta.role = text_of(member(message, "role"));
        delta.content = text_of(member(message, "content"));
        delta.refusal = text_of(member(message, "refusal"));
        std::string_view thinking;
        const json* content = member(message, "content");
        if (content != nullptr && content->is_array()) {
            PartTexts parts;
            append_parts(*content, parts);
            delta.content = keep(std::move(parts.content));
            thinking = keep(std::move(parts.thinking));
            if (delta.refusal.empty()) delta.refusal = keep(std::move(parts.refusal));
            keep_media("content_parts", parts.media, position);
        } else if (content != nullptr && is_media(*content) && !url_of(*content).empty()) {
            keep_media("content_parts", {content}, position);
        } else if (content != nullptr && !content->is_string()) {
            // A part without its list; or, if JSON was requested, the JSON itself.
            const auto text = text_of(member(*content, "text"));
            delta.content = text.empty() ? keep(print_json(*content)) : text;
        }
        read_reasoning(message, thinking, delta);
        read_tool_calls(message, position);
        keep_loose(message, MemberScope::message, position,
                   {"role", "content", "refusal", "reasoning_content", "reasoning", "reasoning_text", "thinking",
                    "tool_calls", "annotations", "parsed", "audio", "function_call", "images", "files", "videos"});
        keep_response_only(message, position);
    }

    /// Reads the member with text; some providers also send another one with "". The text of details is sent back with
    /// the details.
    void read_reasoning(const json& message, std::string_view thinking, ChoiceDelta& delta) {
        const std::pair<std::string_view, std::string_view> places[] = {
            {"reasoning_content", text_of(member(message, "reasoning_content"))},
            {"reasoning", text_of(member(message, "reasoning"))},
            {"reasoning_text", text_of(member(message, "reasoning_text"))},
            {"message.thinking", text_of(member(message, "thinking"))},
            {"thinking", thinking},
            {"reasoning_details", blocks_text(message, "reasoning_details", "text")},
            {"thinking_blocks", blocks_text(message, "thinking_blocks", "thinking")}};
        for (const auto& [name, text] : places) {
            if (text.empty()) continue;
            delta.reasoning = text;
            delta.reasoning_name = name;
            return;
        }
    }

    std::string_view blocks_text(const json& message, const char* name, const char* inner) {
        std::string text;
        for (const json* block : objects_in(member(message, name))) text += text_of(member(*block, inner));
        return keep(std::move(text));
    }

    /// Media items are stored as one array and reported one by one.
    void keep_media(std::string_view name, const std::vector<const json*>& items, std::size_t position) {
        if (items.empty()) return;
        std::string list;
        for (const json* item : items) {
            const std::string_view printed = keep(print_json(*item));
            const std::string_view url = url_of(*item);
            const bool image = !url.empty() && (name == "images" ||
                                                text_of(member(*item, "type")).find("image") != std::string_view::npos);
            out_.media.push_back({position, image ? MediaKind::image : MediaKind::file, image ? url : printed});
            list += (list.empty() ? "[" : ",") + std::string(printed);
        }
        out_.loose.push_back({MemberScope::choice, position, name, keep(list + "]")});
    }

    void keep_media(const json& message, const char* name, std::size_t position) {
        const json* value = member(message, name);
        if (!is_truthy(value)) return;
        std::vector<const json*> items;
        if (!value->is_array()) items.push_back(value);
        if (value->is_array()) {
            for (const json& item : *value) items.push_back(&item);
        }
        keep_media(name, items, position);
    }

    /// Members that servers reject in requests are not stored as part of the message.
    void keep_response_only(const json& message, std::size_t position) {
        for (const char* name : {"annotations", "parsed"}) {
            const json* value = member(message, name);
            if (is_truthy(value)) add(MemberScope::choice, position, name, *value);
        }
        // An empty object means none.
        for (const auto& [name, scope] :
             {std::pair{"audio", MemberScope::audio}, std::pair{"function_call", MemberScope::function_call}}) {
            const json* value = member(message, name);
            if (value == nullptr || !value->is_object()) continue;
            for (const auto& [key, inner] : value->items()) {
                if (is_truthy(&inner)) add(scope, position, key, inner);
            }
            if (scope != MemberScope::audio) continue;
            for (const auto& [kind, text] : {std::pair{MediaKind::audio, text_of(member(*value, "data"))},
                                             std::pair{MediaKind::transcript, text_of(member(*value, "transcript"))}}) {
                if (!text.empty()) out_.media.push_back({position, kind, text});
            }
        }
        for (const char* name : {"images", "files", "videos"}) keep_media(message, name, position);
    }

    void read_tool_calls(const json& message, std::size_t position) {
        std::int64_t number = 0;
        for (const json* entry : objects_in(member(message, "tool_calls"))) {
            const json& call = *entry;
            ToolCallDelta delta = read_tool_call(call);
            delta.choice = position;
            // In a complete answer every entry is a separate call, whatever its index.
            if (shape_ == AnswerShape::whole) delta.index = number++;
            keep_loose(call, MemberScope::tool_call, out_.tool_calls.size(),
                       {"index", "id", "type", "function", "custom"});
            const json* body = member(call, delta.type == "custom" ? "custom" : "function");
            if (body != nullptr && body->is_object()) {
                keep_loose(*body, MemberScope::tool_body, out_.tool_calls.size(),
                           {"name", delta.type == "custom" ? "input" : "arguments"});
            }
            out_.tool_calls.push_back(delta);
        }
    }

    /// Some providers send an empty `custom` in addition to `function`: `type` decides, then the non-empty one.
    ToolCallDelta read_tool_call(const json& call) {
        ToolCallDelta delta;
        delta.index = integer_of(member(call, "index"));
        delta.id = scalar(member(call, "id"));
        delta.type = text_of(member(call, "type"));
        const bool has_function = member(call, "function") != nullptr;
        const bool custom = delta.type == "custom" || (delta.type.empty() && !has_function);
        const char* body = custom ? "custom" : "function";
        if (custom && delta.type.empty() && member(call, "custom") != nullptr) delta.type = "custom";
        delta.name = text_of(member(call, body, "name"));
        const json* arguments = member(call, body, custom ? "input" : "arguments");
        if (arguments == nullptr) return delta;
        delta.arguments = arguments->is_string() ? text_of(arguments) : keep(print_json(*arguments));
        return delta;
    }

    std::string_view scalar(const json* value) {
        return value == nullptr || value->is_string() ? text_of(value) : keep(scalar_text_of(value));
    }

    void keep_loose(const json& object, MemberScope scope, std::size_t owner,
                    std::initializer_list<std::string_view> known) {
        for (auto it = object.begin(); it != object.end(); ++it) {
            if (it->is_null() || is_one_of(it.key(), known)) continue;
            if ((it.key() == "reasoning_details" || it.key() == "thinking_blocks") && !is_truthy(&*it)) continue;
            const bool output = scope == MemberScope::message && is_output_only(it.key());
            add(output ? MemberScope::choice : scope, owner, it.key(), *it);
        }
    }

    void add(MemberScope scope, std::size_t owner, std::string_view name, const json& value) {
        out_.loose.push_back({scope, owner, name, keep(print_json(value))});
    }

    const json& root_;
    std::string_view text_;
    AnswerShape shape_;
    std::deque<std::string>& texts_;
    AnswerFields& out_;
    std::optional<Usage> usage_of_choice_{};
};

}  // namespace

AnswerDom::AnswerDom() : tree_(std::make_unique<Tree>()) {}
AnswerDom::~AnswerDom() = default;

bool AnswerDom::read_answer(std::string_view text, AnswerFields& out) {
    if (text.empty() || read(text, AnswerShape::whole, out) != Read::ok) return false;
    if (out.error) return true;
    const auto choices = objects_in(member(tree_->root, "choices"));
    const auto is_chunk = [](const json* choice) { return is_truthy(member(*choice, "delta")); };
    return !choices.empty() && std::none_of(choices.begin(), choices.end(), is_chunk);
}

AnswerDom::Read AnswerDom::read(std::string_view text, AnswerShape shape, AnswerFields& out) {
    out.clear();
    tree_->texts.clear();
    if (!parse_json(text, tree_->root, tree_->repaired)) return Read::not_json;
    if (!tree_->root.is_object()) {
        if (!says_error(tree_->root)) return Read::not_an_object;
        out.error = read_error_fields(tree_->root);
        return Read::ok;
    }
    const std::string_view as_read = tree_->repaired.empty() ? text : std::string_view(tree_->repaired);
    TreeReader(tree_->root, as_read, shape, tree_->texts, out).read();
    return Read::ok;
}

}  // namespace holysheep::wire
