// Reads the description of a simulated world from a file.
// --world FILE → [world file] → WorldPlan
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "world_plan.hpp"

namespace holysheep::sim {

struct WorldFile {
    WorldPlan plan{};
    std::vector<double> loads{};  ///< empty: not given
};

/// Reads
///
///     {"name": "two outages", "clients": 10, "duration": 170, "warm_up": 20, "loads": [0.4, 0.76],
///      "capacity": 198, "prefill": 220, "hold": 1200, "deadline": 3000, "late_head": true, "restart_streams": true,
///      "regions": [{"id": "near", "rtt": 20, "slots": 110, "weight": 1}, …],
///      "faults": [{"region": "near", "kind": "black_hole", "from": 60, "to": 120, "value": 0}, …]}
///
/// Moments and lengths of the world are in seconds; `rtt`, the medians `prefill` and `hold` and the calls' `deadline`
/// in ms; `capacity` is in calls a second. `load` is one number in place of `loads`. Everything may be left out but a
/// region's id and rtt and a fault's kind, from and to; a fault without a region is everywhere. Throws
/// std::invalid_argument, which names the key that is unknown or wrong.
WorldFile parse_world(std::string_view text);
WorldFile read_world(const std::string& path);

}  // namespace holysheep::sim
