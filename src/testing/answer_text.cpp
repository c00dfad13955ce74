// Builds the JSON and event-stream texts of a gateway's answers. Stream chunks are concatenated by hand: a load test
// would otherwise measure the simulator.
// request → [answer text] → FakeTransport, GatewaySimulator
#include "testing/answer_text.hpp"

#include <nlohmann/json.hpp>

namespace holysheep::inline v0::testing::answer_text {
namespace {

using Json = nlohmann::json;

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::int64_t completion_tokens(const Completion& completion) {
    const auto tokens = completion.tool_call ? std::int64_t{12} : static_cast<std::int64_t>(completion.pieces.size());
    return tokens * completion.choices;
}

std::string usage_json(const Completion& completion) {
    const auto output = completion_tokens(completion);
    return R"({"prompt_tokens":)" + std::to_string(completion.prompt_tokens) + R"(,"completion_tokens":)" +
           std::to_string(output) + R"(,"total_tokens":)" + std::to_string(completion.prompt_tokens + output) +
           R"(,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}})";
}

std::string head_members(const Completion& completion, std::string_view object) {
    return R"({"id":)" + json_string(completion.id) + R"(,"object":")" + std::string(object) + R"(","created":)" +
           std::to_string(completion.created) + R"(,"model":)" + json_string(completion.model);
}

std::string message_json(const Completion& completion) {
    if (completion.tool_call) {
        const ToolCall& call = *completion.tool_call;
        return R"({"role":"assistant","content":null,"refusal":null,"tool_calls":[{"id":)" + json_string(call.id) +
               R"(,"type":"function","function":{"name":)" + json_string(call.name) + R"(,"arguments":)" +
               json_string(call.arguments) + "}}]}";
    }
    std::string text;
    for (const auto& piece : completion.pieces) text += piece;
    return R"({"role":"assistant","content":)" + json_string(text) + R"(,"refusal":null})";
}

class EventWriter {
  public:
    explicit EventWriter(const Completion& completion)
        : start_("data: " + head_members(completion, "chat.completion.chunk")) {}

    std::string delta(int choice, std::string_view delta_json, std::string_view finish_reason_json = "null") const {
        return start_ + R"(,"choices":[{"index":)" + std::to_string(choice) + R"(,"delta":)" + std::string(delta_json) +
               R"(,"logprobs":null,"finish_reason":)" + std::string(finish_reason_json) + "}]}\n\n";
    }
    std::string usage(std::string_view usage) const {
        return start_ + R"(,"choices":[],"usage":)" + std::string(usage) + "}\n\n";
    }

  private:
    std::string start_;
};

// The arguments are sent in two portions, split where a careless reader would lose the second.
void add_tool_call(StreamEvents& stream, const EventWriter& write, int choice, const ToolCall& call) {
    const auto half = call.arguments.size() / 2;
    stream.events.push_back(write.delta(choice, R"({"tool_calls":[{"index":0,"id":)" + json_string(call.id) +
                                                    R"(,"type":"function","function":{"name":)" +
                                                    json_string(call.name) + R"(,"arguments":""}}]})"));
    for (const auto& part : {call.arguments.substr(0, half), call.arguments.substr(half)})
        stream.events.push_back(
            write.delta(choice, R"({"tool_calls":[{"index":0,"function":{"arguments":)" + json_string(part) + "}}]}"));
    stream.content_events += 3;
}

}  // namespace

std::string json_string(std::string_view text) { return dump(Json(text)); }

std::string completion_json(const Completion& completion) {
    std::string json = head_members(completion, "chat.completion") + R"(,"choices":[)";
    for (int choice = 0; choice < completion.choices; ++choice) {
        if (choice > 0) json += ',';
        json += R"({"index":)" + std::to_string(choice) + R"(,"message":)" + message_json(completion) +
                R"(,"logprobs":null,"finish_reason":)" + json_string(completion.finish_reason) + "}";
    }
    return json + R"(],"usage":)" + usage_json(completion) + R"(,"system_fingerprint":"fp_sheep"})";
}

StreamEvents stream_events(const Completion& completion, StreamMarks marks) {
    const EventWriter write(completion);
    StreamEvents stream;
    const auto each_choice = [&completion](auto&& action) {
        for (int choice = 0; choice < completion.choices; ++choice) action(choice);
    };
    std::string roles;
    each_choice([&](int choice) {
        roles += write.delta(choice, completion.tool_call ? R"({"role":"assistant","content":null})"
                                                          : R"({"role":"assistant","content":""})");
    });
    stream.events.push_back(std::move(roles));
    if (completion.tool_call) {
        each_choice([&](int choice) { add_tool_call(stream, write, choice, *completion.tool_call); });
    } else {
        for (const auto& piece : completion.pieces)
            each_choice([&](int choice) {
                stream.events.push_back(write.delta(choice, R"({"content":)" + json_string(piece) + "}"));
                ++stream.content_events;
            });
    }
    if (marks.finish_reason)
        each_choice([&](int choice) {
            stream.events.push_back(write.delta(choice, "{}", json_string(completion.finish_reason)));
        });
    if (marks.usage) stream.events.push_back(write.usage(usage_json(completion)));
    if (marks.done_marker) stream.events.emplace_back("data: [DONE]\n\n");
    return stream;
}

std::string error_json(std::string_view message, std::string_view type, std::string_view code, std::string_view param) {
    Json error = {{"message", message}, {"type", type}, {"param", nullptr}, {"code", nullptr}};
    if (!code.empty()) error["code"] = code;
    if (!param.empty()) error["param"] = param;
    return dump(Json{{"error", std::move(error)}});
}

std::string error_json_for_status(int status) {
    switch (status) {
        case 400: return error_json("The request is not valid.", "invalid_request_error", "");
        case 401: return error_json("Incorrect API key provided.", "invalid_request_error", "invalid_api_key");
        case 402: return error_json("Insufficient balance.", "insufficient_quota", "insufficient_balance");
        case 403: return error_json("You are not allowed to do this.", "permission_error", "permission_denied");
        case 404: return error_json("The model does not exist.", "invalid_request_error", "model_not_found", "model");
        case 429: return error_json("Rate limit reached for requests.", "requests", "rate_limit_exceeded");
        case 503: return error_json("The engine is currently overloaded.", "service_unavailable_error", "overloaded");
        default: return error_json(reason_phrase(status), status >= 500 ? "server_error" : "invalid_request_error", "");
    }
}

std::string models_json(const std::vector<std::string>& ids) {
    Json list = Json::array();
    for (const auto& id : ids)
        list.push_back({{"id", id}, {"object", "model"}, {"created", 1'700'000'000}, {"owned_by", "holysheep"}});
    return dump(Json{{"object", "list"}, {"data", std::move(list)}});
}

std::string_view reason_phrase(int status) {
    switch (status) {
        case 200: return "OK";
        case 400: return "Bad Request";
        case 401: return "Unauthorized";
        case 402: return "Payment Required";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 408: return "Request Timeout";
        case 409: return "Conflict";
        case 413: return "Payload Too Large";
        case 422: return "Unprocessable Entity";
        case 429: return "Too Many Requests";
        case 431: return "Request Header Fields Too Large";
        case 500: return "Internal Server Error";
        case 502: return "Bad Gateway";
        case 503: return "Service Unavailable";
        case 504: return "Gateway Timeout";
        case 529: return "Overloaded";
        default: return status >= 500 ? "Server Error" : status >= 400 ? "Client Error" : "Answer";
    }
}

}  // namespace holysheep::inline v0::testing::answer_text
