// Interprets pieces of arguments. A piece gets a special meaning only if appending it could not give one JSON object,
// so a valid stream of pieces is never affected.
#include "wire/tool_arguments.hpp"

#include <utility>

namespace holysheep::wire {
bool ToolArguments::is_placeholder(std::string_view text) {
    text = without_outer_space(text);
    if (text == "null") return true;
    return text.size() >= 2 && text.front() == '{' && without_outer_space(text.substr(1)) == "}";
}

bool ToolArguments::begins_object(std::string_view piece) { return without_leading_space(piece).starts_with('{'); }

bool ToolArguments::same_text(std::string_view a, std::string_view b) {
    return without_outer_space(a) == without_outer_space(b);
}

ToolArguments::Piece ToolArguments::add(std::string& text, std::string_view piece, bool may_replace,
                                        std::string& other) {
    if (echoed_ > 0) {
        if (std::string_view(text).substr(echoed_).starts_with(piece)) {
            echoed_ += piece.size();
            if (echoed_ == text.size()) echoed_ = 0;
            return Piece::repeats;
        }
        other = text.substr(0, std::exchange(echoed_, 0));
        other += piece;
        return Piece::begins_other;
    }
    if (begins_object(piece) && !without_leading_space(text).empty()) {
        const std::string_view said = without_outer_space(piece);
        if (is_placeholder(text)) {
            if (said == "{}") return Piece::repeats;
            if (may_replace) {
                text.clear();
                *this = {};
                append(text, piece);
                return Piece::replaces;
            }
        }
        if (whole_) {
            if (said == without_outer_space(text)) return Piece::repeats;
            if (std::string_view(text).starts_with(piece)) {
                echoed_ = piece.size();
                return Piece::repeats;
            }
            other = piece;
            return Piece::begins_other;
        }
        if (restates(text, piece)) {
            cumulative_ = true;
            append(text, piece.substr(text.size()));
            return Piece::continues;
        }
    }
    append(text, piece);
    return Piece::continues;
}

/// Some servers send all arguments so far with each chunk. A text that begins like the text so far could also be a
/// nested object, if one is allowed at this position.
bool ToolArguments::restates(std::string_view text, std::string_view piece) const {
    if (!object_ || !piece.starts_with(text)) return false;
    if (cumulative_) return true;
    // Inside a string, `{"` would end it, and only punctuation can follow.
    constexpr std::string_view kAfterString = ":,}] \t\r\n";
    if (outline_.in_string())
        return piece.starts_with("{\"") && piece.size() > 2 && kAfterString.find(piece[2]) == piece.npos;
    return !takes_object();
}

void ToolArguments::append(std::string& text, std::string_view piece) {
    outline_.read(piece, [this](char c) {
        if (is_json_space(c)) return true;
        if (!begun_) object_ = c == '{';
        begun_ = true;
        last_ = c;
        if ((c == '}' || c == ']') && outline_.depth() == 0 && object_) whole_ = true;
        return true;
    });
    text += piece;
}

}  // namespace holysheep::wire
