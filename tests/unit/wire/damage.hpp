// Adds a few faults to a text, the same ones in every run.
#pragma once

#include <algorithm>
#include <random>
#include <string>
#include <string_view>

namespace holysheep::wire {

/// Changes a few bytes to characters that matter in JSON, and repeats or removes a part.
inline std::string damaged(std::string text, std::mt19937& random) {
    constexpr std::string_view kBytes = "\"\\{}[],:0159-+.eEntfuld \n\x01\x7F\x80\xC3\xED\xF0\xFF";
    const auto any = [&](std::size_t limit) {
        return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
    };
    for (std::size_t change = 0; change <= any(3); ++change) {
        const std::size_t at = any(text.size()), length = std::min(any(24), text.size() - at);
        switch (any(4)) {
            case 0: text[at] = kBytes[any(kBytes.size())]; break;
            case 1: text.insert(at, 1, kBytes[any(kBytes.size())]); break;
            case 2: text.insert(any(text.size()), text.substr(at, length)); break;
            default: text.erase(at, length); break;
        }
        if (text.empty()) text = "{}";
    }
    return text;
}

}  // namespace holysheep::wire
