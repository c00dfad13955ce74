// The process of one caller: asks at a steady pace, whatever becomes of the answers, and writes down what it saw.
// main → [run_caller] → Asker → Tally → file
#pragma once

#include <string>
#include <vector>

#include <holysheep/region.hpp>

#include "tally.hpp"

namespace holysheep::soak {

struct LoadPlan {
    int rate = 50;  ///< calls per second
    int seconds = 60;
    std::vector<Region> regions{};
};

/// The command line of a caller's process, which leaves its figures in `file`.
std::vector<std::string> caller_command(std::string_view caller, const std::string& file, const LoadPlan& plan);
/// That process. Returns its exit code.
int run_caller(const std::vector<std::string>& arguments);

}  // namespace holysheep::soak
