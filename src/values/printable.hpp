// Makes foreign text safe for a terminal, a log or a table: it must neither control the terminal nor add lines.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace holysheep::values {

/// The length of the UTF-8 sequence at the beginning of a text that is not empty (RFC 3629); 0: it is ill-formed.
std::size_t sequence_length(std::string_view text);

/// The number of characters of UTF-8 text; each counts as one column.
std::size_t columns(std::string_view text);

/// The text in at most `width` columns; a truncated text ends with an ellipsis. Control characters, including U+0080 to
/// U+009F, become spaces, bytes that are not UTF-8 become U+FFFD.
std::string clipped(std::string_view text, std::size_t width = std::string_view::npos);

}  // namespace holysheep::values
