// One simulation: regions, client processes under one policy, arrivals, faults, and one time for all of them.
// WorldPlan, Policy, seed → [World] → Ledger
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "caller.hpp"
#include "surroundings.hpp"

namespace holysheep::sim {

class World {
  public:
    World(const WorldPlan& plan, const Policy& policy, std::uint64_t seed, Trace trace);
    ~World();
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    /// Call once. Runs to the end of the plan and until the last call is over, at most two minutes longer.
    void run();

    const WorldPlan& plan() const { return plan_; }
    const FaultSchedule& faults() const { return faults_; }
    const Ledger& ledger() const { return ledger_; }

  private:
    void start_process(std::size_t client);
    void expect_arrival(std::size_t client);
    void schedule_faults();
    void restart_all();

    const WorldPlan plan_;
    const Policy& policy_;
    const std::uint64_t seed_;
    Trace trace_;
    FaultSchedule faults_;
    EventQueue queue_;
    NetworkPath path_;
    std::vector<std::unique_ptr<Gateway>> gateways_;
    Ledger ledger_;
    TokenBucket key_quota_;
    Surroundings around_;
    std::vector<RandomStream> arrivals_;
    int incarnation_ = 0;
    std::vector<std::shared_ptr<SimTransport>> transports_;  // ended processes may have packets in transit
    std::vector<std::unique_ptr<Caller>> callers_;
};

}  // namespace holysheep::sim
