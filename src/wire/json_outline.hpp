// Tracks white space, strings and brackets of JSON text without its grammar: for text that arrives in pieces or may not
// be JSON. text → [json_outline] → tool_arguments, loose_frames, stream_decoder
#pragma once

#include <cstddef>
#include <string_view>

#include "wire/json_cursor.hpp"

namespace holysheep::wire {

inline bool is_json_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

inline std::string_view without_leading_space(std::string_view text) {
    std::size_t first = 0;
    while (first < text.size() && is_json_space(text[first])) ++first;
    return text.substr(first);
}
/// Removes leading and trailing white space.
inline std::string_view without_outer_space(std::string_view text) {
    text = without_leading_space(text);
    std::size_t size = text.size();
    while (size > 0 && is_json_space(text[size - 1])) --size;
    return text.substr(0, size);
}

/// Follows one text over any number of pieces.
class JsonOutline {
  public:
    /// Calls `visit(c)` for every character outside of strings, including the opening quote of a string, and for line
    /// breaks everywhere; `visit` returns whether to continue. Returns the number of bytes read.
    template <class Visit>
    std::size_t read(std::string_view piece, Visit&& visit) {
        for (std::size_t at = 0; at < piece.size(); ++at) {
            const char c = piece[at];
            if (in_string_ && c != '\n' && c != '\r') {
                if (escaped_) {
                    escaped_ = false;
                } else if (c == '\\') {
                    escaped_ = true;
                } else if (c == '"') {
                    in_string_ = false;
                } else {
                    at = skip_plain_text(piece, at + 1) - 1;
                }
                continue;
            }
            escaped_ = false;
            if (c == '"') in_string_ = true;
            if (c == '{' || c == '[') ++depth_;
            if (c == '}' || c == ']') --depth_;
            if (!visit(c)) return at + 1;
        }
        return piece.size();
    }
    bool in_string() const { return in_string_; }
    /// Number of open brackets; negative if more were closed.
    int depth() const { return depth_; }

  private:
    int depth_ = 0;
    bool in_string_ = false, escaped_ = false;
};

}  // namespace holysheep::wire
