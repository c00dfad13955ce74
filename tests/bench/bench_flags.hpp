// The command line that the benchmarks against raw libcurl share.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "figures.hpp"

namespace holysheep::bench {

struct BenchFlags {
    bool json = false, help = false;
    int rounds = 31;                        ///< of each comparison
    std::chrono::milliseconds length{200};  ///< of one side of one round
    std::vector<std::string> only{};        ///< keys; empty: all

    bool wants(std::string_view key) const;
};

/// Throws std::invalid_argument, with what is wrong, for anything that is not understood.
/// `figures`: those that `--only` may name.
BenchFlags parse_flags(int count, const char* const* arguments, std::span<const Figure> figures);
std::string_view flags_text();

}  // namespace holysheep::bench
