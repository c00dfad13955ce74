// Parses structured answers, and refuses incomplete ones before parsing.
#include <holysheep/structured.hpp>

#include <utility>

#include "client/whole_answer.hpp"

namespace holysheep {
inline namespace v0 {

ResponseFormat json_schema(std::string name, std::string schema, bool strict) {
    return {.kind = ResponseFormat::Kind::json_schema,
            .name = std::move(name),
            .schema_json = std::move(schema),
            .strict = strict};
}

Result<ChatCompletion> chat_whole(Client& client, const ChatRequest& request, const CallOptions& options) {
    auto answer = client.chat(request, options);
    if (!answer || answer->choices.empty()) return answer;
    const auto& choice = answer->choices.front();
    if (!choice.message.refusal.empty()) {
        return client::unfit_answer(ErrorCode::content_filtered, "refusal",
                                    "the model refused: " + choice.message.refusal, std::move(*answer));
    }
    if (auto error = client::cut_or_blocked(*answer)) return std::move(*error);
    return answer;
}

Error detail::wrong_shape(ChatCompletion answer, std::string_view why) {
    return client::unfit_answer(ErrorCode::malformed_response, {},
                                "the answer does not have the expected shape: " + std::string(why), std::move(answer));
}

}  // namespace v0
}  // namespace holysheep
