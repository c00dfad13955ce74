// Parses the dates in HTTP headers.
// header text → [http_date] → response_headers
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace holysheep::wire {

/// Parses the three forms of RFC 9110, 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT" and
/// "Sun Nov  6 08:49:37 1994".
std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text);
/// Parses RFC 3339: "2026-01-27T12:00:30Z", "2026-01-27T12:00:30.5+01:00". Fractions of a second are truncated.
std::optional<std::chrono::sys_seconds> parse_rfc3339(std::string_view text);

}  // namespace holysheep::wire
