// The two cases: faults come and go in three regions, and a proxy in front of everything restarts.
// main → [run_restarts, run_faults] → Site, FaultRunner, callers → report
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "soak_flags.hpp"

namespace holysheep::soak {

/// The user wants the soak to end; whatever it started ends with it.
struct Interrupted : std::runtime_error {
    Interrupted() : std::runtime_error("interrupted") {}
};
/// From a signal handler.
void interrupt();

/// 250 calls each while the only proxy is gone for one second: one region behind it, then two; nginx, then haproxy.
/// Prints a table, returns what was promised and not kept.
std::vector<std::string> run_restarts(const std::string& folder, const Flags& flags);
std::vector<std::string> run_faults(const std::string& folder, const Flags& flags);

/// How many backends each region of `run_faults` has.
const std::vector<int>& backends_of_regions();

}  // namespace holysheep::soak
