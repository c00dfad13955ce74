// An assistant's turn with tool calls and no text says `"content":null`: never `[]`, which some servers refuse.
#include "wire/message_encoder.hpp"

#include <string_view>
#include <utility>
#include <variant>

#include "wire/json_cursor.hpp"
#include "wire/object_writer.hpp"

namespace holysheep::wire {
namespace {

const ExtraMembers kNoExtra{};

std::string_view name_of(Role role) {
    switch (role) {
        case Role::system: return "system";
        case Role::developer: return "developer";
        case Role::user: return "user";
        case Role::assistant: return "assistant";
        case Role::tool: return "tool";
    }
    return "user";
}

/// Writes one part; false when a raw part is no JSON object.
struct PartWriter {
    std::string& out;

    bool operator()(const TextPart& part) const {
        out += "{\"type\":\"text\",\"text\":";
        append_json_string(out, part.text);
        out += '}';
        return true;
    }
    bool operator()(const ImagePart& part) const {
        out += "{\"type\":\"image_url\",\"image_url\":";
        ObjectWriter image(out, kNoExtra);
        image.text("url", part.url);
        image.text_unless_empty("detail", part.detail);
        image.close();
        out += '}';
        return true;
    }
    bool operator()(const AudioPart& part) const {
        out += "{\"type\":\"input_audio\",\"input_audio\":";
        ObjectWriter audio(out, kNoExtra);
        audio.text("data", part.data_base64);
        audio.text("format", part.format);
        audio.close();
        out += '}';
        return true;
    }
    bool operator()(const FilePart& part) const {
        out += "{\"type\":\"file\",\"file\":";
        ObjectWriter file(out, kNoExtra);
        file.text_unless_empty("filename", part.filename);
        file.text_unless_empty("file_data", part.data_base64);
        file.text_unless_empty("file_id", part.file_id);
        file.close();
        out += '}';
        return true;
    }
    bool operator()(const RawPart& part) const {
        out += part.json;
        return is_json_object(part.json);
    }
};

bool append_parts(std::string& out, const std::vector<ContentPart>& parts) {
    char separator = '[';
    for (const ContentPart& part : parts) {
        out.push_back(std::exchange(separator, ','));
        if (!std::visit(PartWriter{out}, part)) return false;
    }
    out.push_back(']');
    return true;
}

/// Gemini wants the signature of its thoughts back with the call that it belongs to; it travels in this member.
std::string_view replayed_member(const ToolCall& call) {
    constexpr std::string_view kName = "extra_content";
    if (call.raw_json.find(kName) == std::string::npos) return {};
    ExtraMembers sent;
    if (!sent.add(call.raw_json)) return {};
    const std::string_view* value = sent.find(kName);
    return value == nullptr ? std::string_view() : *value;
}

bool append_tool_call(std::string& out, const ToolCall& call) {
    if (call.type != "function" && !call.raw_json.empty()) {
        out += call.raw_json;
        return is_json_object(call.raw_json);
    }
    const bool custom = call.type == "custom";
    ObjectWriter object(out, kNoExtra);
    object.text("id", call.id);
    object.text("type", call.type);
    object.name(custom ? "custom" : "function");
    ObjectWriter body(out, kNoExtra);
    body.text("name", call.name);
    body.text(custom ? "input" : "arguments", call.arguments);
    body.close();
    if (const auto extra = replayed_member(call); !extra.empty()) object.json("extra_content", extra);
    object.close();
    return true;
}

std::optional<Error> append_tool_calls(std::string& out, const std::vector<ToolCall>& calls) {
    char separator = '[';
    for (const ToolCall& call : calls) {
        out.push_back(std::exchange(separator, ','));
        if (!append_tool_call(out, call))
            return invalid_request("raw_json of the tool call '" + call.id + "' is not a JSON object");
    }
    out.push_back(']');
    return std::nullopt;
}

std::optional<Error> append_message(std::string& out, const Message& message) {
    ExtraMembers extra;
    if (!extra.add(message.extra_json)) return invalid_request("extra_json is not a JSON object");
    ObjectWriter object(out, extra);
    object.text("role", name_of(message.role));
    if (object.name("content")) {
        const bool null_content = message.content.empty() && message.role == Role::assistant &&
                                  (!message.tool_calls.empty() || !message.refusal.empty());
        if (!message.parts.empty()) {
            if (!append_parts(out, message.parts)) return invalid_request("a RawPart is not a JSON object");
        } else if (null_content) {
            out += "null";
        } else {
            append_json_string(out, message.content);
        }
    }
    object.text_unless_empty("name", message.name);
    if (message.role == Role::tool || !message.tool_call_id.empty()) object.text("tool_call_id", message.tool_call_id);
    object.text_unless_empty("refusal", message.refusal);
    if (!message.tool_calls.empty() && object.name("tool_calls")) {
        if (auto error = append_tool_calls(out, message.tool_calls)) return error;
    }
    object.close();
    return std::nullopt;
}

std::optional<Error> append_tool(std::string& out, const Tool& tool) {
    ExtraMembers extra;
    if (!extra.add(tool.extra_json)) return invalid_request("extra_json is not a JSON object");
    if (!tool.parameters_json.empty() && !is_json_object(tool.parameters_json)) {
        return invalid_request("parameters_json is not a JSON object");
    }
    ObjectWriter object(out, extra);
    object.text("type", "function");
    // A tool of another type describes itself in extra_json.
    const bool is_function = !tool.name.empty() || !extra.has("type");
    if (is_function && object.name("function")) {
        ObjectWriter function(out, kNoExtra);
        function.text("name", tool.name);
        function.text_unless_empty("description", tool.description);
        if (!tool.parameters_json.empty()) function.json("parameters", tool.parameters_json);
        function.flag("strict", tool.strict);
        function.close();
    }
    object.close();
    return std::nullopt;
}

}  // namespace

Error invalid_request(std::string message) {
    Error error;
    error.code = ErrorCode::invalid_request;
    error.message = std::move(message);
    return error;
}

std::optional<Error> append_messages(std::string& out, const std::vector<Message>& messages) {
    char separator = '[';
    for (const Message& message : messages) {
        out.push_back(std::exchange(separator, ','));
        if (auto error = append_message(out, message)) {
            const auto position = static_cast<std::size_t>(&message - messages.data());
            error->message = "messages[" + std::to_string(position) + "]: " + error->message;
            return error;
        }
    }
    out.push_back(']');
    return std::nullopt;
}

std::optional<Error> append_tools(std::string& out, const std::vector<Tool>& tools) {
    char separator = '[';
    for (const Tool& tool : tools) {
        out.push_back(std::exchange(separator, ','));
        if (auto error = append_tool(out, tool)) {
            error->message = "tool '" + tool.name + "': " + error->message;
            return error;
        }
    }
    out.push_back(']');
    return std::nullopt;
}

}  // namespace holysheep::wire
