// Decides whether missed probes of a region are evidence: if it answers calls, but no probes, only the path of the
// probes fails. Pure. probes, bytes of calls → [ProbeTrust] → RegionHealthTracker
#pragma once

#include <chrono>
#include <optional>

#include <holysheep/clock.hpp>

namespace holysheep::health {

/// A missed probe followed by bytes of a call is a contradiction. A region that was frozen for a while causes one
/// contradiction, then its next probe is answered. After two contradictions in a row, or one if no probe was ever
/// answered, missed probes are no evidence. Then probes only connect, until a real one, sent once a minute, is
/// answered.
class ProbeTrust {
  public:
    using time_point = Clock::time_point;

    void on_answered() {
        proven_ = true;
        missed_ = false;
        contradictions_ = 0;
    }
    void on_missed() { missed_ = true; }
    /// Bytes of a call arrived. Returns true if they contradict a missed probe; then another probe should be sent at
    /// once, to distinguish a region that was frozen from an unreliable probe path.
    bool on_call_bytes() {
        if (!missed_) return false;
        missed_ = false;
        ++contradictions_;
        return true;
    }
    /// Bytes of a call arrived while the missed probe was in flight: the region works.
    void on_missed_beside_calls() { ++contradictions_; }

    /// Whether bytes of a call would contradict a missed probe.
    bool waits_for_calls() const { return missed_; }
    /// A probe was answered before.
    bool proven() const { return proven_; }
    bool trusted() const { return contradictions_ < (proven_ ? 2 : 1); }
    /// Whether the next probe should only connect.
    bool only_connect(time_point now) {
        if (trusted()) return false;
        if (now < retry_at_) return true;
        retry_at_ = now + std::chrono::minutes{1};
        return false;
    }

  private:
    time_point retry_at_{};
    int contradictions_ = 0;
    bool proven_ = false, missed_ = false;
};

}  // namespace holysheep::health
