// What is wrong with a region at a given moment: a pure function of time, so that packets can be followed ahead.
// WorldPlan → [FaultSchedule] → network, gateways
#pragma once

#include <cstddef>
#include <vector>

#include "world_plan.hpp"

namespace holysheep::sim {

class FaultSchedule {
  public:
    explicit FaultSchedule(std::vector<Fault> faults) : faults_(std::move(faults)) {}

    /// The fault of this kind that holds then, or nullptr.
    const Fault* find(FaultKind kind, std::size_t region, Time when) const;
    bool holds(FaultKind kind, std::size_t region, Time when) const { return find(kind, region, when) != nullptr; }
    /// RST to every SYN: `refuse`, or `flap` in its bad half.
    bool refuses(std::size_t region, Time when) const;
    /// What of a region stands still: all of the process, or at least what answers probes and sees connections close,
    /// or at least what works on answers.
    enum class Still { process, probes, workers };
    /// The end of the freeze of this part, or `when` itself if there is none.
    Time thawed(std::size_t region, Time when, Still part = Still::process) const;
    /// Nothing sent there can be answered.
    bool dead(std::size_t region, Time when) const;
    /// Some fault that keeps single answers from coming, or makes them errors.
    bool disturbs(std::size_t region, Time when) const;

    /// A moment at which a region begins to refuse. `kills`: what is under way there is lost, too.
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
