// How fast regions and models are, from served traffic: four estimators, because they answer four questions.
// AttemptRecord → [RttEstimate, LatencyAverage, Quantiles, ContentGaps] → RegionHealthTracker
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <holysheep/clock.hpp>

namespace holysheep::health {

using std::chrono::nanoseconds;

/// A first sample sets the variation to half of the round trip; after so many it has settled.
inline constexpr int kSettledRtt = 8;

/// The network's round trip, smoothed as RFC 6298 (2.2, 2.3) does: when is a sign of life late?
class RttEstimate {
  public:
    /// `variation`: what the sample itself varied by, where it is an average of several.
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

/// Time to the first content, smoothed for steering, in milliseconds. Samples come at irregular intervals, so the
/// weight of the past is w = exp(−max(Δt, 60 ms)/τ): rises count fast (τ = 4 s), falls slowly (12 s); the 60 ms keep a
/// burst of simultaneous answers from wiping the average. A sample counts as 5·L + 200 ms at most.
class LatencyAverage {
  public:
    using time_point = Clock::time_point;
    void add(double sample, time_point now);
    /// No samples for a while: moves towards `target` where that is lower, with τ = 30 s since the last sample or
    /// drift, so that a region which was slow once is tried again.
    void drift(double target, time_point now);
    bool known() const { return samples_ > 0; }
    std::uint32_t samples() const { return samples_; }
    double value() const { return value_; }
    time_point last_sample() const { return last_sample_; }

  private:
    double value_ = 0;
    time_point last_sample_{}, last_change_{};
    std::uint32_t samples_ = 0;
};

/// Quantiles of fewer samples than this are not worth deciding by.
inline constexpr std::size_t kEnoughForQuantiles = 30;

/// Quantiles of the last 256 samples, by nearest rank; 0 without samples. The samples are kept sorted too, so asking
/// costs nothing and is never out of date; to be small they keep nine significant bits (an error of 0.2 % at most).
class Quantiles {
  public:
    void add(double sample);
    std::size_t size() const { return size_; }  ///< at most 256
    double p50() const { return at(50); }
    double p95() const { return at(95); }
    double p99() const { return at(99); }

  private:
    static constexpr std::size_t kSize = 256;
    using Code = std::uint16_t;  // orders as the samples do
    static Code encode(double sample);
    static double decode(Code code);
    double at(std::size_t percent) const;

    std::array<Code, kSize> ring_{}, sorted_{};
    std::uint16_t size_ = 0, next_ = 0;
};

/// How long streams are silent between two pieces of content: when is one silent for too long? Counted in eighths of a
/// second, because more is not asked for; what is read within a millisecond is one piece. Old gaps fade: at 8,192 all
/// counts are halved. An addition is one count, since it is made for every read of every stream.
class ContentGaps {
  public:
    void add(nanoseconds gap) {
        if (gap < std::chrono::milliseconds{1}) return;
        ++counts_[static_cast<std::size_t>(std::min<std::int64_t>(gap / kStep, kSteps))];
        if (++size_ == kFull) fade();
    }
    std::size_t size() const { return size_; }
    /// Of so few gaps the longest one in a hundred cannot be told.
    bool enough() const { return size_ >= 100; }
    /// To the next eighth; everything from 7.5 s on is 7.625 s. 0 without gaps.
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
