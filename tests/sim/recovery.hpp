// Measures how long after the end of a fault the system is back to normal.
// Ledger → [recovery] → Figures
#pragma once

#include <optional>

#include "ledger.hpp"
#include "simulation_plan.hpp"

namespace holysheep::sim {

/// Seconds from the end of the last fault that ends before the simulation does. If the faults affect one region: until
/// it again has half of its old share of first attempts, over windows of two seconds of all clients. If they affect all
/// regions: until, of the calls that begin within one second, 99 % succeed and the median time to the first content is
/// at most twice the old one. Returns nothing if there is nothing to compare with, and the time to the end of the
/// simulation if recovery never happens.
std::optional<double> recovery_seconds(const SimulationPlan& plan, const Ledger& ledger);

}  // namespace holysheep::sim
