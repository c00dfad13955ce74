// Reads a simulation plan from a file.
// --scenario-file FILE → [scenario file] → SimulationPlan
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "simulation_plan.hpp"

namespace holysheep::sim {

struct ScenarioFile {
    SimulationPlan plan{};
    std::vector<double> loads{};  ///< empty: not given
};

/// Reads
///
///     {"name": "two outages", "clients": 10, "duration": 170, "warm_up": 20, "loads": [0.4, 0.76],
///      "capacity": 198, "prefill": 220, "hold": 1200, "deadline": 3000, "late_head": true, "restart_streams": true,
///      "regions": [{"id": "near", "rtt": 20, "slots": 110, "weight": 1}, …],
///      "faults": [{"region": "near", "kind": "black_hole", "from": 60, "to": 120, "value": 0}, …]}
///
/// Times and durations are in seconds, except `rtt`, the medians `prefill` and `hold` and the calls' `deadline` in ms;
/// `capacity` is in calls per second. `load` is a single number instead of `loads`. Only a region's id and rtt and a
/// fault's kind, from and to are required; a fault without a region affects all. Throws std::invalid_argument, which
/// names the unknown or invalid key.
ScenarioFile parse_scenario(std::string_view text);
ScenarioFile read_scenario_file(const std::string& path);

}  // namespace holysheep::sim
