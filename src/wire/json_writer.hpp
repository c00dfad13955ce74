// Writes JSON directly into a string, without a DOM.
// values → [json_writer] → request bodies, assembled extra_json
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace holysheep::wire {

/// Appends the text as a JSON string with its quotes. Ill-formed UTF-8 becomes U+FFFD, so the result is always valid.
void append_json_string(std::string& out, std::string_view text);
void append_json_number(std::string& out, std::int64_t number);
/// The shortest digits that read back as the same number. NaN and infinities, which JSON cannot represent, become null.
void append_json_number(std::string& out, double number);

/// JSON members by name, each stored as JSON text. Accumulates over the chunks of a stream.
class JsonMembers {
  public:
    /// Replaces an earlier value. Returns an upper bound of the bytes by which the members grow; replacing counts as 0.
    std::size_t set(std::string_view name, std::string_view json);
    /// Concatenates arrays with arrays and strings with strings; anything else replaces the earlier value.
    std::size_t append(std::string_view name, std::string_view json);
    bool empty() const { return members_.empty(); }
    /// The member's JSON text, "" if there is none. The view is valid until the next change.
    std::string_view get(std::string_view name) const;
    /// "" if there are none, else one JSON object.
    std::string to_object() const;
    /// Appends `,"name":value` for each member.
    void append_to(std::string& out) const;

  private:
    std::map<std::string, std::string, std::less<>> members_{};
};

}  // namespace holysheep::wire
