// Accumulates the argument text of one tool call and interprets the next piece: a continuation, a repetition, or the
// beginning of another call's text. Providers agree on appending pieces, relays do not.
// ToolCallDelta → [tool_arguments] → tool_call_assembler
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "wire/json_outline.hpp"

namespace holysheep::wire {

/// The arguments of a function are one JSON object, so a text is complete when its object closes. Text that does not
/// begin with `{` is never complete: all pieces are appended.
class ToolArguments {
  public:
    enum class Piece {
        continues,    ///< a continuation; it was appended
        repeats,      ///< repeats existing text; nothing was appended
        replaces,     ///< the existing text was a placeholder (`{}` or `null`) and is replaced
        begins_other  ///< a second JSON value: belongs to another call; nothing was appended
    };

    /// `may_replace` is false if the placeholder was already reported. With `begins_other`, `other` is the text of the
    /// other call so far, including pieces that looked like a repetition at first.
    Piece add(std::string& text, std::string_view piece, bool may_replace, std::string& other);

    /// The object has closed.
    bool is_whole() const { return whole_; }
    /// The object has begun and has not closed.
    bool is_open() const { return object_ && !whole_; }
    /// Whether the text is `{}` or `null`: some providers open a call with it and then send the arguments.
    static bool is_placeholder(std::string_view text);
    /// Whether the piece can be the beginning of a call's arguments.
    static bool begins_object(std::string_view piece);
    static bool same_text(std::string_view a, std::string_view b);
    /// Whether `{` can follow the text: inside a string, or where a value is expected.
    bool takes_object() const { return outline_.in_string() || last_ == ':' || last_ == ',' || last_ == '['; }

  private:
    void append(std::string& text, std::string_view piece);
    bool restates(std::string_view text, std::string_view piece) const;

    std::size_t echoed_ = 0;  ///< bytes of a complete text that pieces have repeated so far
    JsonOutline outline_{};
    char last_ = '\0';  ///< last character outside of strings other than white space
    bool begun_ = false, object_ = false, whole_ = false;
    bool cumulative_ = false;  ///< a piece has repeated all of the text so far
};

}  // namespace holysheep::wire
