// Estimates the tokens of a prompt before it is sent: text by bytes, media per piece.
// ChatRequest, RawRequest → [prompt_estimate] → CallSize, ModelRules
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <holysheep/chat_request.hpp>

namespace holysheep::accounting {

/// About four bytes per token.
constexpr std::int64_t estimated_tokens(std::size_t bytes) { return static_cast<std::int64_t>(bytes / 4); }

/// Images, audio and files: their bytes on the wire, and the tokens that they count as instead.
struct Media {
    std::size_t bytes = 0;
    std::int64_t tokens = 0;
};
Media media_in(const ChatRequest& request);
/// Finds data URLs, and Base64 of a kilobyte or more in members named `data` or `file_data`.
Media media_in(std::string_view json);

/// The estimated tokens of a body of that many bytes that contains these media.
std::int64_t estimated_tokens(std::size_t bytes, const Media& media);
/// The estimated tokens of the encoded body of `request`, including `extra_json`.
std::int64_t estimated_tokens(const ChatRequest& request, std::string_view call_extra_json, std::size_t body_bytes);

}  // namespace holysheep::accounting
