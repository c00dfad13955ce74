// Determines the type of a file by its first bytes, because names can be wrong and gateways refuse mislabelled files.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>
#include <utility>

#include <holysheep/media.hpp>

namespace holysheep {
inline namespace v0 {
namespace {

constexpr std::uintmax_t kLargestFile = 512U << 20U;

Error unusable(const std::string& path, const std::string& why) {
    Error error;
    error.code = ErrorCode::invalid_request;
    error.message = path + ": " + why;
    return error;
}

Result<std::string> read_file(const std::string& path) {
    std::error_code failure;
    const auto status = std::filesystem::status(path, failure);
    if (!std::filesystem::exists(status)) return unusable(path, "there is no such file");
    if (!std::filesystem::is_regular_file(status)) return unusable(path, "it is not a regular file");
    const std::uintmax_t size = std::filesystem::file_size(path, failure);
    if (failure) return unusable(path, "its size cannot be told: " + failure.message());
    if (size == 0) return unusable(path, "it is empty");
    if (size > kLargestFile) {
        return unusable(path, "it is larger than 512 MiB; upload it and send its id, or send a URL");
    }
    std::ifstream in(path, std::ios::binary);
    std::string bytes(static_cast<std::size_t>(size), '\0');
    if (!in || !in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) {
        return unusable(path, "it cannot be read");
    }
    return bytes;
}

bool has_at(std::string_view bytes, std::size_t at, std::string_view mark) {
    return bytes.size() >= at + mark.size() && bytes.substr(at, mark.size()) == mark;
}

std::string_view image_type(std::string_view bytes) {
    if (has_at(bytes, 0, "\x89PNG\r\n\x1A\n")) return "image/png";
    if (has_at(bytes, 0, "\xFF\xD8\xFF")) return "image/jpeg";
    if (has_at(bytes, 0, "GIF87a") || has_at(bytes, 0, "GIF89a")) return "image/gif";
    if (has_at(bytes, 0, "RIFF") && has_at(bytes, 8, "WEBP")) return "image/webp";
    return {};
}

std::string_view audio_format(std::string_view bytes) {
    if (has_at(bytes, 0, "RIFF") && has_at(bytes, 8, "WAVE")) return "wav";
    if (has_at(bytes, 0, "ID3")) return "mp3";
    // A frame of MPEG audio: eleven set bits, a version, and layer III.
    if (bytes.size() < 2 || bytes[0] != '\xFF') return {};
    const auto second = static_cast<unsigned char>(bytes[1]);
    const bool frame = (second & 0xE0U) == 0xE0U && (second & 0x18U) != 0x08U && (second & 0x06U) == 0x02U;
    return frame ? "mp3" : "";
}

/// Whether the bytes are UTF-8 without control characters except white space.
bool is_text(std::string_view bytes) {
    std::size_t expected = 0;
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        if (expected > 0) {
            if ((byte & 0xC0U) != 0x80U) return false;
            --expected;
        } else if (byte < 0x80) {
            const bool space = byte == '\t' || byte == '\n' || byte == '\r' || byte == '\f';
            if (byte < 0x20 && !space) return false;
        } else {
            expected = byte >= 0xF0 && byte < 0xF8 ? 3 : byte >= 0xE0 ? 2 : 1;
            if (byte < 0xC2 || byte >= 0xF8) return false;
        }
    }
    return expected == 0;
}

std::string data_url(std::string_view bytes, std::string_view mime_type) {
    return "data:" + std::string(mime_type) + ";base64," + to_base64(bytes);
}

}  // namespace

std::string to_base64(std::string_view bytes) {
    constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
        std::uint32_t group = 0;
        for (std::size_t i = 0; i < 3; ++i) {
            group = group << 8U | (i < count ? static_cast<unsigned char>(bytes[at + i]) : 0U);
        }
        for (std::size_t digit = 0; digit < 4; ++digit) {
            out.push_back(digit <= count ? kDigits[group >> (18U - 6U * digit) & 63U] : '=');
        }
    }
    return out;
}

ImagePart image_part(std::string_view bytes, std::string_view mime_type, std::string detail) {
    return {.url = data_url(bytes, mime_type), .detail = std::move(detail)};
}

AudioPart audio_part(std::string_view bytes, std::string format) {
    return {.data_base64 = to_base64(bytes), .format = std::move(format)};
}

FilePart file_part(std::string_view bytes, std::string filename, std::string_view mime_type) {
    return {.filename = std::move(filename), .data_base64 = data_url(bytes, mime_type)};
}

Result<ImagePart> image_file(const std::string& path, std::string detail) {
    const auto bytes = read_file(path);
    if (!bytes) return bytes.error();
    const auto type = image_type(*bytes);
    if (type.empty()) return unusable(path, "it is no PNG, JPEG, GIF or WebP picture; convert it to one of them");
    return image_part(*bytes, type, std::move(detail));
}

Result<AudioPart> audio_file(const std::string& path) {
    const auto bytes = read_file(path);
    if (!bytes) return bytes.error();
    const auto format = audio_format(*bytes);
    if (format.empty()) return unusable(path, "it is neither WAV nor MP3 sound; convert it to one of them");
    return audio_part(*bytes, std::string(format));
}

Result<FilePart> document_file(const std::string& path) {
    const auto bytes = read_file(path);
    if (!bytes) return bytes.error();
    const bool pdf = has_at(*bytes, 0, "%PDF-");
    if (!pdf && !is_text(*bytes)) return unusable(path, "it is neither PDF nor UTF-8 text; convert it to one of them");
    return file_part(*bytes, std::filesystem::path(path).filename().string(), pdf ? "application/pdf" : "text/plain");
}

}  // namespace v0
}  // namespace holysheep
