// Defines the scenarios. Faults last from the 60th to the 120th second, unless the name says otherwise.
#include "scenarios.hpp"

#include <algorithm>

#include "random_stream.hpp"

namespace holysheep::sim {

namespace {

using namespace std::chrono_literals;

Fault everywhere(FaultKind kind, Time length) {
    return {.region = {}, .kind = kind, .from = 60s, .to = 60s + length, .value = default_value(kind)};
}

Fault throughout(FaultKind kind, const SimulationPlan& plan, double value) {
    return {.region = {}, .kind = kind, .from = 0s, .to = plan.duration, .value = value};
}

/// The nearest region freezes repeatedly, each time with streams in progress.
std::vector<Fault> freezes() {
    std::vector<Fault> faults;
    for (Time from = 62s; from < 120s; from += 12s) {
        faults.push_back({.region = 0, .kind = FaultKind::frozen, .from = from, .to = from + 6s});
    }
    return faults;
}

/// Short answers, whose end follows soon after their first content; the arrival rate is the same as in the other
/// scenarios.
void answer_within(Time deadline, SimulationPlan& plan) {
    plan.capacity = plan.arrivals_per_second() / plan.load;
    plan.deadline = deadline;
    plan.hold_median = 20ms;
    plan.hold_sigma = 0.3;
}

/// Faults of 3 to 20 s, one after another and two at a time: at each moment some region has been healthy for two
/// seconds.
std::vector<Fault> rolling(const SimulationPlan& plan) {
    std::vector<Fault> faults;
    std::vector<Time> healthy_since(plan.regions.size(), Time{0});
    RandomStream random(1, Purpose::path, {1});
    for (Time now = 20s; now < 140s; now += from_seconds(random.uniform(0.5, 3))) {
        const auto region = random.index(plan.regions.size());
        if (healthy_since[region] > now) continue;
        bool other_healthy = false;
        for (std::size_t other = 0; other < plan.regions.size(); ++other) {
            other_healthy = other_healthy || (other != region && healthy_since[other] + 2s <= now);
        }
        if (!other_healthy) continue;
        Fault fault{.region = region, .from = now, .to = now + from_seconds(random.uniform(3, 20))};
        switch (random.index(3)) {
            case 0:  // refuses new connections, and resets idle ones
                fault.kind = FaultKind::flap;
                fault.value = 60;
                break;
            case 1:
                fault.kind = FaultKind::brown_out;
                fault.value = 1;
                break;
            default: fault.kind = FaultKind::frozen; break;
        }
        healthy_since[region] = fault.to;
        faults.push_back(fault);
    }
    return faults;
}

}  // namespace

const std::vector<std::string_view>& scenario_names() {
    static const std::vector<std::string_view> names{"healthy",
                                                     "refuse",
                                                     "black_hole",
                                                     "frozen",
                                                     "frozen_after_head",
                                                     "frozen_mid_stream",
                                                     "completions_frozen",
                                                     "comments_forever",
                                                     "brown_out",
                                                     "slow",
                                                     "quota",
                                                     "flap",
                                                     "dns",
                                                     "tls_stall",
                                                     "loss",
                                                     "cut",
                                                     "overload",
                                                     "all_down",
                                                     "restart",
                                                     "clock_jump",
                                                     "rolling",
                                                     "shedding",
                                                     "shedding_hint",
                                                     "shedding_burst",
                                                     "partial_refusals_10",
                                                     "partial_refusals_30",
                                                     "shared_quota",
                                                     "poison"};
    return names;
}

std::optional<SimulationPlan> scenario(std::string_view name) {
    if (std::ranges::find(scenario_names(), name) == scenario_names().end()) return std::nullopt;
    auto plan = default_plan();
    plan.scenario = name;
    if (name == "healthy") return plan;
    if (name == "all_down") {
        plan.faults = {everywhere(FaultKind::refuse, 60s)};
    } else if (name == "frozen_mid_stream") {
        plan.restart_streams = true;
        plan.faults = freezes();
    } else if (name == "rolling") {
        plan.restart_streams = true;  // a stream that a freeze cuts must not count as lost
        plan.faults = rolling(plan);
    } else if (name == "shedding") {
        plan.faults = {throughout(FaultKind::shed, plan, 0)};
    } else if (name == "shedding_hint") {
        plan.faults = {throughout(FaultKind::shed, plan, 1)};
    } else if (name == "shedding_burst") {
        plan.faults = {throughout(FaultKind::shed, plan, 0), everywhere(FaultKind::overload, 20s)};
    } else if (name == "partial_refusals_10") {
        plan.faults = {throughout(FaultKind::refusals, plan, 0.1)};
    } else if (name == "partial_refusals_30") {
        plan.faults = {throughout(FaultKind::refusals, plan, 0.3)};
    } else if (name == "shared_quota") {
        plan.faults = {throughout(FaultKind::key_quota, plan, default_value(FaultKind::key_quota))};
    } else if (name == "poison") {
        plan.faults = {throughout(FaultKind::poison, plan, default_value(FaultKind::poison))};
    } else if (name == "overload" || name == "restart") {
        plan.faults = {everywhere(*fault_kind(name), 20s)};
    } else {
        plan.faults = {everywhere(*fault_kind(name), 60s)};
        if (name != "clock_jump") plan.faults.front().region = 0;
    }
    if (name == "completions_frozen") answer_within(3s, plan);
    if (name == "comments_forever") answer_within(5s, plan);
    return plan;
}

}  // namespace holysheep::sim
