// Records what happened to every call of one simulation, as observed by the caller and on the wire.
// callers, transports → [Ledger] → figures
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "event_queue.hpp"

namespace holysheep::sim {

using CallNumber = std::uint32_t;

struct CallEntry {
    int client = 0;
    Time began{};
    std::optional<Time> first_content{};  ///< when the caller received it
    std::optional<Time> ended{};
    bool over = false, succeeded = false;
    bool lost = false;  ///< the process was restarted during the call
    int attempts = 0, hedges = 0;
    std::optional<std::size_t> first_region{};
    std::optional<Time> sent{};  ///< when the first attempt was sent

    // The latest attempt, and when a healthy region would have shown the next sign of life.
    std::uint64_t latest = 0;
    Time expected_by{};
    bool disturbed = false;
};

struct Overhead {
    CallNumber call = 0;
    Time late_by{};
};

class Ledger {
  public:
    CallNumber begin(int client, Time now);
    void first_content(CallNumber call, Time now);
    void over(CallNumber call, bool succeeded, Time now);
    void hedged(CallNumber call) { ++calls_[call].hedges; }
    /// Marks the open calls of a process that has ended as lost; they do not count.
    void lose_open_calls();

    /// Records the dispatch of an attempt. If an earlier attempt of the call is in trouble and `late` is set, also
    /// records the time since the trouble could be known.
    void dispatched(CallNumber call, std::uint64_t transfer, std::size_t region, bool late, Time now,
                    bool region_disturbed);
    /// Takes back an attempt that did not carry the request after all: its connection lost a race.
    void unsent(CallNumber call) { --calls_[call].attempts; }
    /// The next sign of life of the attempt is due at `due`.
    void expect_by(CallNumber call, std::uint64_t transfer, Time due);
    void failed(CallNumber call, std::uint64_t transfer, Time now);

    void dispatched_to_dead() { ++dead_attempts_; }
    void throttled() { ++throttled_; }
    void waste(CallNumber call, double tokens);

    const std::vector<CallEntry>& calls() const { return calls_; }
    const std::vector<Overhead>& overheads() const { return overheads_; }
    const std::vector<std::pair<CallNumber, double>>& wasted() const { return wasted_; }
    std::uint64_t dead_attempts() const { return dead_attempts_; }
    /// The number of requests that got a 429.
    std::uint64_t throttled_requests() const { return throttled_; }
    std::size_t open() const { return open_; }

  private:
    std::vector<CallEntry> calls_;
    std::vector<Overhead> overheads_;
    std::vector<std::pair<CallNumber, double>> wasted_;
    std::uint64_t dead_attempts_ = 0, throttled_ = 0;
    std::size_t open_ = 0;
};

}  // namespace holysheep::sim
