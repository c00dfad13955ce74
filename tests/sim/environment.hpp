// The simulated environment of a client process.
// Simulation → [Environment] → transports, callers
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "event_queue.hpp"
#include "fault_schedule.hpp"
#include "gateway.hpp"
#include "ledger.hpp"
#include "network_path.hpp"
#include "simulation_plan.hpp"
#include "trace.hpp"

namespace holysheep::sim {

struct Environment {
    EventQueue& queue;
    const SimulationPlan& plan;
    const FaultSchedule& faults;
    const NetworkPath& path;
    std::vector<std::unique_ptr<Gateway>>& gateways;
    Ledger& ledger;
    Trace& trace;
    TokenBucket& key_quota;  // the quota of the key that all clients share
    std::uint64_t seed = 0;
};

}  // namespace holysheep::sim
