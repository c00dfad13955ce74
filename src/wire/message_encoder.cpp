// Encodes messages. An assistant message with tool calls and no text gets `"content":null`, never `[]`, which some
// servers reject.
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

/// Writes one part; returns false if its JSON is not a JSON object.
struct PartWriter {
    std::string& out;

    bool operator()(const TextPart& part) const {
        return write(part.extra_json, "text", "text", [&] { append_json_string(out, part.text); });
    }
    bool operator()(const ImagePart& part) const {
        return write(part.extra_json, "image_url", "image_url", [&] {
            ObjectWriter image(out, kNoExtra);
            image.text("url", part.url);
            image.text_unless_empty("detail", part.detail);
            image.close();
        });
    }
    bool operator()(const AudioPart& part) const {
        return write(part.extra_json, "input_audio", "input_audio", [&] {
            ObjectWriter audio(out, kNoExtra);
            audio.text("data", part.data_base64);
            audio.text("format", part.format);
            audio.close();
        });
    }
    bool operator()(const FilePart& part) const {
        return write(part.extra_json, "file", "file", [&] {
            ObjectWriter file(out, kNoExtra);
            file.text_unless_empty("filename", part.filename);
            file.text_unless_empty("file_data", part.data_base64);
            file.text_unless_empty("file_id", part.file_id);
            file.close();
        });
    }
    bool operator()(const RawPart& part) const {
        out += part.json;
        return is_json_object(part.json);
    }
    bool operator()(const RefusalPart& part) const {
        return write(part.extra_json, "refusal", "refusal", [&] { append_json_string(out, part.refusal); });
    }

