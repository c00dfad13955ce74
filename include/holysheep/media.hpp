// Pictures, sound and documents as parts of a message, from bytes or from files.
// bytes or a file → [media] → ContentPart → Message::parts
#pragma once

#include <string>
#include <string_view>

#include <holysheep/export.hpp>
#include <holysheep/message.hpp>
#include <holysheep/result.hpp>

namespace holysheep {
inline namespace v0 {

/// Base64 (RFC 4648, section 4) with padding.
HOLYSHEEP_EXPORT std::string to_base64(std::string_view bytes);

/// Bytes as a part, encoded as a `data:` URL where the wire wants one. `mime_type` is e.g. "image/png"; an audio
/// `format` is "wav" or "mp3". Nothing is checked: what the gateway does not know, it refuses.
HOLYSHEEP_EXPORT ImagePart image_part(std::string_view bytes, std::string_view mime_type, std::string detail = {});
HOLYSHEEP_EXPORT AudioPart audio_part(std::string_view bytes, std::string format);
HOLYSHEEP_EXPORT FilePart file_part(std::string_view bytes, std::string filename, std::string_view mime_type);

/// A file as a part, read whole. What it is, is told by its first bytes, not by its name: PNG, JPEG, GIF and WebP
/// pictures, WAV and MP3 sound, PDF and UTF-8 text documents.
///
///     auto photo = holysheep::image_file("sheep.jpg");
///     if (!photo) return photo.error();
///     question.parts = {holysheep::TextPart{"Which breed?"}, *photo};
///
/// `invalid_request`, naming the file and what is wrong, when it cannot be read, is larger than 512 MiB, or is
/// something else.
HOLYSHEEP_EXPORT Result<ImagePart> image_file(const std::string& path, std::string detail = {});
HOLYSHEEP_EXPORT Result<AudioPart> audio_file(const std::string& path);
HOLYSHEEP_EXPORT Result<FilePart> document_file(const std::string& path);

}  // namespace v0
}  // namespace holysheep
