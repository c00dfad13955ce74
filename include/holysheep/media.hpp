// Makes message parts of images, audio and documents, from bytes or files.
// bytes or a file → [media] → ContentPart → Message::parts
#pragma once

#include <string>
#include <string_view>

#include <holysheep/export.hpp>
#include <holysheep/message.hpp>
#include <holysheep/result.hpp>

namespace holysheep {
inline namespace v0 {

/// Encodes bytes as Base64 (RFC 4648, section 4) with padding.
HOLYSHEEP_EXPORT std::string to_base64(std::string_view bytes);

/// An image from bytes, sent as a `data:` URL. `mime_type` is such as "image/png"; `detail` is "auto", "low", "high",
/// or empty. Nothing is checked; the gateway refuses what it does not support. The same holds for the next two
/// functions.
HOLYSHEEP_EXPORT ImagePart image_part(std::string_view bytes, std::string_view mime_type, std::string detail = {});
/// Audio from bytes. `format` is "wav" or "mp3".
HOLYSHEEP_EXPORT AudioPart audio_part(std::string_view bytes, std::string format);
/// A document from bytes, sent as a `data:` URL. `mime_type` is such as "application/pdf".
HOLYSHEEP_EXPORT FilePart file_part(std::string_view bytes, std::string filename, std::string_view mime_type);

/// Reads an image file: PNG, JPEG, GIF or WebP. The first bytes, not the name, determine the type.
///
///     auto photo = holysheep::image_file("sheep.jpg");
///     if (!photo) return photo.error();
///     question.parts = {holysheep::TextPart{"Which breed?"}, *photo};
///
/// Returns `invalid_request`, with the file's name and the problem, if it cannot be read, is larger than 512 MiB, or
/// has another type. The same holds for the next two functions.
HOLYSHEEP_EXPORT Result<ImagePart> image_file(const std::string& path, std::string detail = {});
/// Reads an audio file: WAV or MP3.
HOLYSHEEP_EXPORT Result<AudioPart> audio_file(const std::string& path);
/// Reads a document: PDF or UTF-8 text.
HOLYSHEEP_EXPORT Result<FilePart> document_file(const std::string& path);

}  // namespace v0
}  // namespace holysheep
