// Estimators of how fast regions and models are, from served traffic. Each serves a different decision.
// AttemptRecord → [RttEstimate, LatencyAverage, Quantiles, ContentGaps] → RegionHealthTracker
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <holysheep/clock.hpp>

#include "values/latency.hpp"

namespace holysheep::health {

using std::chrono::nanoseconds;
using values::Latency;

/// The first sample sets the variation to half of the round trip; after this many samples it has converged.
inline constexpr int kSettledRtt = 8;

/// The round trip of the network, smoothed as in RFC 6298 (2.2, 2.3). Answers: when is a response late?
class RttEstimate {
  public:
    /// `variation`: of the sample itself, if it is an average.
    void add(nanoseconds sample, nanoseconds variation = {});
    bool known() const { return samples_ > 0; }
    int samples() const { return samples_; }
    nanoseconds srtt() const { return srtt_; }
    nanoseconds rttvar() const { return rttvar_; }
    /// srtt + max(4 · rttvar, floor)
    nanoseconds late_after(nanoseconds floor) const;

  private:
    nanoseconds srtt_{}, rttvar_{};
    int samples_ = 0;
};

/// The smoothed time to the first content, for the choice of regions. Samples arrive at irregular intervals, so the
/// weight of the past is w = exp(−max(Δt, 60 ms)/τ): the average rises fast (τ = 4 s) and falls slowly (12 s). The
/// minimum of 60 ms keeps a burst of simultaneous answers from replacing the average. A sample counts as at most 5·L +
/// 200 ms.
class LatencyAverage {
  public:
    using time_point = Clock::time_point;
    void add(Latency sample, time_point now);
    /// Without new samples: moves towards `target`, if that is lower, with τ = 30 s since the last sample or drift, so
    /// that a region which was slow is tried again.
    void drift(Latency target, time_point now);
    bool known() const { return samples_ > 0; }
    std::uint32_t samples() const { return samples_; }
    Latency value() const { return value_; }

  private:
    Latency value_{};
    time_point last_sample_{}, last_change_{};
    std::uint32_t samples_ = 0;
};

/// Decisions use quantiles of at least this many samples.
inline constexpr std::size_t kEnoughForQuantiles = 30;

/// Quantiles of the last 256 samples, by nearest rank; 0 without samples. A sorted copy makes reads O(1). Samples are
/// stored with nine significant bits (an error of at most 0.2 %) to save memory.
class Quantiles {
  public:
    void add(Latency sample);
    std::size_t size() const { return size_; }  ///< at most 256
    Latency p50() const { return at(50); }
    Latency p95() const { return at(95); }
    Latency p99() const { return at(99); }

  private:
    static constexpr std::size_t kSize = 256;
    using Code = std::uint16_t;  // has the order of the samples
    static Code encode(Latency sample);
    static Latency decode(Code code);
    Latency at(std::size_t percent) const;

    std::array<Code, kSize> ring_{}, sorted_{};
    std::uint16_t size_ = 0, next_ = 0;
};

/// The gaps between two pieces of content in streams. Answers: when is a stream silent for too long? Gaps are counted
/// in eighths of a second, which is precise enough; pieces that are read within a millisecond count as one. Old gaps
/// decay: at 8,192 gaps all counts are halved. `add` only increments a counter, because it runs for every read of every
/// stream.
class ContentGaps {
  public:
    void add(nanoseconds gap) {
        if (gap < std::chrono::milliseconds{1}) return;
        ++counts_[static_cast<std::size_t>(std::min<std::int64_t>(gap / kStep, kSteps))];
        if (++size_ == kFull) fade();
    }
    std::size_t size() const { return size_; }
    /// There are enough gaps for the 99th percentile.
    bool enough() const { return size_ >= 100; }
    /// Rounded up to an eighth of a second; from 7.5 s on always 7.625 s. 0 without gaps.
    nanoseconds p99() const;

  private:
    static constexpr nanoseconds kStep = std::chrono::milliseconds{125};
    static constexpr std::int64_t kSteps = 60;
    static constexpr std::uint16_t kFull = 8'192;
    void fade();

    std::array<std::uint16_t, kSteps + 1> counts_{};
    std::uint16_t size_ = 0;
};

}  // namespace holysheep::health
