// Decodes UTF-8 sequences, and makes text valid by inserting U+FFFD.
// network or caller bytes → [utf8] → json_writer, json_cursor, json_dom
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace holysheep::wire {

inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

/// One step through text: `length` bytes that are either one well-formed sequence or, with `valid` false, the longest
/// prefix of one, to be replaced by a single U+FFFD (Unicode, "substitution of maximal subparts").
struct Utf8Step {
    std::size_t length = 0;
    bool valid = false;
};

/// `at` must be inside the text.
Utf8Step utf8_step(std::string_view text, std::size_t at);

/// Appends the text with every ill-formed part replaced by U+FFFD.
void append_valid_utf8(std::string& out, std::string_view text);

/// The longest prefix of at most `limit` bytes that does not end inside a character.
std::string_view utf8_prefix(std::string_view text, std::size_t limit);

/// Appends the code point, which must be a scalar value.
void append_code_point(std::string& out, char32_t code_point);

}  // namespace holysheep::wire
