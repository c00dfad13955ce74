// Reads text that should be one JSON value, but is not: relays omit the blank line between events, nest event lines, or
// append text to their JSON.
// text that is no JSON → [loose_frames] → stream_decoder, completion_decoder, error_decoder
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "wire/json_outline.hpp"

namespace holysheep::wire {

/// Behind the first object or array that closes in the text; npos where none does, or where a string reaches over a
/// line break. `outline` holds what was read of it before.
std::size_t end_of_json(std::string_view text, JsonOutline& outline);

/// The object or array that the text begins with, apart from white space; "" when it does not close. Its grammar is not
/// checked.
std::string_view leading_json(std::string_view text);

/// Whether the text begins like JSON or like an event stream: in prose and pages, braces mean nothing.
bool looks_framed(std::string_view text);

struct LooseFrame {
    enum class Kind {
        json,       ///< an object or array, by its brackets
        done,       ///< `[DONE]`
        comment,    ///< the text behind a colon at the beginning of a line
        error,      ///< the text behind `error:`
        unreadable  ///< a line that is none of these
    };
    Kind kind = Kind::unreadable;
    std::string_view text{};
    bool of_error_event = false;  ///< `event: error` preceded it
};

/// Reads a text line by line as an event stream that lost its framing: `data:` may stand before anything, any number of
/// times. Cost is linear in the text.
class LooseFrames {
  public:
    explicit LooseFrames(std::string_view text) : rest_(text) {}
    std::optional<LooseFrame> next();

  private:
    std::string_view take_line();

    std::string_view rest_;
    bool error_event_ = false;
    bool may_span_lines_ = true;  ///< no search for an object over several lines has failed yet
};

}  // namespace holysheep::wire
