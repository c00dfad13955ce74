// Cells of tables for people. What others named may neither move the cursor nor shift a column, and what is not known
// is said to be so.
// Stats → [table_text] → print_dashboard, operator<<
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <holysheep/stats.hpp>

#include "values/printable.hpp"

namespace holysheep::telemetry {

using values::clipped;
using values::columns;

/// Never below the average because of a quantile's error alone: buckets are 3.2 % wide, the average is exact.
nanoseconds shown_p99(const LatencySummary& summary);

/// The region's reason, where it says more than that a healthy region answers; else empty.
std::string_view reason_to_tell(const RegionHealth& health);

/// "cost unknown", or of how many calls; empty where every cost is known. Nothing at all would look as if it were free.
std::string unknown_cost(const ModelStats& model);

}  // namespace holysheep::telemetry
