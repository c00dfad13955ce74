// Writes a ChatRequest directly as the body of POST {base}/chat/completions.
// ChatRequest → [chat_encoder] → HttpRequest
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <holysheep/chat_request.hpp>
#include <holysheep/result.hpp>
#include <holysheep/transport.hpp>

#include "wire/json_writer.hpp"

namespace holysheep::wire {

/// A body that is encoded once and sent to any region. It names the requested model; `body_for_model` replaces the name
/// where a region uses a different one, or for a fallback.
struct EncodedChat {
    RequestBody body{};
    std::string model{};      ///< the model that `body` names
    std::size_t name_at = 0;  ///< where its name is in `body`, with its quotes
    std::size_t name_size = 0;
};

/// Writes only members that are set. The caller's JSON overrides typed members: shallowly, at the level of the request,
/// a message, a part, and a tool; `call_extra_json` overrides `request.extra_json`. (`model_in_extra` returns the model
/// that this JSON names.) Returns `invalid_request` if the request cannot be encoded: no model, no messages, invalid
/// JSON text, a number that is not finite. The body names `chosen_model`, or what the caller
/// named if that is empty.
Result<EncodedChat> encode_chat(const ChatRequest& request, bool stream, std::string_view call_extra_json,
                                std::string_view chosen_model = {});

/// The model named in the caller's own JSON; "" if none.
Result<std::string> model_in_extra(const ChatRequest& request, std::string_view call_extra_json);

/// Shares the text of `chat` if it names this model, otherwise makes a new one.
RequestBody body_for_model(const EncodedChat& chat, std::string_view model);

}  // namespace holysheep::wire
