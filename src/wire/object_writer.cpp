// Writes objects. The library's own names need no escaping; those of the caller do.
#include "wire/object_writer.hpp"

#include <algorithm>

#include "wire/json_cursor.hpp"

namespace holysheep::wire {

bool ExtraMembers::add(std::string_view json_object) {
    if (json_object.empty()) return true;
    std::string scratch;
    JsonCursor cursor(json_object, scratch);
    const bool read = cursor.read_object([&](std::string_view name) {
        std::string key(name);
        std::string_view value;
        if (!cursor.skip_value(&value)) return false;
        put(key, value);
        return true;
    });
    return read && cursor.at_end();
}

void ExtraMembers::put(std::string_view name, std::string_view value) {
    constexpr std::size_t kFew = 16;
    for (auto& [known, known_value] : members_) {
        if (members_.size() > kFew) break;
        if (known == name) {
            known_value = value;
            return;
        }
    }
    if (members_.size() > kFew) {
        for (std::size_t place = places_.size(); place < members_.size(); ++place)
            places_.emplace(members_[place].first, place);
        const auto known = places_.find(name);
        if (known != places_.end()) {
            members_[known->second].second = value;
            return;
        }
        places_.emplace(name, members_.size());
    }
    members_.emplace_back(name, value);
}

void ExtraMembers::remove(std::string_view name) {
    std::erase_if(members_, [&](const auto& m) { return m.first == name; });
    places_.clear();
}

const std::string_view* ExtraMembers::find(std::string_view name) const {
    if (!places_.empty()) {
        const auto place = places_.find(name);
        return place == places_.end() ? nullptr : &members_[place->second].second;
    }
    const auto found = std::find_if(members_.begin(), members_.end(), [&](const auto& m) { return m.first == name; });
    return found == members_.end() ? nullptr : &found->second;
}

bool ObjectWriter::name(std::string_view name) {
    if (extra_.has(name)) return false;
    if (!first_) out_.push_back(',');
    first_ = false;
    out_.push_back('"');
    out_ += name;
    out_ += "\":";
    return true;
}

void ObjectWriter::text(std::string_view key, std::string_view value) {
    if (name(key)) append_json_string(out_, value);
}

void ObjectWriter::text_unless_empty(std::string_view key, std::string_view value) {
    if (!value.empty()) text(key, value);
}

void ObjectWriter::json(std::string_view key, std::string_view value) {
    if (name(key)) out_ += value;
}

void ObjectWriter::number(std::string_view key, std::optional<std::int64_t> value) {
    if (value && name(key)) append_json_number(out_, *value);
}

void ObjectWriter::number(std::string_view key, std::optional<double> value) {
    if (value && name(key)) append_json_number(out_, *value);
}

void ObjectWriter::flag(std::string_view key, std::optional<bool> value) {
    if (value) json(key, *value ? "true" : "false");
}

void ObjectWriter::close() {
    for (const auto& [key, value] : extra_.all()) {
        if (!first_) out_.push_back(',');
        first_ = false;
        append_json_string(out_, key);
        out_.push_back(':');
        out_ += value;
    }
    out_.push_back('}');
}

}  // namespace holysheep::wire
