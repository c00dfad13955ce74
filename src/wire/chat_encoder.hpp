// ChatRequest → the body of POST {base}/chat/completions, written straight into a string.
// ChatRequest → [chat_encoder] → HttpRequest
#pragma once

#include <string>
#include <string_view>

#include <holysheep/chat_request.hpp>
#include <holysheep/result.hpp>

#include "wire/json_writer.hpp"

namespace holysheep::wire {

/// A body with a gap for the model's name, since each region may have a name of its own for it, and a fallback has
/// another: encoded once, sent to any region.
struct EncodedChat {
    std::string head{}, tail{};
};

/// Only members that are set are sent. The caller's JSON wins over what is written from the typed members: shallowly,
/// at the level of the request, a message, a part, and a tool; `call_extra_json` wins over `request.extra_json`. (The
/// model that it names is `model_in_extra`.) `invalid_request` for what cannot be sent: no model, no messages, JSON
/// text that is not JSON, a number that is not finite.
Result<EncodedChat> encode_chat(const ChatRequest& request, bool stream, std::string_view call_extra_json);

/// The model that the caller's own JSON names, "" where it names none.
Result<std::string> model_in_extra(const ChatRequest& request, std::string_view call_extra_json);

std::string body_for_model(const EncodedChat& chat, std::string_view model);

}  // namespace holysheep::wire
