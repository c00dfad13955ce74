// JSON written straight into a string, without a tree in between.
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
/// The shortest digits that read back as the same number. NaN and infinities, which JSON does not have, become null.
void append_json_number(std::string& out, double number);

/// JSON members by name, each kept as JSON text. Fills up over the chunks of a stream.
class JsonMembers {
  public:
    /// The last value wins. Returns by how many bytes the whole may have grown; replacing a value counts as 0.
    std::size_t set(std::string_view name, std::string_view json);
    /// Joins arrays to arrays and strings to strings by their text; anything else replaces.
    std::size_t append(std::string_view name, std::string_view json);
    bool empty() const { return members_.empty(); }
    /// The member's JSON text, "" when there is none. The view lives until the next change.
    std::string_view get(std::string_view name) const;
    /// "" when there are none, else one JSON object.
    std::string to_object() const;
    /// `,"name":value` for each.
    void append_to(std::string& out) const;

  private:
    std::map<std::string, std::string, std::less<>> members_{};
};

}  // namespace holysheep::wire
