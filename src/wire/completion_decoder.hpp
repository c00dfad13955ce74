// Decodes the body of a plain 200: a ChatCompletion, or the error that it contains.
// body → [completion_decoder: answer_scan or answer_dom → chunk_accumulator] → ChatCompletion
#pragma once

#include <string>

#include <holysheep/chat_completion.hpp>
#include <holysheep/result.hpp>

namespace holysheep::wire {

/// The body stays in `raw_json`. A status of 200 does not guarantee success: a body with `error`, in any known shape,
/// gives that error, with any answer in it as its `partial`; one without choices, HTML or broken JSON gives
/// `malformed_response`.
Result<ChatCompletion> decode_completion(std::string body);
/// The same, but always through the DOM. The result is equal; this parser is slower and accepts everything.
Result<ChatCompletion> decode_completion_by_tree(std::string body);

}  // namespace holysheep::wire
