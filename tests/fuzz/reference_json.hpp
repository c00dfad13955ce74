// A slow reader of quotes and brackets in JSON text that rescans the text each time: the reference of JsonOutline.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace holysheep::fuzz {

inline bool is_line_break(char c) { return c == '\n' || c == '\r'; }
inline bool is_space(char c) { return c == ' ' || c == '\t' || is_line_break(c); }

inline std::string_view stripped(std::string_view text) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

inline bool starts_with(std::string_view text, std::string_view beginning) {
    return text.substr(0, beginning.size()) == beginning;
}

struct ReferenceOutline {
    std::string outside{};                          ///< the text with `""` instead of each string, `"` for an open one
    bool in_string = false, broken_string = false;  ///< broken: a line break within a string
    int depth() const {
        int depth = 0;
        for (const char c : outside) depth += c == '{' || c == '[' ? 1 : c == '}' || c == ']' ? -1 : 0;
        return depth;
    }
};

/// A quote ends a string if the number of backslashes right before it is even.
inline ReferenceOutline outline_of(std::string_view text) {
    ReferenceOutline out;
    std::size_t backslashes = 0;
    for (const char c : text) {
        if (!out.in_string || (c == '"' && backslashes % 2 == 0)) {
            out.outside += c;
            if (c == '"') out.in_string = !out.in_string;
            backslashes = 0;
            continue;
        }
        if (is_line_break(c)) out.broken_string = true;
        backslashes = c == '\\' ? backslashes + 1 : 0;
    }
    return out;
}

/// The length of the object or array at the beginning; npos if it does not close. Tries every length.
inline std::size_t reference_end_of_json(std::string_view text, bool over_lines) {
    for (std::size_t end = 1; end <= text.size(); ++end) {
        if (!over_lines && is_line_break(text[end - 1])) return std::string_view::npos;
        const ReferenceOutline outline = outline_of(text.substr(0, end));
        if (outline.broken_string) return std::string_view::npos;
        if (outline.in_string) continue;
        const char last = outline.outside.back();
        if ((last == '}' || last == ']') && outline.depth() <= 0) return end;
    }
    return std::string_view::npos;
}

}  // namespace holysheep::fuzz
