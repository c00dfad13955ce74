// The table of results, and the checks of the library's guarantees.
// Figures → [print_table, violations] → exit code
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "tally.hpp"

namespace holysheep::soak {

void print_table(std::ostream& out, const std::vector<Figures>& callers);
/// One line per failed check.
std::vector<std::string> violations(const std::vector<Figures>& callers);

/// Descriptors beyond idle connections: the client's own, and those of its probes.
inline constexpr int kExtraDescriptors = 16;
/// Allowed growth after the warm-up. The heap grows by a few MB as the faults vary; a leak of half a kilobyte per call
/// would be ten after ten minutes.
inline constexpr double kMaxMemoryGrowthMb = 8;

}  // namespace holysheep::soak
