// Names of the fault kinds, and the values that are computed from a plan.
#include "simulation_plan.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace holysheep::sim {

namespace {

struct KindName {
    FaultKind kind;
    std::string_view name;
    double value;
};
constexpr std::array kKinds{KindName{FaultKind::refuse, "refuse", 0},
                            KindName{FaultKind::black_hole, "black_hole", 0},
                            KindName{FaultKind::frozen, "frozen", 0},
                            KindName{FaultKind::frozen_after_head, "frozen_after_head", 0},
                            KindName{FaultKind::completions_frozen, "completions_frozen", 0},
                            KindName{FaultKind::comments_forever, "comments_forever", 0},
                            KindName{FaultKind::brown_out, "brown_out", 0.3},
                            KindName{FaultKind::slow, "slow", 10},
                            KindName{FaultKind::quota, "quota", 20},
                            KindName{FaultKind::flap, "flap", 5},
                            KindName{FaultKind::dns, "dns", 0},
                            KindName{FaultKind::tls_stall, "tls_stall", 0},
                            KindName{FaultKind::loss, "loss", 0.05},
                            KindName{FaultKind::cut, "cut", 0.02},
                            KindName{FaultKind::overload, "overload", 0.4},
                            KindName{FaultKind::restart, "restart", 0},
                            KindName{FaultKind::clock_jump, "clock_jump", 30},
                            KindName{FaultKind::window, "window", 60},
                            KindName{FaultKind::shed, "shed", 0},
                            KindName{FaultKind::refusals, "refusals", 0.1},
                            KindName{FaultKind::key_quota, "key_quota", 0.6},
                            KindName{FaultKind::poison, "poison", 0.02}};

const KindName& entry(FaultKind kind) { return *std::ranges::find(kKinds, kind, &KindName::kind); }

}  // namespace

std::string_view to_string(FaultKind kind) { return entry(kind).name; }

std::optional<FaultKind> fault_kind(std::string_view name) {
    const auto* found = std::ranges::find(kKinds, name, &KindName::name);
    if (found == kKinds.end()) return std::nullopt;
    return found->kind;
}

double default_value(FaultKind kind) { return entry(kind).value; }

SimulationPlan::Window SimulationPlan::measured() const {
    if (faults.empty()) return {warm_up, duration, {}};
    Window window{faults.front().from, faults.front().to, {}};
    for (const auto& fault : faults) {
        window.from = std::min(window.from, fault.from);
        window.to = std::max(window.to, fault.to);
    }
    window.from = std::max(window.from, warm_up);
    // A clock jump can only hurt calls that were in progress.
    if (faults.front().kind == FaultKind::clock_jump) {
        window.from -= std::chrono::seconds(10);
        window.client = 0;
    }
    return window;
}

double SimulationPlan::arrivals_per_second() const {
    if (capacity) return load * *capacity;
    int slots = 0;
    for (const auto& region : regions) slots += region.slots;
    // The mean of a log-normal is its median · e^(σ²/2).
    const double service = seconds(prefill_median) * std::exp(prefill_sigma * prefill_sigma / 2) +
                           seconds(hold_median) * std::exp(hold_sigma * hold_sigma / 2);
    return load * slots / service;
}

SimulationPlan default_plan() {
    using std::chrono::milliseconds;
    SimulationPlan plan;
    plan.scenario = "healthy";
    plan.regions = {{.id = "near", .rtt = milliseconds(20), .weight = 1.2},
                    {.id = "middle", .rtt = milliseconds(95), .weight = 1.0},
                    {.id = "far", .rtt = milliseconds(180), .weight = 0.8}};
    return plan;
}

}  // namespace holysheep::sim
