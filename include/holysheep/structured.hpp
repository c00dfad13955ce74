// Requests answers of a given shape: sends a JSON schema, and parses the answer with the caller's function.
// ChatRequest, schema → [chat_as] → T
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include <holysheep/client.hpp>

namespace holysheep {
inline namespace v0 {

/// A value for `ChatRequest::response_format`. `schema` is the JSON text of the schema; with `strict`, the answer must
/// match it exactly.
HOLYSHEEP_EXPORT ResponseFormat json_schema(std::string name, std::string schema, bool strict = true);

/// Like `Client::chat`, but accepts only complete answers. An answer that was cut at a token limit is
/// `malformed_response`; one that a content filter ended or the model refused is `content_filtered`.
/// `Error::provider_code` says which ("length", "content_filter", "refusal"); `Error::partial` contains the answer.
HOLYSHEEP_EXPORT Result<ChatCompletion> chat_whole(Client& client, const ChatRequest& request,
                                                   const CallOptions& options = {});

namespace detail {
HOLYSHEEP_EXPORT Error wrong_shape(ChatCompletion answer, std::string_view why);
}  // namespace detail

/// Requests JSON of a schema and returns it as parsed by `parse`:
///
///     auto wool = holysheep::chat_as<Wool>(client, request, holysheep::json_schema("wool", kSchema), parse_wool);
///
/// `parse` takes the text of the answer and returns a T or a Result<T>. If it returns an error or throws, the result is
/// `malformed_response` with its message, and `Error::partial` contains the answer. Other errors are those of
/// `chat_whole`.
template <class T, class Parse>
Result<T> chat_as(Client& client, ChatRequest request, ResponseFormat format, Parse&& parse,
                  const CallOptions& options = {}) {
    request.response_format = std::move(format);
    auto answer = chat_whole(client, request, options);
    if (!answer) return std::move(answer).error();
    try {
        Result<T> value = std::invoke(std::forward<Parse>(parse), answer->text());
        if (value) return value;
        return detail::wrong_shape(std::move(*answer), value.error().message);
    } catch (const std::exception& error) {
        return detail::wrong_shape(std::move(*answer), error.what());
    }
}

}  // namespace v0
}  // namespace holysheep
