// Character classes and comparison for ASCII text: header names, URL schemes, host names. Independent of the process's
// locale, unlike std::tolower and std::isalnum; bytes above 0x7F are neither letters nor white space.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace holysheep::values {

inline constexpr std::string_view kWhitespace = " \t\r\n\v\f";

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_letter(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }
constexpr bool is_alphanumeric(char c) { return is_digit(c) || is_letter(c); }

inline std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result) c = lower(c);
    return result;
}

/// Removes the characters of `set` from both ends.
constexpr std::string_view trim(std::string_view text, std::string_view set = kWhitespace) {
    const auto first = text.find_first_not_of(set);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(set) - first + 1);
}

inline bool equal_ignoring_case(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    // Usually the spelling is the same: HTTP/2 header names are always in lower case.
    return a == b || std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

inline bool contains_ignoring_case(std::string_view text, std::string_view word) {
    // clang 14 cannot compile std::ranges::search with libstdc++ 12.
    return std::search(text.begin(), text.end(), word.begin(), word.end(),
                       [](char x, char y) { return lower(x) == lower(y); }) != text.end();
}

}  // namespace holysheep::values
