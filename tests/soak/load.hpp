// The process of one caller: starts calls at a constant rate regardless of their outcome, and records the outcomes.
// main → [run_caller] → TestClient → Tally → file
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

/// The command line of a caller's process, which writes its figures to `file`.
std::vector<std::string> caller_command(std::string_view caller, const std::string& file, const LoadPlan& plan);
/// The main function of that process. Returns its exit code.
int run_caller(const std::vector<std::string>& arguments);

}  // namespace holysheep::soak
