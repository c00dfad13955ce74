// A world that someone wrote down.
// --world FILE → [world file] → WorldPlan
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "world_plan.hpp"

namespace holysheep::sim {

struct WorldFile {
    WorldPlan plan{};
    std::vector<double> loads{};  ///< empty: not said
};

/// Reads
///
///     {"name": "two outages", "clients": 10, "duration_s": 170, "warm_up_s": 20, "loads": [0.4],
///      "regions": [{"id": "near", "rtt_ms": 20, "slots": 110, "weight": 1}, …],
///      "faults": [{"region": "near", "kind": "black_hole", "from_s": 60, "to_s": 120, "value": 0}, …]}
///
/// Everything but a region's id and rtt_ms and a fault's kind, from_s and to_s may be left out; a fault without a
/// region is everywhere. Throws std::invalid_argument, which names the key that is unknown or wrong.
WorldFile parse_world(std::string_view json);
WorldFile read_world(const std::string& path);

}  // namespace holysheep::sim
