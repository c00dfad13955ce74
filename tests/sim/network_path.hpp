// Computes how long a packet takes between a client and a region, and whether it must be sent again.
// transport ↔ [NetworkPath] ↔ gateway
#pragma once

#include <cstddef>
#include <vector>

#include "event_queue.hpp"
#include "fault_schedule.hpp"
#include "random_stream.hpp"
#include "simulation_plan.hpp"

namespace holysheep::sim {

class NetworkPath {
  public:
    NetworkPath(const SimulationPlan& plan, const FaultSchedule& faults) : plan_(plan), faults_(faults) {}

    /// Linux: RTO = srtt + max(200 ms, 4·rttvar), doubled with each try.
    static constexpr Time kMinimalRto = std::chrono::milliseconds(200);

    enum class Direction { to_region, to_client };
    /// When a packet that is first sent at `when` arrives, after all necessary retransmissions; `kNever` if TCP would
    /// give up.
    Time arrival(std::size_t region, Direction direction, Time when, RandomStream& random) const;

    struct Handshake {
        enum class Result { established, refused, silent } result = Result::silent;
        Time at = kNever;
    };
    /// TCP's three-way handshake, begun at `when`; a lost SYN is sent again after 1, 3 and 7 s.
    Handshake connect(std::size_t region, Time when, RandomStream& random) const;

    Time rtt(std::size_t region) const { return plan_.regions[region].rtt; }

  private:
    Time one_way(std::size_t region, RandomStream& random) const;
    bool lost(std::size_t region, Direction direction, Time when, RandomStream& random) const;

    const SimulationPlan& plan_;
    const FaultSchedule& faults_;
};

}  // namespace holysheep::sim
