// What makes an answer unfit for a parser, told before the parser sees it.
#include <holysheep/structured.hpp>

#include <utility>

namespace holysheep {
inline namespace v0 {

namespace {

Error not_whole(ErrorCode code, std::string provider_code, std::string message, ChatCompletion&& answer) {
    Error error{.code = code, .message = std::move(message), .provider_code = std::move(provider_code)};
    error.region = answer.region;
    error.model = answer.requested_model;
    error.request_id = answer.request_id;
    error.attempts = answer.attempts;
    error.partial = std::make_shared<const ChatCompletion>(std::move(answer));
    return error;
}

}  // namespace

ResponseFormat json_schema(std::string name, std::string schema, bool strict) {
    return {.kind = ResponseFormat::Kind::json_schema,
            .name = std::move(name),
            .schema_json = std::move(schema),
            .strict = strict};
}

Result<ChatCompletion> chat_whole(Client& client, ChatRequest request, CallOptions options) {
    auto answer = client.chat(std::move(request), std::move(options));
    if (!answer || answer->choices.empty()) return answer;
    const auto& choice = answer->choices.front();
    if (!choice.message.refusal.empty()) {
        return not_whole(ErrorCode::content_filtered, "refusal", "the model refused: " + choice.message.refusal,
                         std::move(*answer));
    }
    if (choice.finish_reason == FinishReason::content_filter) {
        return not_whole(ErrorCode::content_filtered, "content_filter", "a content filter ended the answer",
                         std::move(*answer));
    }
    if (choice.finish_reason == FinishReason::length) {
        return not_whole(ErrorCode::malformed_response, "length",
                         "the answer was cut at its token limit: allow more max_completion_tokens", std::move(*answer));
    }
    return answer;
}

Error detail::wrong_shape(ChatCompletion answer, std::string_view why) {
    return not_whole(ErrorCode::malformed_response, {},
                     "the answer does not have the expected shape: " + std::string(why), std::move(answer));
}

}  // namespace v0
}  // namespace holysheep
