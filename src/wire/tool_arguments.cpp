// Only texts that could not be one JSON object if they were appended are read in another way: no valid stream of
// pieces is affected.
#include "wire/tool_arguments.hpp"

#include <utility>

namespace holysheep::wire {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

bool starts_with(std::string_view text, std::string_view beginning) {
    return text.substr(0, beginning.size()) == beginning;
}

}  // namespace

bool ToolArguments::is_placeholder(std::string_view text) {
    text = trimmed(text);
    if (text == "null") return true;
    return text.size() >= 2 && text.front() == '{' && trimmed(text.substr(1)) == "}";
}

bool ToolArguments::begins_object(std::string_view piece) { return starts_with(trimmed(piece), "{"); }

bool ToolArguments::same_text(std::string_view a, std::string_view b) { return trimmed(a) == trimmed(b); }

ToolArguments::Piece ToolArguments::add(std::string& text, std::string_view piece, bool may_replace,
                                        std::string& other) {
    const std::string_view said = trimmed(piece);
    if (echoed_ > 0) {
        if (starts_with(std::string_view(text).substr(echoed_), piece)) {
            echoed_ += piece.size();
            if (echoed_ == text.size()) echoed_ = 0;
            return Piece::repeats;
        }
        other = text.substr(0, std::exchange(echoed_, 0));
        other += piece;
        return Piece::begins_other;
    }
    if (starts_with(said, "{") && !trimmed(text).empty()) {
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
            if (said == trimmed(text)) return Piece::repeats;
            if (starts_with(text, piece)) {
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

/// Some servers send all of the arguments so far with each chunk. A text that begins like the text so far could also be
/// a nested object, where one may stand.
bool ToolArguments::restates(std::string_view text, std::string_view piece) const {
    if (!object_ || !starts_with(piece, text)) return false;
    if (cumulative_) return true;
    // Inside a string, `{"` ends it, and what follows has to be punctuation.
    constexpr std::string_view kAfterString = ":,}] \t\r\n";
    if (in_string_) return starts_with(piece, "{\"") && piece.size() > 2 && kAfterString.find(piece[2]) == piece.npos;
    return !takes_object();
}

void ToolArguments::append(std::string& text, std::string_view piece) {
    for (const char c : piece) {
        if (in_string_) {
            if (escaped_) {
                escaped_ = false;
            } else if (c == '\\') {
                escaped_ = true;
            } else if (c == '"') {
                in_string_ = false;
                last_ = c;
            }
            continue;
        }
        if (kSpace.find(c) != std::string_view::npos) continue;
        if (last_ == '\0') object_ = c == '{';
        last_ = c;
        if (c == '"') in_string_ = true;
        if (c == '{' || c == '[') ++depth_;
        if ((c == '}' || c == ']') && --depth_ == 0 && object_) whole_ = true;
    }
    text += piece;
}

}  // namespace holysheep::wire
