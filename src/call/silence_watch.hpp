// Judges whether an attempt without content is late: its connection, or the acknowledgement of its request by the
// peer's host. Pure; keeps its state in the attempt.
// CallMachine, PathEvidence → [SilenceWatch] → a race, or the next check
#pragma once

#include <optional>

#include <holysheep/transport.hpp>

#include "call/attempts.hpp"
#include "call/policy.hpp"
#include "health/region_health_tracker.hpp"

namespace holysheep::call {

class SilenceWatch {
  public:
    /// The references outlive this object.
    SilenceWatch(const CallPolicy& policy, const health::RegionHealthTracker& regions)
        : policy_(policy), regions_(regions) {}

    void on_started(Attempt& attempt, time_point now) const;
    void on_connected(Attempt& attempt, time_point now) const;
    /// When to look again; unset: never.
    std::optional<time_point> next_check(const Attempt& attempt) const;
    /// Whether connecting takes longer than usual in this region.
    bool connection_is_late(const Attempt& attempt, time_point now) const;
    /// Whether to ask the transport what it knows about the path. Asks once per check.
    bool take_path_check(Attempt& attempt, time_point now) const;
    /// Whether the evidence shows that the peer's host is silent. If it may be merely slow, sets the next check.
    bool host_is_silent(Attempt& attempt, const PathEvidence& evidence, time_point now) const;

  private:
    nanoseconds connect_late_after(const Attempt& attempt) const;
    nanoseconds handshake_late_after(std::size_t region) const;
    nanoseconds path_late_after(std::size_t region) const;

    const CallPolicy& policy_;
    const health::RegionHealthTracker& regions_;
};

}  // namespace holysheep::call
