// The named scenarios; in each of them one thing goes wrong.
// --scenario → [scenarios] → SimulationPlan
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "simulation_plan.hpp"

namespace holysheep::sim {

/// In the order of the output: `healthy`, faults of the nearest region, then faults of all regions.
const std::vector<std::string_view>& scenario_names();
std::optional<SimulationPlan> scenario(std::string_view name);

}  // namespace holysheep::sim
