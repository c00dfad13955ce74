// The options of the simulation program.
// command line → [simulation flags] → main
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace holysheep::sim {

struct SimulationFlags {
    std::vector<std::string> scenarios{}, policies{};  ///< empty: all
    std::vector<double> loads{};                       ///< empty: 0.4 and 0.76, or those of the scenario file
    std::string scenario_file{};
    std::uint64_t first_seed = 1;
    int seeds = 4;
    int threads = 2;
    bool json = false, trace = false, help = false;
};

/// Throws std::invalid_argument with a message for the user.
SimulationFlags parse_flags(int count, const char* const* arguments);
std::string flags_text();

}  // namespace holysheep::sim
