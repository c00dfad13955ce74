// Cuts a text into pieces, as a network might deliver it.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace holysheep::wire {

using Pieces = std::vector<std::string_view>;

inline Pieces in_pieces_of(std::size_t size, std::string_view text) {
    Pieces pieces;
    for (std::size_t at = 0; at < text.size(); at += size) pieces.push_back(text.substr(at, size));
    return pieces;
}

/// In one piece, byte by byte, and in two pieces at every position.
inline std::vector<Pieces> all_cuts(std::string_view text) {
    std::vector<Pieces> cuts{{text}, in_pieces_of(1, text), in_pieces_of(7, text)};
    for (std::size_t at = 1; at < text.size(); ++at) cuts.push_back({text.substr(0, at), text.substr(at)});
    return cuts;
}

}  // namespace holysheep::wire
