// The command line of the benchmarks that compare with raw libcurl.
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
    int rounds = 31;                        ///< rounds of each comparison
    std::chrono::milliseconds length{200};  ///< length of one side in one round
    std::vector<std::string> only{};        ///< keys of the figures to measure; empty: all

    bool wants(std::string_view key) const;
};

/// `figures`: the figures that `--only` may name. Throws std::invalid_argument with an explanation for anything that it
/// does not understand.
BenchFlags parse_flags(int count, const char* const* arguments, std::span<const Figure> figures);
std::string_view flags_text();

}  // namespace holysheep::bench
