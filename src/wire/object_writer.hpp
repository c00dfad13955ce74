// Writes one JSON object, in which the caller's own members take precedence.
// values, extra_json → [object_writer] → chat_encoder
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wire/json_writer.hpp"

namespace holysheep::wire {

/// The members of JSON objects from callers, as text. Later objects take precedence over earlier ones.
class ExtraMembers {
  public:
    /// Returns false if the text is not a JSON object. Empty text is accepted and adds nothing.
    bool add(std::string_view json_object);
    void remove(std::string_view name);
    bool has(std::string_view name) const { return find(name) != nullptr; }
    /// The value's text, or nullptr.
    const std::string_view* find(std::string_view name) const;
    const std::vector<std::pair<std::string, std::string_view>>& all() const { return members_; }

  private:
    void put(std::string_view name, std::string_view value);

    std::vector<std::pair<std::string, std::string_view>> members_{};  ///< the values are views into the callers' text
    /// The index of each name; built once there are many, because an answer may have a hundred thousand members.
    std::map<std::string, std::size_t, std::less<>> places_{};
};

/// Writes `{…}` at the end of a string. Members that the caller overrides are left out; `close` adds the caller's.
class ObjectWriter {
  public:
    ObjectWriter(std::string& out, const ExtraMembers& extra) : out_(out), extra_(extra) { out_.push_back('{'); }
    ObjectWriter(const ObjectWriter&) = delete;
    ObjectWriter& operator=(const ObjectWriter&) = delete;

    /// Writes the name, and returns true if one value must follow; false if the caller overrides the member.
    bool name(std::string_view name);
    void text(std::string_view name, std::string_view value);
    void text_unless_empty(std::string_view name, std::string_view value);
    /// Writes JSON text unchanged.
    void json(std::string_view name, std::string_view value);
    void number(std::string_view name, std::optional<std::int64_t> value);
    void number(std::string_view name, std::optional<double> value);
    void flag(std::string_view name, std::optional<bool> value);
    void close();

  private:
    std::string& out_;
    const ExtraMembers& extra_;
    bool first_ = true;
};

}  // namespace holysheep::wire
