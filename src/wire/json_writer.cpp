// Writes the parts of JSON text that need care: escapes and numbers.
#include "wire/json_writer.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>

#include "wire/json_cursor.hpp"
#include "wire/utf8.hpp"

namespace holysheep::wire {
namespace {

void append_escape(std::string& out, unsigned char byte) {
    constexpr std::string_view kHex = "0123456789abcdef";
    switch (byte) {
        case '"': out += "\\\""; return;
        case '\\': out += "\\\\"; return;
        case '\n': out += "\\n"; return;
        case '\r': out += "\\r"; return;
        case '\t': out += "\\t"; return;
        case '\b': out += "\\b"; return;
        case '\f': out += "\\f"; return;
        default: break;
    }
    out += "\\u00";
    out += kHex[byte >> 4U];
    out += kHex[byte & 15U];
}

template <class Number>
void append_digits(std::string& out, Number number) {
    std::array<char, 32> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

/// The overhead of a member beyond its text, so that a limit on the size also bounds millions of empty members.
constexpr std::size_t kPerMember = 96;

bool both_are(char open, char close, std::string_view a, std::string_view b) {
    return a.size() >= 2 && b.size() >= 2 && a.front() == open && a.back() == close && b.front() == open;
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
    out.push_back('"');
    std::size_t copied = 0, at = 0;
    const auto flush = [&] { out.append(text.data() + copied, at - copied); };
    while ((at = skip_plain_text(text, at)) < text.size()) {
        const auto byte = static_cast<unsigned char>(text[at]);
        if (byte < 0x80) {
            flush();
            append_escape(out, byte);
            copied = ++at;
            continue;
        }
        const Utf8Step step = utf8_step(text, at);
        if (!step.valid) {
            flush();
            out += kReplacementCharacter;
            copied = at + step.length;
        }
        at += step.length;
    }
    flush();
    out.push_back('"');
}

void append_json_number(std::string& out, std::int64_t number) { append_digits(out, number); }

void append_json_number(std::string& out, double number) {
    if (!std::isfinite(number)) {
        out += "null";
        return;
    }
    append_digits(out, number);
}

std::size_t JsonMembers::set(std::string_view name, std::string_view json) {
    const auto found = members_.find(name);
    if (found == members_.end()) {
        members_.emplace(name, json);
        return kPerMember + name.size() + json.size();
    }
    const std::size_t before = found->second.capacity();
    found->second = json;
    return found->second.capacity() - before;
}

std::size_t JsonMembers::append(std::string_view name, std::string_view json) {
    const auto found = members_.find(name);
    if (found == members_.end()) return set(name, json);
    std::string& have = found->second;
    const bool arrays = both_are('[', ']', have, json), strings = both_are('"', '"', have, json);
    if (!arrays && !strings) return set(name, json);
    if (json.size() <= 2) return 0;
    have.pop_back();
    if (arrays && have.size() > 1) have.push_back(',');
    have.append(json.substr(1));
    return json.size();
}

std::string_view JsonMembers::get(std::string_view name) const {
    const auto found = members_.find(name);
    return found == members_.end() ? std::string_view() : std::string_view(found->second);
}

std::string JsonMembers::to_object() const {
    if (members_.empty()) return {};
    std::string out;
    append_to(out);
    out.front() = '{';
    out.push_back('}');
    return out;
}

void JsonMembers::append_to(std::string& out) const {
    for (const auto& [name, json] : members_) {
        out.push_back(',');
        append_json_string(out, name);
        out.push_back(':');
        out += json;
    }
}

}  // namespace holysheep::wire
