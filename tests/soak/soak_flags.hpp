// The command line of the soak.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace holysheep::soak {

struct Flags {
    int seconds = 60;
    std::uint64_t seed = 1;
    int rate = 50;
    bool restarts_only = false, plan_only = false, help = false;
    std::string folder{};  ///< for configurations and logs; empty: a temporary one
};

extern const char* const kHelp;

/// Throws std::invalid_argument, which names the invalid argument.
Flags flags_from(const std::vector<std::string>& arguments);

}  // namespace holysheep::soak
