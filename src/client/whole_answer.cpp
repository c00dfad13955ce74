// Detects incomplete answers. `Error::provider_code` is the enumerator's name, whatever the gateway sent, so that
// callers can compare it.
#include "client/whole_answer.hpp"

#include <memory>
#include <utility>

namespace holysheep::client {

Error unfit_answer(ErrorCode code, std::string provider_code, std::string message, ChatCompletion&& answer) {
    Error error{.code = code, .message = std::move(message), .provider_code = std::move(provider_code)};
    error.region = answer.region;
    error.model = answer.requested_model;
    error.request_id = answer.request_id;
    error.attempts = answer.attempts;
    error.partial = std::make_shared<const ChatCompletion>(std::move(answer));
    return error;
}

std::optional<Error> cut_or_blocked(ChatCompletion& answer) {
    if (answer.choices.empty()) return std::nullopt;
    switch (answer.choices.front().finish_reason) {
        case FinishReason::content_filter:
            return unfit_answer(ErrorCode::content_filtered, "content_filter", "a content filter ended the answer",
                                std::move(answer));
        case FinishReason::length:
            return unfit_answer(ErrorCode::malformed_response, "length",
                                "the answer was cut at its token limit: allow more max_completion_tokens",
                                std::move(answer));
        case FinishReason::error:
            return unfit_answer(ErrorCode::server_failed, answer.choices.front().finish_reason_text,
                                "the gateway failed within the answer", std::move(answer));
        case FinishReason::none:
        case FinishReason::stop:
        case FinishReason::tool_calls:
        case FinishReason::function_call:
        case FinishReason::other: break;
    }
    return std::nullopt;
}

}  // namespace holysheep::client
