// Tells which faults a region has at a given moment. A pure function of time, so the path of a packet can be computed
// in advance.
// SimulationPlan → [FaultSchedule] → network, gateways
#pragma once

#include <cstddef>
#include <vector>

#include "simulation_plan.hpp"

namespace holysheep::sim {

class FaultSchedule {
  public:
    explicit FaultSchedule(std::vector<Fault> faults) : faults_(std::move(faults)) {}

    /// Returns the fault of this kind that is active at `when`, or nullptr.
    const Fault* find(FaultKind kind, std::size_t region, Time when) const;
    bool active(FaultKind kind, std::size_t region, Time when) const { return find(kind, region, when) != nullptr; }
    /// Whether the region answers every SYN with RST: `refuse`, or `flap` while the region is out.
    bool refuses(std::size_t region, Time when) const;
    /// Parts of a region that can freeze: the whole process; at least the part that answers probes and notices closed
    /// connections; or at least the workers that produce answers.
    enum class Component { process, probes, workers };
    /// When the freeze of this part ends; `when` itself if the part is not frozen.
    Time freeze_end(std::size_t region, Time when, Component part = Component::process) const;
    /// Whether no request to the region can be answered.
    bool dead(std::size_t region, Time when) const;
    /// Whether some fault suppresses single answers or turns them into errors.
    bool disturbs(std::size_t region, Time when) const;

    /// A moment at which a region begins to refuse connections. `kills`: requests in progress there are lost, too.
    struct Loss {
        Time when{};
        std::size_t region = 0;
        bool kills = false;
    };
    std::vector<Loss> losses(std::size_t regions) const;
    const std::vector<Fault>& all() const { return faults_; }

  private:
    std::vector<Fault> faults_;
};

}  // namespace holysheep::sim
