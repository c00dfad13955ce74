// Implements the endpoints of a gateway: checks the key and the request, then builds a deterministic answer.
// ParsedRequest → [gateway answer] → fault script → bytes
#include "testing/gateway_answer.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>

#include "testing/answer_text.hpp"

namespace holysheep::inline v0::testing {
namespace {

using Json = nlohmann::json;

const std::vector<std::string> kModels = {"gpt-4.1",          "gpt-4.1-mini",  "claude-sonnet-4.5",
                                          "gemini-2.5-flash", "deepseek-v3.2", "text-embedding-3-small"};

GatewayAnswer refusal(int status, std::string body) {
    GatewayAnswer answer;
    answer.status = status;
    answer.body = std::move(body);
    return answer;
}

GatewayAnswer bad_request(std::string_view message, std::string_view param = {}) {
    return refusal(400, answer_text::error_json(message, "invalid_request_error", "", param));
}

std::string text_of(const Json& content) {
    if (content.is_string()) return content.get<std::string>();
    std::string text;
    if (content.is_array())
        for (const Json& part : content)
            if (part.is_object() && part.value("text", Json()).is_string()) text += part["text"].get<std::string>();
    return text;
}

std::string last_user_text(const Json& messages) {
    for (auto message = messages.rbegin(); message != messages.rend(); ++message)
        if (message->is_object() && message->value("role", Json()) == Json("user"))
            return text_of(message->value("content", Json()));
    return {};
}

bool ends_with_tool_result(const Json& messages) {
    return messages.back().is_object() && messages.back().value("role", Json()) == Json("tool");
}

// Splits the words of the text into exactly `count` pieces: pads if there are too few, groups if there are too many.
std::vector<std::string> pieces_of(std::string_view text, int count) {
    std::vector<std::string> words;
    while (!text.empty()) {
        const auto end = std::min(text.find(' ', 1), text.size());
        words.emplace_back(text.substr(0, end));
        text.remove_prefix(end);
    }
    const auto wanted = static_cast<std::size_t>(std::max(count, 1));
    while (words.size() < wanted) words.emplace_back(" baa");
    std::vector<std::string> pieces(wanted);
    for (std::size_t i = 0; i < words.size(); ++i) pieces[i * wanted / words.size()] += words[i];
    return pieces;
}

// The smallest value that a JSON schema of the usual kind accepts.
Json value_for(const Json& schema, const std::string& text) {
    const auto type = schema.is_object() ? schema.value("type", Json()) : Json();
    if (schema.is_object() && schema.contains("enum") && schema["enum"].is_array() && !schema["enum"].empty())
        return schema["enum"][0];
    if (type == Json("integer") || type == Json("number")) return 1;
    if (type == Json("boolean")) return true;
    if (type == Json("array")) return Json::array();
    if (type == Json("object")) {
        Json object = Json::object();
        const Json properties = schema.value("properties", Json::object());
        for (const auto& [name, property] : properties.items()) object[name] = value_for(property, text);
        return object;
    }
    return text;
}

std::optional<answer_text::ToolCall> tool_call_for(const Json& request, const std::string& text, std::uint64_t serial) {
    const auto tools = request.find("tools");
    if (tools == request.end() || !tools->is_array() || tools->empty() || text.find("tool") == std::string::npos)
        return std::nullopt;
    const Json function = tools->front().is_object() ? tools->front().value("function", Json::object()) : Json();
    if (!function.is_object() || !function.value("name", Json()).is_string()) return std::nullopt;
    Json parameters = function.value("parameters", Json::object());
    if (parameters.is_object()) parameters["type"] = "object";
    return answer_text::ToolCall{
        .id = "call_" + std::to_string(serial),
        .name = function["name"].get<std::string>(),
        .arguments = value_for(parameters, text).dump(-1, ' ', false, Json::error_handler_t::replace)};
}

// Answers requests for JSON with JSON, and all others with an echo.
std::string answer_for(const Json& request, std::string_view region, const std::string& text) {
    const Json format = request.value("response_format", Json::object());
    const Json type = format.is_object() ? format.value("type", Json()) : Json();
    if (type == Json("json_object")) return Json{{"region", region}, {"echo", text}}.dump();
    if (type == Json("json_schema"))
        return value_for(format.value("json_schema", Json::object()).value("schema", Json::object()), text).dump();
    return "[" + std::string(region) + "] " + text;
}

int number_or(const Json& request, const char* name, int fallback) {
    const auto found = request.find(name);
    return found != request.end() && found->is_number_integer() ? found->get<int>() : fallback;
}

GatewayAnswer chat(const Json& request, const AnswerContext& context) {
    const auto messages = request.find("messages");
    if (messages == request.end() || !messages->is_array() || messages->empty())
        return bad_request("'messages' must be a non-empty array.", "messages");
    const int choices = number_or(request, "n", 1);
    if (choices < 1 || choices > 128) return bad_request("'n' must be between 1 and 128.", "n");

    const std::string text = last_user_text(*messages);
    answer_text::Completion completion;
    completion.id = "chatcmpl-" + std::string(context.region) + "-" + std::to_string(context.serial);
    completion.model = request["model"].get<std::string>();
    completion.created = context.unix_time;
    completion.choices = choices;
    completion.prompt_tokens = static_cast<std::int64_t>(1 + text.size() / 4);
    if (!ends_with_tool_result(*messages)) completion.tool_call = tool_call_for(request, text, context.serial);
    if (completion.tool_call) {
        completion.finish_reason = "tool_calls";
    } else {
        const std::string answer = ends_with_tool_result(*messages)
                                       ? "[" + std::string(context.region) +
                                             "] the tool said: " + text_of(messages->back().value("content", Json()))
                                       : answer_for(request, context.region, text);
        const bool is_json = answer.starts_with('{');
        completion.pieces = is_json ? std::vector{answer} : pieces_of(answer, context.chunks);
        const int limit = number_or(request, "max_completion_tokens", number_or(request, "max_tokens", 1'000'000));
        if (limit > 0 && static_cast<std::size_t>(limit) < completion.pieces.size()) {
            completion.pieces.resize(static_cast<std::size_t>(limit));
            completion.finish_reason = "length";
        }
    }

    GatewayAnswer answer;
    if (request.value("stream", Json()) == Json(true)) {
        const Json options = request.value("stream_options", Json::object());
        const bool usage = options.is_object() && options.value("include_usage", Json()) == Json(true);
        auto stream = answer_text::stream_events(completion, {.usage = usage});
        answer.streamed = true;
        answer.content_type = "text/event-stream";
        answer.events = std::move(stream.events);
        answer.content_events = stream.content_events;
    } else {
        answer.body = answer_text::completion_json(completion);
    }
    return answer;
}

GatewayAnswer embeddings(const Json& request) {
    const auto input = request.find("input");
    if (input == request.end()) return bad_request("'input' is required.", "input");
    const std::size_t count = input->is_array() && !input->empty() && !input->front().is_number() ? input->size() : 1;
    const auto dimensions = static_cast<std::size_t>(std::clamp(number_or(request, "dimensions", 8), 1, 4096));
    Json rows = Json::array();
    for (std::size_t row = 0; row < count; ++row) {
        Json vector = Json::array();
        for (std::size_t i = 0; i < dimensions; ++i)
            vector.push_back(static_cast<double>((row + 1) * (i + 1) % 17) / 17.0 - 0.5);
        rows.push_back({{"object", "embedding"}, {"index", row}, {"embedding", std::move(vector)}});
    }
    GatewayAnswer answer;
    answer.body = Json{{"object", "list"},
                       {"data", std::move(rows)},
                       {"model", request["model"]},
                       {"usage", {{"prompt_tokens", 4 * count}, {"total_tokens", 4 * count}}}}
                      .dump();
    return answer;
}

GatewayAnswer post(std::string_view path, const ParsedRequest& request, const AnswerContext& context) {
    const Json json = Json::parse(request.body, nullptr, false);
    if (json.is_discarded() || !json.is_object())
        return bad_request("We could not parse the JSON body of your request.");
    const auto model = json.find("model");
    if (model == json.end() || !model->is_string()) return bad_request("you must provide a model parameter", "model");
    if (*model == Json("missing-model"))
        return refusal(404,
                       answer_text::error_json("The model `missing-model` does not exist or you do not have access.",
                                               "invalid_request_error", "model_not_found", "model"));
    return path.ends_with("/chat/completions") ? chat(json, context) : embeddings(json);
}

GatewayAnswer route(const ParsedRequest& request, const AnswerContext& context) {
    if (!context.api_key.empty() && request.header("authorization") != "Bearer " + std::string(context.api_key))
        return refusal(401, answer_text::error_json_for_status(401));
    const std::string_view path = std::string_view(request.path).substr(0, request.path.find('?'));
    const bool posts = path.ends_with("/chat/completions") || path.ends_with("/embeddings");
    const bool reads = path.ends_with("/models");
    if (!posts && !reads)
        return refusal(404, answer_text::error_json("Unknown request URL: " + request.method + " " + std::string(path),
                                                    "invalid_request_error", "unknown_url"));
    const bool is_read = request.method == "GET" || request.method == "HEAD";
    if (reads != is_read || (posts && request.method != "POST"))
        return refusal(405, answer_text::error_json("Not allowed to " + request.method + " on " + std::string(path),
                                                    "invalid_request_error", "method_not_supported"));
    if (posts) return post(path, request, context);
    GatewayAnswer answer;
    answer.body = answer_text::models_json(kModels);
    return answer;
}

std::string http_date(std::int64_t unix_time) {
    const auto seconds = static_cast<std::time_t>(unix_time);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    std::array<char, 64> text{};
    return {text.data(), std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

}  // namespace

GatewayAnswer answer_request(const ParsedRequest& request, const AnswerContext& context) {
    GatewayAnswer answer;
    try {
        answer = route(request, context);
    } catch (const Json::exception&) {
        answer = bad_request("A member of the request has the wrong type.");
    }
    answer.headers = {{"date", http_date(context.unix_time)},
                      {"server", "holysheep-simulator"},
                      {"x-request-id", "req_" + std::string(context.region) + "_" + std::to_string(context.serial)},
                      {"openai-processing-ms", "1"},
                      {"x-ratelimit-limit-requests", "10000"},
                      {"x-ratelimit-remaining-requests", "9999"},
                      {"x-ratelimit-reset-requests", "6ms"},
                      {"x-ratelimit-limit-tokens", "2000000"},
                      {"x-ratelimit-remaining-tokens", "1999000"},
                      {"x-ratelimit-reset-tokens", "30ms"}};
    if (answer.streamed) answer.headers.emplace_back("cache-control", "no-cache");
    return answer;
}

void set_header(std::vector<std::pair<std::string, std::string>>& headers, std::string_view name,
                std::string_view value) {
    std::erase_if(headers, [name](const auto& header) { return same_ignoring_case(header.first, name); });
    headers.emplace_back(name, value);
}

}  // namespace holysheep::inline v0::testing
