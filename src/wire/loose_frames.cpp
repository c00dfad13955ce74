// Recovers JSON values from broken framing. An object that closes within its line is accepted as it is; one that does
// not close there may span several lines.
#include "wire/loose_frames.hpp"

#include <algorithm>

namespace holysheep::wire {
namespace {

bool takes(std::string_view& text, std::string_view field) {
    if (text.substr(0, field.size()) != field) return false;
    text.remove_prefix(field.size());
    return true;
}

std::size_t end_of_json(std::string_view text, JsonOutline& outline, bool over_lines) {
    bool closed = false;
    const std::size_t end = outline.read(text, [&](char c) {
        if (c == '\n' || c == '\r') return over_lines && !outline.in_string();
        closed = (c == '}' || c == ']') && outline.depth() <= 0;
        return !closed;
    });
    return closed ? end : std::string_view::npos;
}

/// The JSON value at the beginning of the text, without leading white space. Text after the value is ignored.
std::string_view leading_json(std::string_view text, bool over_lines) {
    if (text.empty() || (text.front() != '{' && text.front() != '[')) return {};
    JsonOutline outline;
    const std::size_t end = end_of_json(text, outline, over_lines);
    return end == std::string_view::npos ? std::string_view() : text.substr(0, end);
}

bool is_done_line(std::string_view text) {
    if (!takes(text, "[DONE]")) return false;
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    return text.empty() || text.front() == '\n' || text.front() == '\r';
}

}  // namespace

std::size_t end_of_json(std::string_view text, JsonOutline& outline) { return end_of_json(text, outline, true); }

std::string_view leading_json(std::string_view text) { return leading_json(without_leading_space(text), true); }

bool looks_framed(std::string_view text) {
    text = without_leading_space(text);
    for (const std::string_view beginning : {"{", "[", ":", "data:", "event:", "id:", "retry:", "error:"}) {
        if (text.substr(0, beginning.size()) == beginning) return true;
    }
    return false;
}

std::string_view LooseFrames::take_line() {
    const std::size_t end = std::min(rest_.find_first_of("\r\n"), rest_.size());
    const std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return without_outer_space(line);
}

std::optional<LooseFrame> LooseFrames::next() {
    for (;;) {
        rest_ = without_leading_space(rest_);
        if (rest_.empty()) return std::nullopt;
        if (takes(rest_, "data:")) continue;
        if (takes(rest_, ":")) return LooseFrame{LooseFrame::Kind::comment, take_line()};
        if (takes(rest_, "event:")) {
            error_event_ = take_line() == "error";
            continue;
        }
        if (takes(rest_, "id:") || takes(rest_, "retry:")) {
            take_line();
            continue;
        }
        if (takes(rest_, "error:") || takes(rest_, "Error:")) return LooseFrame{LooseFrame::Kind::error, take_line()};
        if (is_done_line(rest_)) return LooseFrame{LooseFrame::Kind::done, take_line()};
        std::string_view value = leading_json(rest_, false);
        if (value.empty() && may_span_lines_ && (rest_.front() == '{' || rest_.front() == '[')) {
            value = leading_json(rest_, true);
            may_span_lines_ = !value.empty();
        }
        if (value.empty()) return LooseFrame{LooseFrame::Kind::unreadable, take_line(), error_event_};
        rest_.remove_prefix(value.size());
        takes(rest_, ",");  // values may be separated like those of a list
        const bool of_error_event = error_event_;
        error_event_ = false;
        return LooseFrame{LooseFrame::Kind::json, value, of_error_event};
    }
}

}  // namespace holysheep::wire
