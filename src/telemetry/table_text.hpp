// Formats cells of tables for people. Names from outside must neither control the terminal nor shift a column; unknown
// values are marked as such. Stats → [table_text] → print_dashboard, operator<<
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <holysheep/stats.hpp>

#include "values/printable.hpp"

namespace holysheep::telemetry {

using values::clipped;
using values::columns;

/// The p99 to display, at least the average: buckets have an error of 3.2 %, the average is exact.
nanoseconds shown_p99(const LatencySummary& summary);

/// The reason of the region's state; empty if it is simply healthy.
std::string_view reason_to_tell(const RegionHealth& health);

/// "cost unknown", or the number of calls with unknown cost; empty if all costs are known. An empty cell would
/// otherwise suggest that the calls were free.
std::string unknown_cost(const ModelStats& model);

}  // namespace holysheep::telemetry
