// Parses libcurl's log lines. They are literals of lib/http2.c; only their numbers vary.
#include "transport/http2_text.hpp"

#include <charconv>
#include <optional>

namespace holysheep::transport {

namespace {

std::optional<std::uint32_t> number_at(std::string_view text) {
    std::uint32_t number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (read.ec != std::errc{}) return std::nullopt;
    return number;
}

std::optional<std::uint32_t> number_behind(std::string_view line, std::string_view words) {
    const auto at = line.find(words);
    if (at == std::string_view::npos) return std::nullopt;
    return number_at(line.substr(at + words.size()));
}

/// libcurl 8: "[HTTP/2] [5] OPENED stream for https://…"
std::optional<std::uint32_t> number_in_brackets_before(std::string_view line, std::string_view words) {
    const auto at = line.find(words);
    if (at == std::string_view::npos) return std::nullopt;
    const auto bracket = line.rfind('[', at);
    if (bracket == std::string_view::npos) return std::nullopt;
    return number_at(line.substr(bracket + 1));
}

}  // namespace

Http2Text read_http2_text(std::string_view line) {
    using Kind = Http2Text::Kind;
    if (const auto id = number_behind(line, "Using Stream ID: ")) return {Kind::stream_opened, *id};
    if (const auto id = number_in_brackets_before(line, "] OPENED stream")) return {Kind::stream_opened, *id};
    if (line.find(" GOAWAY, ") != std::string_view::npos) {
        if (const auto id = number_behind(line, "last_stream=")) return {Kind::goaway, *id};
    }
    if (line.find("HTTP_1_1_REQUIRED") != std::string_view::npos || line.starts_with("Downgrades to HTTP/1.1")) {
        return {Kind::http1_required, 0};
    }
    if (line.starts_with("Connection died, ")) return {Kind::resend, 0};
    return {};
}

}  // namespace holysheep::transport
