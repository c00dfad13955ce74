// Text of others for a terminal, a log or a table: it may neither steer the terminal nor look like a line of its own.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace holysheep::values {

/// The length of the UTF-8 sequence that begins the text, which is not empty (RFC 3629); 0: there is none.
std::size_t sequence_length(std::string_view text);

/// How many characters the text has, if it is UTF-8: each is taken for one column.
std::size_t columns(std::string_view text);

/// At most so many columns; what is cut ends in an ellipsis. Control characters, those from U+0080 to U+009F too,
/// become spaces, bytes that are not UTF-8 become U+FFFD.
std::string clipped(std::string_view text, std::size_t width = std::string_view::npos);

}  // namespace holysheep::values
