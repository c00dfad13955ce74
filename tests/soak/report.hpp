// The table of what the callers saw, and whether the library kept its promises.
// Figures → [print_table, broken_promises] → exit code
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "tally.hpp"

namespace holysheep::soak {

void print_table(std::ostream& out, const std::vector<Figures>& callers);
/// One line for each promise that was broken; none: all were kept.
std::vector<std::string> broken_promises(const std::vector<Figures>& callers);

/// Beside the connections that are kept: the client's own, and those of its probes.
inline constexpr int kMoreDescriptors = 16;
/// What may be more at the end than in the first third. The heap of a process grows by a few as the faults vary; half a
/// kilobyte that each call leaks would be ten after ten minutes.
inline constexpr double kMoreMemoryMb = 8;

}  // namespace holysheep::soak
