// The command line of bench_overhead.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace holysheep::bench {

struct BenchFlags {
    bool json = false, help = false;
    int rounds = 31;                        ///< of each comparison
    std::chrono::milliseconds length{200};  ///< of one side of one round
    std::vector<std::string> only{};        ///< keys; empty: all

    bool wants(std::string_view key) const;
};

/// Throws std::invalid_argument, with what is wrong, for anything that is not understood.
BenchFlags parse_flags(int count, const char* const* arguments);
std::string_view flags_text();

}  // namespace holysheep::bench
