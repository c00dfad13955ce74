// Faults last from the 60th to the 120th second, unless the name says otherwise.
#include "scenarios.hpp"

#include <algorithm>

namespace holysheep::sim {

namespace {

using namespace std::chrono_literals;

Fault everywhere(FaultKind kind, Time length) {
    return {.region = {}, .kind = kind, .from = 60s, .to = 60s + length, .value = default_value(kind)};
}

}  // namespace

const std::vector<std::string_view>& scenario_names() {
    static const std::vector<std::string_view> names{
        "healthy", "refuse",    "black_hole", "frozen", "brown_out", "slow",     "quota",   "flap",
        "dns",     "tls_stall", "loss",       "cut",    "overload",  "all_down", "restart", "clock_jump"};
    return names;
}

std::optional<WorldPlan> scenario(std::string_view name) {
    if (std::ranges::find(scenario_names(), name) == scenario_names().end()) return std::nullopt;
    auto plan = default_world();
    plan.scenario = name;
    if (name == "healthy") return plan;
    if (name == "all_down") {
        plan.faults = {everywhere(FaultKind::refuse, 60s)};
    } else if (name == "overload" || name == "restart") {
        plan.faults = {everywhere(*fault_kind(name), 20s)};
    } else {
        plan.faults = {everywhere(*fault_kind(name), 60s)};
        if (name != "clock_jump") plan.faults.front().region = 0;
    }
    return plan;
}

}  // namespace holysheep::sim
