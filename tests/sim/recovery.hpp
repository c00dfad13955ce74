// How long after a fault's end things are as they were.
// Ledger → [recovery] → Figures
#pragma once

#include <optional>

#include "ledger.hpp"
#include "world_plan.hpp"

namespace holysheep::sim {

/// Seconds from the end of the last fault that ends before the world does. Of one region: until it has half of its old
/// share of first attempts again, over windows of two seconds of all clients. Of all regions: until, of the calls that
/// begin within one second, 99 % succeed and the median time to the first content is at most twice the old one. Nothing
/// where there is nothing to compare with; the time to the world's end where it never happens.
std::optional<double> recovery_seconds(const WorldPlan& plan, const Ledger& ledger);

}  // namespace holysheep::sim
