// Walks strictly over JSON text in place: the fast parser for answers of the usual shape, and the validator for JSON
// from callers. Text that it rejects is passed to json_dom, which is tolerant.
// JSON text → [json_cursor] → answer_scan, usage_scan, chat_encoder
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace holysheep::wire {

/// Deeper nesting is rejected everywhere: printing and comparing JSON trees recurses, and no real answer is that deep.
inline constexpr int kMaxJsonDepth = 256;

/// Whether the byte needs special handling inside a JSON string: a quote, a backslash, a control character or a byte of
/// a non-ASCII character.
inline bool is_special_in_string(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte >= 0x80 || byte == '"' || byte == '\\';
}

/// The position of the next byte, from `at` on, that needs special handling inside a JSON string. Processes sixteen
/// bytes at a time with SSE2, which is part of x86-64; elsewhere eight, with the bit tricks for "any byte equals".
inline std::size_t skip_plain_text(std::string_view text, std::size_t at) {
#ifdef __SSE2__
    for (; at + 16 <= text.size(); at += 16) {
        __m128i bytes;
        std::memcpy(&bytes, text.data() + at, sizeof bytes);
        // As signed numbers, the bytes of non-ASCII characters compare below those of control characters.
        const __m128i special = _mm_or_si128(
            _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)),
            _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))));
        const auto marks = static_cast<unsigned>(_mm_movemask_epi8(special));
        if (marks != 0) return at + static_cast<std::size_t>(std::countr_zero(marks));
    }
#else
    constexpr std::uint64_t kOnes = 0x0101010101010101U, kHighs = 0x8080808080808080U;
    const auto zero_byte = [](std::uint64_t word) { return (word - kOnes) & ~word; };
    for (; at + 8 <= text.size(); at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data() + at, 8);
        const std::uint64_t special = (zero_byte(word ^ (kOnes * '"')) | zero_byte(word ^ (kOnes * '\\')) |
                                       ((word - kOnes * 0x20) & ~word) | word) &
                                      kHighs;
        if (special == 0) continue;
        // On a little-endian machine the lowest mark is exact; borrows affect only the bytes above it.
        if constexpr (std::endian::native == std::endian::little) {
            return at + static_cast<std::size_t>(std::countr_zero(special)) / 8;
        }
        break;
    }
#endif
    while (at < text.size() && !is_special_in_string(text[at])) ++at;
    return at;
}

/// Every function skips leading white space and returns false if the text is not of the requested kind; the position is
/// then undefined.
class JsonCursor {
  public:
    /// Strings with escapes are unescaped into `scratch`, which must outlive their views; it is reserved once.
    JsonCursor(std::string_view text, std::string& scratch) : text_(text), scratch_(scratch) { scratch_.clear(); }

    /// The next character other than white space; '\0' at the end.
    char peek() {
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c != ' ' && c != '\n' && c != '\r' && c != '\t') return c;
            ++at_;
        }
        return '\0';
    }
    bool consume(char expected) {
        if (at_ < text_.size() && text_[at_] == expected) {
            ++at_;
            return true;
        }
        if (peek() != expected || at_ >= text_.size()) return false;
        ++at_;
        return true;
    }
    /// The position of the next value; `since` returns the text from such a position up to the current one.
    std::size_t position() { return peek(), at_; }
    std::string_view since(std::size_t start) const { return text_.substr(start, at_ - start); }
    bool at_end() { return peek() == '\0' && at_ >= text_.size(); }

    bool read_string(std::string_view& out) {
        // Most strings are plain and begin right here.
        if (at_ < text_.size() && text_[at_] == '"') {
            const std::size_t start = at_ + 1, end = skip_plain_text(text_, start);
            if (end < text_.size() && text_[end] == '"') {
                out = text_.substr(start, end - start);
                at_ = end + 1;
                return true;
            }
        }
        return read_any_string(out);
    }
    /// Reads plain integers of up to 18 digits; rejects anything else.
    bool read_integer(std::int64_t& out);
    /// Reads any JSON number.
    bool read_number(std::string_view& out);
    bool read_literal(std::string_view literal);
    bool read_null() { return peek() == 'n' && read_literal("null"); }
    /// Validates and skips one value of any kind; `out` receives its text. Rejects numbers that do not fit a double.
    bool skip_value(std::string_view* out = nullptr);

    /// Iterates over `{…}`: `member(name)` must read the value and return whether to continue.
    template <class Member>
    bool read_object(Member&& member) {
        if (!consume('{')) return false;
        if (consume('}')) return true;
        do {
            std::string_view name;
            if (!read_name(name) || !member(name)) return false;
        } while (consume(','));
        return consume('}');
    }
    /// Iterates over `[…]`: `element()` must read one value.
    template <class Element>
    bool read_array(Element&& element) {
        if (!consume('[')) return false;
        if (consume(']')) return true;
        do {
            if (!element()) return false;
        } while (consume(','));
        return consume(']');
    }

  private:
    /// Reads a member's name and the following colon.
    bool read_name(std::string_view& out) {
        // Names have no escapes, and usually no white space around them.
        if (at_ < text_.size() && text_[at_] == '"') {
            const std::size_t start = at_ + 1, end = skip_plain_text(text_, start);
            if (end + 1 < text_.size() && text_[end] == '"' && text_[end + 1] == ':') {
                out = text_.substr(start, end - start);
                at_ = end + 2;
                return true;
            }
        }
        return read_string(out) && consume(':');
    }
    bool read_any_string(std::string_view& out);
    bool unescape_from(std::size_t start, std::string_view& out);
    bool append_escape();
    bool read_hex4(std::uint32_t& out);
    bool skip_value_at(int depth);

    std::string_view text_;
    std::string& scratch_;
    std::size_t at_ = 0;
};

/// Whether a JSON number is within a double's range: 1e999 is valid by the grammar, but later parsers would reject the
/// whole text because of it.
bool fits_a_double(std::string_view number);

/// Whether the text is exactly one JSON value (an object), strictly.
bool is_json(std::string_view text);
bool is_json_object(std::string_view text);

}  // namespace holysheep::wire
