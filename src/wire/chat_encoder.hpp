// Writes a ChatRequest directly as the body of POST {base}/chat/completions.
// ChatRequest → [chat_encoder] → HttpRequest
#pragma once

#include <string>
#include <string_view>

#include <holysheep/chat_request.hpp>
#include <holysheep/result.hpp>

#include "wire/json_writer.hpp"

namespace holysheep::wire {

/// A body with a gap for the model's name, because a region may use a different name and a fallback is a different
/// model: encoded once, sent to any region.
struct EncodedChat {
    std::string head{}, tail{};
};

/// Writes only members that are set. The caller's JSON overrides typed members: shallowly, at the level of the request,
/// a message, a part, and a tool; `call_extra_json` overrides `request.extra_json`. (`model_in_extra` returns the model
/// that this JSON names.) Returns `invalid_request` if the request cannot be encoded: no model, no messages, invalid
/// JSON text, a number that is not finite.
Result<EncodedChat> encode_chat(const ChatRequest& request, bool stream, std::string_view call_extra_json);

/// The model named in the caller's own JSON; "" if none.
Result<std::string> model_in_extra(const ChatRequest& request, std::string_view call_extra_json);

std::string body_for_model(const EncodedChat& chat, std::string_view model);

}  // namespace holysheep::wire
