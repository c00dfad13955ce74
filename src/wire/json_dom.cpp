// Wraps the JSON parser so that network data can neither cause an exception nor exhaust the stack.
#include "wire/json_dom.hpp"

#include <charconv>
#include <cmath>
#include <cstddef>

#include <nlohmann/json.hpp>

#include "wire/json_cursor.hpp"
#include "wire/utf8.hpp"

namespace holysheep::wire {
namespace {

using nlohmann::json;

/// More values than any real answer has; as a DOM, each costs a multiple of its text.
constexpr std::size_t kMaxJsonValues = 4'000'000;

/// Checks the limits in one pass over the text, so that neither stack nor memory is spent on text that is rejected
/// anyway.
enum class Excess { none, depth, values };
Excess find_excess(std::string_view text) {
    int depth = 0;
    std::size_t values = 0;
    bool in_string = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (in_string) {
            if (c == '\\') {
                ++at;
            } else if (c == '"') {
                in_string = false;
            }
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > kMaxJsonDepth) return Excess::depth;
            ++values;
        } else if (c == '}' || c == ']') {
            --depth;
        } else if (c == ',') {
            ++values;
        }
        if (values > kMaxJsonValues) return Excess::values;
    }
    return Excess::none;
}

/// The code unit of the `\uXXXX` at this position, or -1.
long escaped_unit(std::string_view text, std::size_t at) {
    if (text.size() < at + 6 || text[at] != '\\' || text[at + 1] != 'u') return -1;
    long unit = -1;
    const char* first = text.data() + at + 2;
    const auto [end, error] = std::from_chars(first, first + 4, unit, 16);
    return error == std::errc{} && end == first + 4 ? unit : -1;
}

/// Copies an escape, with `\ufffd` in place of a surrogate that has no partner. Returns how many bytes were read.
std::size_t copy_escape(std::string& out, std::string_view text, std::size_t at) {
    const long unit = escaped_unit(text, at);
    if (unit < 0xD800 || unit > 0xDFFF) {
        out.append(text.substr(at, 2));
        return std::min<std::size_t>(2, text.size() - at);
    }
    const long next = escaped_unit(text, at + 6);
    if (unit <= 0xDBFF && next >= 0xDC00 && next <= 0xDFFF) {
        out.append(text.substr(at, 12));
        return 12;
    }
    out += "\\ufffd";
    return 6;
}

/// The length of a non-JSON word at this position that servers print as a value, else 0.
std::size_t foreign_word(std::string_view text, std::size_t at) {
    for (const std::string_view word : {"NaN", "-NaN", "Infinity", "-Infinity", "+Infinity"}) {
        if (text.substr(at, word.size()) == word) return word.size();
    }
    return 0;
}

/// All characters that could belong to a number beginning here; taken as a whole, so that no byte is examined twice.
std::string_view number_at(std::string_view text, std::size_t at) {
    if (text[at] != '-' && (text[at] < '0' || text[at] > '9')) return {};
    return text.substr(at, text.find_first_not_of("0123456789.eE+-", at) - at);
}

bool is_beyond_range(std::string_view number) {
    double value = 0;
    const auto [stop, error] = std::from_chars(number.data(), number.data() + number.size(), value);
    const bool whole = stop == number.data() + number.size();
    return error == std::errc::result_out_of_range && whole && !fits_a_double(number);
}

std::string repair(std::string_view text) {
    std::string valid;
    valid.reserve(text.size());
    append_valid_utf8(valid, text);
    const std::string_view in = valid;
    std::string out;
    out.reserve(in.size());
    bool in_string = false;
    for (std::size_t at = 0; at < in.size();) {
        if (in_string && in[at] == '\\') {
            at += copy_escape(out, in, at);
            continue;
        }
        if (in[at] == '"') in_string = !in_string;
        const std::size_t word = in_string ? 0 : foreign_word(in, at);
        const std::string_view number = in_string ? std::string_view() : number_at(in, at);
        if (word > 0) {
            out += "null";
            at += word;
        } else if (!number.empty()) {
            out += is_beyond_range(number) ? "null" : number;
            at += number.size();
        } else {
            out.push_back(in[at++]);
        }
    }
    return out;
}

std::optional<double> parse_number(std::string_view text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace

bool parse_json(std::string_view text, json& out, std::string& repaired) {
    repaired.clear();
    if (find_excess(text) != Excess::none) return false;
    out = json::parse(text, nullptr, false);
    if (!out.is_discarded()) return true;
    std::string attempt = repair(text);
    if (attempt == text) return false;
    out = json::parse(attempt, nullptr, false);
    if (out.is_discarded()) return false;
    repaired = std::move(attempt);
    return true;
}

bool parse_json(std::string_view text, json& out) {
    std::string repaired;
    return parse_json(text, out, repaired);
}

std::string_view excess_of(std::string_view text) {
    switch (find_excess(text)) {
        case Excess::none: return {};
        case Excess::depth: return "JSON nested deeper than 256 levels";
        case Excess::values: return "JSON with more than 4000000 values";
    }
    return {};
}

const json* member(const json& value, const char* name) {
    if (!value.is_object()) return nullptr;
    const auto found = value.find(name);
    return found == value.end() || found->is_null() ? nullptr : &*found;
}

const json* member(const json& value, const char* outer, const char* name) {
    const json* inner = member(value, outer);
    return inner == nullptr ? nullptr : member(*inner, name);
}

std::string_view text_of(const json* value) {
    if (value == nullptr || !value->is_string()) return {};
    return value->get_ref<const std::string&>();
}

std::optional<std::int64_t> integer_of(const json* value) {
    if (value == nullptr) return std::nullopt;
    if (value->is_number_unsigned() && value->get<std::uint64_t>() > INT64_MAX) return std::nullopt;
    if (value->is_number_integer()) return value->get<std::int64_t>();
    const auto number = number_of(value);
    constexpr double kLimit = 9.2e18;
    if (!number || *number > kLimit || *number < -kLimit) return std::nullopt;
    return static_cast<std::int64_t>(*number);
}

std::optional<double> number_of(const json* value) {
    if (value == nullptr) return std::nullopt;
    std::optional<double> number;
    if (value->is_number()) number = value->get<double>();
    if (value->is_string()) number = parse_number(text_of(value));
    return number && std::isfinite(*number) ? number : std::nullopt;
}

std::string scalar_text_of(const json* value) {
    if (value == nullptr) return {};
    if (value->is_string()) return std::string(text_of(value));
    return value->is_number() ? print_json(*value) : std::string();
}

bool is_truthy(const json* value) {
    if (value == nullptr || value->is_null()) return false;
    if (value->is_boolean()) return value->get<bool>();
    if (value->is_number()) return value->get<double>() != 0.0;
    return value->is_string() ? !text_of(value).empty() : !value->empty();
}

std::string print_json(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

std::string_view raw_member(std::string_view object, std::string_view name) {
    std::string scratch;
    std::string_view found;
    JsonCursor cursor(object, scratch);
    cursor.read_object([&](std::string_view key) {
        std::string_view value;
        if (!cursor.skip_value(&value)) return false;
        if (key == name) found = value;
        return true;
    });
    return found;
}

}  // namespace holysheep::wire
