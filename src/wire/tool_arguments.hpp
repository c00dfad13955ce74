// The argument text of one tool call as it grows, and the meaning of the next piece: more of it, a repetition, or the
// beginning of another call's text. Providers agree on "append", relays do not.
// ToolCallDelta → [tool_arguments] → tool_call_assembler
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "wire/json_outline.hpp"

namespace holysheep::wire {

/// Arguments of a function are one JSON object, so a text is whole where its object closes. Text that does not begin
/// with `{` is never whole: pieces are appended as they come.
class ToolArguments {
  public:
    enum class Piece {
        continues,    ///< was appended
        repeats,      ///< says again what is there; nothing was appended
        replaces,     ///< what was there was a placeholder (`{}` or `null`) and is replaced
        begins_other  ///< a second JSON value: belongs to another call; nothing was appended
    };

    /// `may_replace` is false where the placeholder was reported already. With `begins_other`, `other` is the text of
    /// the other call so far: pieces that looked like a repetition at first are part of it.
    Piece add(std::string& text, std::string_view piece, bool may_replace, std::string& other);

    /// The object has closed.
    bool is_whole() const { return whole_; }
    /// The object has begun and has not closed.
    bool is_open() const { return object_ && !whole_; }
    /// `{}` or `null`: some providers open a call with it and then send the arguments.
    static bool is_placeholder(std::string_view text);
    /// A piece that can be the beginning of a call's arguments.
    static bool begins_object(std::string_view piece);
    static bool same_text(std::string_view a, std::string_view b);
    /// Whether `{` can stand at the end of the text: inside a string, or where a value is due.
    bool takes_object() const { return outline_.in_string() || last_ == ':' || last_ == ',' || last_ == '['; }

  private:
    void append(std::string& text, std::string_view piece);
    bool restates(std::string_view text, std::string_view piece) const;

    std::size_t echoed_ = 0;  ///< bytes of a whole text that pieces have repeated so far
    JsonOutline outline_{};
    char last_ = '\0';  ///< last character outside of strings that is no white space
    bool begun_ = false, object_ = false, whole_ = false;
    bool cumulative_ = false;  ///< a piece has said all of the text so far
};

}  // namespace holysheep::wire