  private:
    /// `{"type":kind,member:…}`, with the caller's members merged over it.
    template <class WriteValue>
    bool write(std::string_view extra_json, std::string_view kind, std::string_view member,
               WriteValue&& write_value) const {
        ExtraMembers extra;
        if (!extra.add(extra_json)) return false;
        ObjectWriter object(out, extra);
        object.text("type", kind);
        if (object.name(member)) write_value();
        object.close();
        return true;
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

/// Members in which providers send the reasoning data that they need back.
constexpr std::string_view kReasoningMembers[] = {
    "reasoning_details", "reasoning_content", "reasoning",         "reasoning_text",    "reasoning_opaque",
    "reasoning_summary", "thinking",          "thinking_blocks",   "redacted_thinking", "encrypted_content",
    "signature",         "extra_content",     "thought_signature", "thought_signatures"};

/// The member in which reasoning is sent back; "" if its text is sent inside other members.
std::string_view reasoning_member(const Message& message) {
    const std::string_view name = message.reasoning_name;
    if (name == "reasoning_details" || name == "thinking_blocks" || name == "thinking") return {};
    if (name == "message.thinking") return "thinking";
    return name == "reasoning" || name == "reasoning_text" ? name : "reasoning_content";
}

/// The JSON text of a member, "" if absent.
std::string_view member_of(std::string_view json, std::string_view name) {
    ExtraMembers members;
    if (json.empty() || !members.add(json)) return {};
    const std::string_view* value = members.find(name);
    return value == nullptr ? std::string_view() : *value;
}

/// Gemini needs the signature of its thoughts back with the call that it belongs to; it is sent in these members, of
/// the call or of its function.
void append_signatures(ObjectWriter& object, std::string_view json) {
    if (json.empty()) return;
    ExtraMembers sent;
    if (!sent.add(json)) return;
    for (const std::string_view name : {"extra_content", "thought_signature"}) {
        if (const std::string_view* value = sent.find(name)) object.json(name, *value);
    }
}

bool append_tool_call(std::string& out, const ToolCall& call, ReasoningReplay replay) {
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
    if (replay != ReasoningReplay::none) append_signatures(body, member_of(call.raw_json, "function"));
    body.close();
    if (replay != ReasoningReplay::none) append_signatures(object, call.raw_json);
    object.close();
    return true;
}

std::optional<Error> append_tool_calls(std::string& out, const std::vector<ToolCall>& calls, ReasoningReplay replay) {
    char separator = '[';
    for (const ToolCall& call : calls) {
        out.push_back(std::exchange(separator, ','));
        if (!append_tool_call(out, call, replay))
            return invalid_request("raw_json of the tool call '" + call.id + "' is not a JSON object");
    }
    out.push_back(']');
    return std::nullopt;
}

/// Reasoning that was received as parts is sent back as parts, before the text.
void append_thinking_content(std::string& out, const Message& message) {
    out += "[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":";
    append_json_string(out, message.reasoning);
    out += "}]}";
    if (!message.content.empty()) {
        out += ",{\"type\":\"text\",\"text\":";
        append_json_string(out, message.content);
        out += '}';
    }
    out += ']';
}

/// Returns false if a part's JSON is not a JSON object.
bool append_content(std::string& out, const Message& message, bool thinking) {
    const bool null_content = message.content.empty() && message.role == Role::assistant &&
                              (!message.tool_calls.empty() || !message.refusal.empty());
    if (!message.parts.empty()) return append_parts(out, message.parts);
    if (thinking) {
        append_thinking_content(out, message);
    } else if (null_content) {
        out += "null";
    } else {
        append_json_string(out, message.content);
    }
    return true;
}

std::optional<Error> append_message(std::string& out, const Message& message, ReasoningReplay replay) {
    ExtraMembers extra;
    if (!extra.add(message.extra_json)) return invalid_request("extra_json is not a JSON object");
    if (replay == ReasoningReplay::none) {
        for (const std::string_view name : kReasoningMembers) extra.remove(name);
    }
    const bool reasons = replay == ReasoningReplay::all && !message.reasoning.empty();
    const bool thinking = reasons && message.reasoning_name == "thinking";
    const std::string_view reasoning_name = reasons ? reasoning_member(message) : std::string_view();
    ObjectWriter object(out, extra);
    object.text("role", name_of(message.role));
    if (object.name("content") && !append_content(out, message, thinking)) {
        return invalid_request("the JSON of a part (RawPart::json or a part's extra_json) is not a JSON object");
    }
    if (!reasoning_name.empty()) object.text(reasoning_name, message.reasoning);
    object.text_unless_empty("name", message.name);
    if (message.role == Role::tool || !message.tool_call_id.empty()) object.text("tool_call_id", message.tool_call_id);
    object.text_unless_empty("refusal", message.refusal);
    if (!message.tool_calls.empty() && object.name("tool_calls")) {
        if (auto error = append_tool_calls(out, message.tool_calls, replay)) return error;
    }
    object.close();
    return std::nullopt;
}

void append_custom_tool(std::string& out, const Tool& tool) {
    ObjectWriter custom(out, kNoExtra);
    custom.text("name", tool.name);
    custom.text_unless_empty("description", tool.description);
    if (!tool.format_json.empty()) custom.json("format", tool.format_json);
    custom.close();
}

void append_function_tool(std::string& out, const Tool& tool) {
    ObjectWriter function(out, kNoExtra);
    function.text("name", tool.name);
    function.text_unless_empty("description", tool.description);
    if (!tool.parameters_json.empty()) function.json("parameters", tool.parameters_json);
    function.flag("strict", tool.strict);
    function.close();
}

std::optional<Error> append_tool(std::string& out, const Tool& tool) {
    ExtraMembers extra;
    if (!extra.add(tool.extra_json)) return invalid_request("extra_json is not a JSON object");
    if (!tool.parameters_json.empty() && !is_json_object(tool.parameters_json)) {
        return invalid_request("parameters_json is not a JSON object");
    }
    if (!tool.format_json.empty() && !is_json_object(tool.format_json)) {
        return invalid_request("format_json is not a JSON object");
    }
    const std::string_view kind = wire_name(tool.kind);
    ObjectWriter object(out, extra);
    object.text("type", kind);
    // A tool of another type is described by its extra_json.
    const bool is_described = !tool.name.empty() || !extra.has("type");
    if (is_described && object.name(kind)) {
        tool.kind == Tool::Kind::custom ? append_custom_tool(out, tool) : append_function_tool(out, tool);
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

std::string_view wire_name(Tool::Kind kind) { return kind == Tool::Kind::custom ? "custom" : "function"; }

std::optional<Error> append_messages(std::string& out, const std::vector<Message>& messages, ReasoningReplay replay) {
    char separator = '[';
    for (const Message& message : messages) {
        out.push_back(std::exchange(separator, ','));
        if (auto error = append_message(out, message, replay)) {
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
