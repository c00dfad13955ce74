// Whether a region's probes mean anything: where calls are answered and probes are not, the path of the probes is what
// fails. Pure. probes, bytes of calls → [ProbeTrust] → RegionHealthTracker
#pragma once

#include <chrono>
#include <optional>

#include <holysheep/clock.hpp>

namespace holysheep::health {

/// A probe that goes unanswered although bytes of a call come after it contradicts the calls. A region that was frozen
/// for a while contradicts itself once: its next probe is answered. One that does so twice in a row, or once where no
/// probe was ever answered, has a probe path that cannot be relied on: its probes' silence is no evidence, and a bare
/// connection takes their place until one of them, tried each minute, is answered.
class ProbeTrust {
  public:
    using time_point = Clock::time_point;

    void on_answered() {
        proven_ = true;
        missed_ = false;
        contradictions_ = 0;
    }
    void on_missed() { missed_ = true; }
    /// Bytes of a call came. True when they contradict a probe, so that another one should go out at once to tell a
    /// thaw from an unreliable path.
    bool on_call_bytes() {
        if (!missed_) return false;
        missed_ = false;
        ++contradictions_;
        return true;
    }
    /// Bytes of a call came since the probe that is missed now was sent: nothing is wrong with the region.
    void on_missed_beside_calls() { ++contradictions_; }

    /// Whether a call's bytes would be news.
    bool waits_for_calls() const { return missed_; }
    /// Some probe was answered there.
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
