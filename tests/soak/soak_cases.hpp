// The two cases: faults in three regions, and a restart of the only proxy.
// main → [run_restarts, run_faults] → Site, FaultRunner, callers → report
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "soak_flags.hpp"

namespace holysheep::soak {

/// Thrown after SIGINT, SIGTERM or SIGHUP; unwinding ends all started processes.
struct Interrupted : std::runtime_error {
    Interrupted() : std::runtime_error("interrupted") {}
};
/// Async-signal-safe.
void interrupt();

/// 250 calls each while the only proxy is down for one second: with one region and with two, nginx and haproxy. Prints
/// a table; returns the failed checks.
std::vector<std::string> run_restarts(const std::string& folder, const Flags& flags);
/// Calls of every caller under `make_plan`'s faults. Prints a table; returns the failed checks.
std::vector<std::string> run_faults(const std::string& folder, const Flags& flags);

/// The number of backends of each region of `run_faults`.
const std::vector<int>& backends_of_regions();

}  // namespace holysheep::soak
