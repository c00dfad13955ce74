// Reads text that should be one JSON value, but is not: relays omit the blank line between events, nest event lines, or
// append text to their JSON.
// text that is not JSON → [loose_frames] → stream_decoder, completion_decoder, error_decoder
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "wire/json_outline.hpp"

namespace holysheep::wire {

/// The position after the first object or array that closes in the text; npos if none closes, or if a string contains a
/// line break. `outline` holds the state from any text read before.
std::size_t end_of_json(std::string_view text, JsonOutline& outline);

/// The object or array at the beginning of the text, after white space; "" if it does not close. Its grammar is not
/// checked.
std::string_view leading_json(std::string_view text);

/// Whether the text begins like JSON or like an event stream: in prose and HTML pages, braces mean nothing.
bool looks_framed(std::string_view text);

struct LooseFrame {
    enum class Kind {
        json,       ///< an object or array, as found by its brackets
        done,       ///< `[DONE]`
        comment,    ///< the text after a colon at the beginning of a line
        error,      ///< the text after `error:`
        unreadable  ///< a line of any other kind
    };
    Kind kind = Kind::unreadable;
    std::string_view text{};
    bool of_error_event = false;  ///< `event: error` preceded it
};

/// Reads a text line by line as an event stream with broken framing: `data:` may precede anything, any number of times.
/// The cost is linear in the text.
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
