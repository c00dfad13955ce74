// Encodes the request body in one pass. The model comes first, so that another name can take its place.
#include "wire/chat_encoder.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <variant>

#include "wire/json_cursor.hpp"
#include "wire/message_encoder.hpp"
#include "wire/object_writer.hpp"

namespace holysheep::wire {
namespace {

const ExtraMembers kNoExtra{};

bool has_control_character(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7F'; });
}

/// The length of a part's text; pictures are long.
struct PartSize {
    std::size_t operator()(const TextPart& part) const { return part.text.size() + part.text.size() / 16; }
    std::size_t operator()(const ImagePart& part) const { return part.url.size(); }
    std::size_t operator()(const AudioPart& part) const { return part.data_base64.size(); }
    std::size_t operator()(const FilePart& part) const { return part.data_base64.size(); }
    std::size_t operator()(const RawPart& part) const { return part.json.size(); }
    std::size_t operator()(const RefusalPart& part) const { return part.refusal.size(); }
};

/// Usually enough for the whole body, so that the string does not have to grow.
std::size_t estimated_size(const ChatRequest& request) {
    std::size_t size = 256;
    for (const Message& message : request.messages) {
        size += 64 + message.content.size() + message.content.size() / 16 + message.extra_json.size();
        size += message.tool_calls.size() * 128;
        for (const ContentPart& part : message.parts) size += 64 + std::visit(PartSize{}, part);
    }
    for (const Tool& tool : request.tools) size += 96 + tool.description.size() + tool.parameters_json.size();
    return size;
}

std::optional<Error> check(const ChatRequest& request, bool stream, const ExtraMembers& extra,
                           std::string_view chosen_model) {
    if (request.model.empty() && chosen_model.empty() && !extra.has("model"))
        return invalid_request("the request names no model");
    if (has_control_character(request.model)) return invalid_request("the model's name has control characters");
    const auto& choice = request.tool_choice;
    if (choice && choice->mode == ToolChoice::Mode::named && choice->name.empty()) {
        return invalid_request("tool_choice: 'named' needs the name of a tool");
    }
    if (request.messages.empty() && !extra.has("messages")) return invalid_request("the request has no messages");
    const std::string_view* streamed = extra.find("stream");
    if (streamed != nullptr && *streamed != (stream ? "true" : "false")) {
        return invalid_request("extra_json cannot set 'stream': the method that is called decides");
    }
    for (const auto& [name, value] : {std::pair{"temperature", request.temperature}, std::pair{"top_p", request.top_p},
                                      std::pair{"frequency_penalty", request.frequency_penalty},
                                      std::pair{"presence_penalty", request.presence_penalty}}) {
        if (value && !std::isfinite(*value)) return invalid_request(std::string(name) + " is not a finite number");
    }
    const auto& format = request.response_format;
    if (format && format->kind == ResponseFormat::Kind::json_schema && !format->schema_json.empty() &&
        !is_json_object(format->schema_json)) {
        return invalid_request("response_format: schema_json is not a JSON object");
    }
    return std::nullopt;
}

std::optional<Error> add_extra(ExtraMembers& extra, const ChatRequest& request, std::string_view call_extra_json) {
    if (!extra.add(request.extra_json)) return invalid_request("the request's extra_json is not a JSON object");
    if (!extra.add(call_extra_json)) return invalid_request("the call's extra_json is not a JSON object");
    return std::nullopt;
}

void append_texts(std::string& out, const std::vector<std::string>& texts) {
    char separator = '[';
    for (const std::string& text : texts) {
        out.push_back(std::exchange(separator, ','));
        append_json_string(out, text);
    }
    out.push_back(']');
}

void write_stop(ObjectWriter& body, std::string& out, const std::vector<std::string>& stop) {
    if (stop.empty() || !body.name("stop")) return;
    // Servers that support only one stop sequence expect a plain string.
    stop.size() == 1 ? append_json_string(out, stop.front()) : append_texts(out, stop);
}

void write_stream_options(ObjectWriter& body, std::string& out, const ChatRequest& request) {
    if (!request.include_usage && !request.include_obfuscation) return;
    if (!body.name("stream_options")) return;
    ObjectWriter options(out, kNoExtra);
    options.flag("include_usage", request.include_usage);
    options.flag("include_obfuscation", request.include_obfuscation);
    options.close();
}

void write_prediction(ObjectWriter& body, std::string& out, const std::string& prediction) {
    if (prediction.empty() || !body.name("prediction")) return;
    out += R"({"type":"content","content":)";
    append_json_string(out, prediction);
    out += '}';
}

/// `{"type":"function","function":{"name":…}}`, or the same with "custom".
void append_tool_reference(std::string& out, const std::vector<Tool>& tools, std::string_view name) {
    const auto tool = std::find_if(tools.begin(), tools.end(), [&](const Tool& t) { return t.name == name; });
    const std::string_view kind = wire_name(tool == tools.end() ? Tool::Kind::function : tool->kind);
    out += "{\"type\":\"";
    out += kind;
    out += "\",\"";
    out += kind;
    out += "\":{\"name\":";
    append_json_string(out, name);
    out += "}}";
}

void append_allowed_tools(std::string& out, const std::vector<Tool>& tools, const ToolChoice& choice) {
    const bool required = choice.mode == ToolChoice::Mode::required;
    out += R"({"type":"allowed_tools","allowed_tools":{"mode":)";
    out += required ? "\"required\",\"tools\":" : "\"auto\",\"tools\":";
    char separator = '[';
    for (const std::string& name : choice.allowed) {
        out.push_back(std::exchange(separator, ','));
        append_tool_reference(out, tools, name);
    }
    out += "]}}";
}

void write_tool_choice(ObjectWriter& body, std::string& out, const ChatRequest& request) {
    const ToolChoice& choice = *request.tool_choice;
    if (!body.name("tool_choice")) return;
    switch (choice.mode) {
        case ToolChoice::Mode::automatic:
        case ToolChoice::Mode::required:
            if (!choice.allowed.empty()) return append_allowed_tools(out, request.tools, choice);
            out += choice.mode == ToolChoice::Mode::required ? "\"required\"" : "\"auto\"";
            return;
        case ToolChoice::Mode::none: out += "\"none\""; return;
        case ToolChoice::Mode::named: return append_tool_reference(out, request.tools, choice.name);
    }
}

void write_response_format(ObjectWriter& body, std::string& out, const ResponseFormat& format) {
    if (!body.name("response_format")) return;
    switch (format.kind) {
        case ResponseFormat::Kind::text: out += "{\"type\":\"text\"}"; return;
        case ResponseFormat::Kind::json_object: out += "{\"type\":\"json_object\"}"; return;
        case ResponseFormat::Kind::json_schema: break;
    }
    out += "{\"type\":\"json_schema\",\"json_schema\":";
    ObjectWriter schema(out, kNoExtra);
    schema.text_unless_empty("name", format.name);
    schema.text_unless_empty("description", format.description);
    if (!format.schema_json.empty()) schema.json("schema", format.schema_json);
    schema.flag("strict", format.strict);
    schema.close();
    out += '}';
}

void write_maps(ObjectWriter& body, std::string& out, const ChatRequest& request) {
    if (!request.logit_bias.empty() && body.name("logit_bias")) {
        char separator = '{';
        for (const auto& [token, bias] : request.logit_bias) {
            out.push_back(std::exchange(separator, ','));
            append_json_string(out, token);
            out.push_back(':');
            append_json_number(out, std::int64_t{bias});
        }
        out.push_back('}');
    }
    if (!request.metadata.empty() && body.name("metadata")) {
        char separator = '{';
        for (const auto& [key, value] : request.metadata) {
            out.push_back(std::exchange(separator, ','));
            append_json_string(out, key);
            out.push_back(':');
            append_json_string(out, value);
        }
        out.push_back('}');
    }
}

void write_sampling(ObjectWriter& body, const ChatRequest& request) {
    body.number("temperature", request.temperature);
    body.number("top_p", request.top_p);
    body.number("max_completion_tokens", request.max_completion_tokens);
    body.number("max_tokens", request.max_tokens);
    if (request.n) body.number("n", std::optional<std::int64_t>(*request.n));
    body.number("seed", request.seed);
    body.number("frequency_penalty", request.frequency_penalty);
    body.number("presence_penalty", request.presence_penalty);
    body.flag("logprobs", request.logprobs);
    if (request.top_logprobs) body.number("top_logprobs", std::optional<std::int64_t>(*request.top_logprobs));
}

void write_rest(ObjectWriter& body, std::string& out, const ChatRequest& request, bool stream) {
    write_stop(body, out, request.stop);
    write_maps(body, out, request);
    if (request.response_format) write_response_format(body, out, *request.response_format);
    if (request.tool_choice) write_tool_choice(body, out, request);
    body.flag("parallel_tool_calls", request.parallel_tool_calls);
    body.text_unless_empty("reasoning_effort", request.reasoning_effort);
    body.text_unless_empty("verbosity", request.verbosity);
    body.text_unless_empty("service_tier", request.service_tier);
    body.text_unless_empty("user", request.user);
    body.text_unless_empty("safety_identifier", request.safety_identifier);
    body.text_unless_empty("prompt_cache_key", request.prompt_cache_key);
    body.flag("store", request.store);
    if (!request.modalities.empty() && body.name("modalities")) append_texts(out, request.modalities);
    write_prediction(body, out, request.prediction);
    if (!stream) return;
    body.flag("stream", true);
    write_stream_options(body, out, request);
}

/// The model that the body names: the chosen one, else that of the caller's JSON, else the typed member. Removes it
/// from the JSON.
std::string take_model(const ChatRequest& request, ExtraMembers& extra, std::string_view chosen_model) {
    std::string model(chosen_model.empty() ? std::string_view(request.model) : chosen_model);
    const auto* value = extra.find("model");
    if (value == nullptr) return model;
    std::string scratch;
    std::string_view named;
    if (chosen_model.empty() && JsonCursor(*value, scratch).read_string(named)) model = named;
    extra.remove("model");
    return model;
}

}  // namespace

Result<EncodedChat> encode_chat(const ChatRequest& request, bool stream, std::string_view call_extra_json,
                                std::string_view chosen_model) {
    ExtraMembers extra;
    if (auto error = add_extra(extra, request, call_extra_json)) return *std::move(error);
    if (auto error = check(request, stream, extra, chosen_model)) return *std::move(error);
    auto model = take_model(request, extra, chosen_model);

    std::string out;
    out.reserve(estimated_size(request));
    ObjectWriter body(out, extra);
    body.name("model");
    EncodedChat chat{.model = std::move(model), .name_at = out.size()};
    append_json_string(out, chat.model);
    chat.name_size = out.size() - chat.name_at;
    if (body.name("messages")) {
        if (auto error = append_messages(out, request.messages, request.reasoning_replay)) return *std::move(error);
    }
    write_sampling(body, request);
    if (!request.tools.empty() && body.name("tools")) {
        if (auto error = append_tools(out, request.tools)) return *std::move(error);
    }
    write_rest(body, out, request, stream);
    body.close();
    chat.body = std::move(out);
    return chat;
}

Result<std::string> model_in_extra(const ChatRequest& request, std::string_view call_extra_json) {
    if (request.extra_json.empty() && call_extra_json.empty()) return std::string();
    ExtraMembers extra;
    if (auto error = add_extra(extra, request, call_extra_json)) return *std::move(error);
    const auto* value = extra.find("model");
    if (value == nullptr) return std::string();
    std::string scratch;
    std::string_view model;
    if (!JsonCursor(*value, scratch).read_string(model) || model.empty() || has_control_character(model)) {
        return invalid_request("extra_json: 'model' is not the name of a model");
    }
    return std::string(model);
}

RequestBody body_for_model(const EncodedChat& chat, std::string_view model) {
    if (model == chat.model) return chat.body;
    const auto text = chat.body.view();
    std::string body;
    body.reserve(text.size() + model.size() + 16);
    body += text.substr(0, chat.name_at);
    append_json_string(body, model);
    body += text.substr(chat.name_at + chat.name_size);
    return body;
}

}  // namespace holysheep::wire
