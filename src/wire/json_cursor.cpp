// Implements the grammar of RFC 8259, byte by byte.
#include "wire/json_cursor.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

#include "values/ascii.hpp"
#include "wire/utf8.hpp"

namespace holysheep::wire {

using values::is_digit;

bool fits_a_double(std::string_view number) {
    constexpr std::size_t kSafeDigits = 300;
    const std::size_t exponent = number.find_first_of("eE");
    const std::size_t digits = std::min(exponent, number.size());
    if (exponent == std::string_view::npos && digits < kSafeDigits) return true;
    double value = 0;
    if (std::from_chars(number.data(), number.data() + number.size(), value).ec == std::errc{}) return true;
    // An underflowing number counts as zero.
    return digits < kSafeDigits && number.substr(exponent + 1, 1) == "-";
}

bool JsonCursor::read_any_string(std::string_view& out) {
    if (!consume('"')) return false;
    const std::size_t start = at_;
    while ((at_ = skip_plain_text(text_, at_)) < text_.size()) {
        const auto byte = static_cast<unsigned char>(text_[at_]);
        if (byte == '"') {
            out = text_.substr(start, at_ - start);
            ++at_;
            return true;
        }
        if (byte == '\\') return unescape_from(start, out);
        if (byte < 0x20) return false;
        const Utf8Step step = utf8_step(text_, at_);
        if (!step.valid) return false;
        at_ += step.length;
    }
    return false;
}

bool JsonCursor::unescape_from(std::size_t start, std::string_view& out) {
    // Unescaping never lengthens a string, so one reservation keeps all earlier views valid.
    if (scratch_.capacity() < text_.size()) scratch_.reserve(text_.size());
    const std::size_t begin = scratch_.size();
    std::size_t copied = start;
    while ((at_ = skip_plain_text(text_, at_)) < text_.size()) {
        const auto byte = static_cast<unsigned char>(text_[at_]);
        if (byte == '"') {
            scratch_.append(text_.data() + copied, at_ - copied);
            out = std::string_view(scratch_).substr(begin);
            ++at_;
            return true;
        }
        if (byte == '\\') {
            scratch_.append(text_.data() + copied, at_ - copied);
            ++at_;
            if (!append_escape()) return false;
            copied = at_;
            continue;
        }
        if (byte < 0x20) return false;
        const Utf8Step step = utf8_step(text_, at_);
        if (!step.valid) return false;
        at_ += step.length;
    }
    return false;
}

bool JsonCursor::append_escape() {
    if (at_ >= text_.size()) return false;
    switch (text_[at_++]) {
        case '"': scratch_.push_back('"'); return true;
        case '\\': scratch_.push_back('\\'); return true;
        case '/': scratch_.push_back('/'); return true;
        case 'b': scratch_.push_back('\b'); return true;
        case 'f': scratch_.push_back('\f'); return true;
        case 'n': scratch_.push_back('\n'); return true;
        case 'r': scratch_.push_back('\r'); return true;
        case 't': scratch_.push_back('\t'); return true;
        case 'u': break;
        default: return false;
    }
    std::uint32_t unit = 0;
    if (!read_hex4(unit)) return false;
    if (unit >= 0xD800 && unit <= 0xDBFF) {
        std::uint32_t low = 0;
        if (text_.substr(at_, 2) != "\\u") return false;
        at_ += 2;
        if (!read_hex4(low) || low < 0xDC00 || low > 0xDFFF) return false;
        unit = 0x10000 + ((unit - 0xD800) << 10U) + (low - 0xDC00);
    } else if (unit >= 0xDC00 && unit <= 0xDFFF) {
        return false;
    }
    append_code_point(scratch_, unit);
    return true;
}

bool JsonCursor::read_hex4(std::uint32_t& out) {
    if (text_.size() - at_ < 4) return false;
    out = 0;
    for (int i = 0; i < 4; ++i) {
        const char c = text_[at_++];
        const char lower = static_cast<char>(static_cast<unsigned char>(c) | 0x20U);
        if (is_digit(c)) {
            out = out * 16 + static_cast<std::uint32_t>(c - '0');
        } else if (lower >= 'a' && lower <= 'f') {
            out = out * 16 + static_cast<std::uint32_t>(lower - 'a' + 10);
        } else {
            return false;
        }
    }
    return true;
}

bool JsonCursor::read_integer(std::int64_t& out) {
    std::string_view digits;
    if (!read_number(digits)) return false;
    const bool negative = digits.front() == '-';
    if (negative) digits.remove_prefix(1);
    if (digits.size() > 18 || (negative && digits == "0")) return false;
    std::int64_t value = 0;
    for (const char c : digits) {
        if (!is_digit(c)) return false;
        value = value * 10 + (c - '0');
    }
    out = negative ? -value : value;
    return true;
}

bool JsonCursor::read_number(std::string_view& out) {
    peek();
    const std::string_view text = text_;
    std::size_t at = at_;
    const auto digits = [&] {
        const std::size_t first = at;
        while (at < text.size() && is_digit(text[at])) ++at;
        return at - first;
    };
    const auto next_is = [&](char c) { return at < text.size() && text[at] == c; };
    if (next_is('-')) ++at;
    const bool leading_zero = next_is('0');
    const std::size_t whole = digits();
    if (whole == 0 || (leading_zero && whole > 1)) return false;
    if (next_is('.')) {
        ++at;
        if (digits() == 0) return false;
    }
    if (next_is('e') || next_is('E')) {
        ++at;
        if (next_is('+') || next_is('-')) ++at;
        if (digits() == 0) return false;
    }
    out = text.substr(at_, at - at_);
    at_ = at;
    return true;
}

bool JsonCursor::read_literal(std::string_view literal) {
    peek();
    if (text_.substr(at_, literal.size()) != literal) return false;
    at_ += literal.size();
    return true;
}

bool JsonCursor::skip_value(std::string_view* out) {
    peek();
    const std::size_t start = at_;
    if (!skip_value_at(0)) return false;
    if (out != nullptr) *out = text_.substr(start, at_ - start);
    return true;
}

bool JsonCursor::skip_value_at(int depth) {
    if (depth > kMaxJsonDepth) return false;
    std::string_view ignored;
    switch (peek()) {
        case '{': return read_object([&](std::string_view) { return skip_value_at(depth + 1); });
        case '[': return read_array([&] { return skip_value_at(depth + 1); });
        case '"': return read_string(ignored);
        case 't': return read_literal("true");
        case 'f': return read_literal("false");
        case 'n': return read_literal("null");
        default: return read_number(ignored) && fits_a_double(ignored);
    }
}

bool is_json(std::string_view text) {
    std::string scratch;
    JsonCursor cursor(text, scratch);
    return cursor.skip_value() && cursor.at_end();
}

bool is_json_object(std::string_view text) {
    std::string scratch;
    JsonCursor cursor(text, scratch);
    return cursor.peek() == '{' && cursor.skip_value() && cursor.at_end();
}

}  // namespace holysheep::wire
