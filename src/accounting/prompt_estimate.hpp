// How many tokens a prompt will be, before anybody has counted them: text by its bytes, media by the piece.
// ChatRequest, RawRequest → [prompt_estimate] → CallSize, ModelRules
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <holysheep/chat_request.hpp>

namespace holysheep::accounting {

/// About four bytes make a token.
constexpr std::int64_t estimated_tokens(std::size_t bytes) { return static_cast<std::int64_t>(bytes / 4); }

/// Pictures, sounds and files: the bytes they have on the wire, and the tokens they are taken for instead.
struct Media {
    std::size_t bytes = 0;
    std::int64_t tokens = 0;
};
Media media_in(const ChatRequest& request);
/// Data URLs, and base64 of a kilobyte or more in members named `data` or `file_data`.
Media media_in(std::string_view json);

/// Of a body of that many bytes, with these media in it.
std::int64_t estimated_tokens(std::size_t bytes, const Media& media);
/// Of the body that `request` is encoded into, the caller's own JSON included.
std::int64_t estimated_tokens(const ChatRequest& request, std::string_view call_extra_json, std::size_t body_bytes);

}  // namespace holysheep::accounting
