// One simulation: regions, client processes under one policy, arrivals, faults, and their common virtual time.
// SimulationPlan, Policy, seed → [Simulation] → Ledger
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "caller.hpp"
#include "environment.hpp"

namespace holysheep::sim {

class Simulation {
  public:
    Simulation(const SimulationPlan& plan, const Policy& policy, std::uint64_t seed, Trace trace);
    ~Simulation();
    Simulation(const Simulation&) = delete;
    Simulation& operator=(const Simulation&) = delete;

    /// Call once. Runs to the end of the plan and until the last call is over, at most two minutes longer.
    void run();

    const SimulationPlan& plan() const { return plan_; }
    const FaultSchedule& faults() const { return faults_; }
    const Ledger& ledger() const { return ledger_; }

  private:
    void start_process(std::size_t client);
    void schedule_arrival(std::size_t client);
    void schedule_faults();
    void restart_all();

    const SimulationPlan plan_;
    const Policy& policy_;
    const std::uint64_t seed_;
    Trace trace_;
    FaultSchedule faults_;
    EventQueue queue_;
    NetworkPath path_;
    std::vector<std::unique_ptr<Gateway>> gateways_;
    Ledger ledger_;
    TokenBucket key_quota_;
    Environment env_;
    std::vector<RandomStream> arrivals_;
    int incarnation_ = 0;
    std::vector<std::shared_ptr<SimTransport>> transports_;  // ended processes may have packets in transit
    std::vector<std::unique_ptr<Caller>> callers_;
};

}  // namespace holysheep::sim
