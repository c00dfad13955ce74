// One pass over the bytes. Terminals may interpret U+009B like ESC [ as the start of a command.
#include "values/printable.hpp"

#include <algorithm>

namespace holysheep::values {

namespace {

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80; }

bool is_control(std::string_view character) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
    if (character.size() == 1) return byte(0) < 0x20 || byte(0) == 0x7f;
    return character.size() == 2 && byte(0) == 0xc2 && byte(1) < 0xa0;
}

std::string printable(std::string_view text) {
    std::string shown;
    shown.reserve(text.size());
    while (!text.empty()) {
        const auto length = sequence_length(text);
        const auto character = text.substr(0, std::max<std::size_t>(1, length));
        shown += length == 0 ? "\xef\xbf\xbd" : is_control(character) ? " " : character;
        text.remove_prefix(character.size());
    }
    return shown;
}

}  // namespace

std::size_t sequence_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0U) != 0x80) return 0;
    }
    // Overlong forms, surrogates, and values beyond U+10FFFF.
    const auto second = byte(1);
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f)) return 0;
    if ((first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f)) return 0;
    return length;
}

std::size_t columns(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return !continues(c); }));
}

std::string clipped(std::string_view text, std::size_t width) {
    auto shown = printable(text);
    if (columns(shown) <= width) return shown;
    if (width == 0) return {};
    std::size_t used = 0;
    const auto beyond = std::ranges::find_if(shown, [&](char c) { return !continues(c) && used++ == width - 1; });
    shown.erase(beyond, shown.end());
    return shown + "…";
}

}  // namespace holysheep::values
