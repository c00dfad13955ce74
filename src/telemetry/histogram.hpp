// Durations, counted in buckets: how long things took, in fixed memory whatever their number.
// attempts, probes, calls → [Histogram] → LatencySummary
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include <holysheep/stats.hpp>

namespace holysheep::telemetry {

/// Log-linear: each power of two of nanoseconds is divided into 16 buckets of equal width, from a microsecond to 73
/// minutes. A quantile is the middle of its bucket, at most 3.2 % (1/32) away from a sample that stands there; below
/// the range at most a microsecond, above it as good as the longest sample. Count, sum, least and longest are exact.
/// 512 buckets of 64 bits: 4 KiB, never more. Adding one takes a few nanoseconds. Not thread-safe.
class Histogram {
  public:
    /// Negative durations count as 0.
    void add(nanoseconds duration);
    void merge(const Histogram& other);
    std::uint64_t count() const { return count_; }
    nanoseconds sum() const { return nanoseconds(sum_); }
    /// 0 without samples.
    nanoseconds min() const { return count_ == 0 ? nanoseconds{} : nanoseconds(min_); }
    nanoseconds max() const { return nanoseconds(max_); }
    /// The sample of rank ceil(share · count), as its bucket tells it; 0 without samples. `share`: 0..1.
    nanoseconds quantile(double share) const;
    /// All figures in one pass over the buckets in use.
    LatencySummary summary() const;

  private:
    static constexpr unsigned kStepBits = 4, kLowest = 10, kHighest = 42;  // powers of two
    static constexpr std::size_t kBuckets = std::size_t{kHighest - kLowest} << kStepBits;
    static std::size_t bucket_of(std::uint64_t value);
    static std::uint64_t middle_of(std::size_t bucket);
    /// Writes one figure for each share; shares ascend.
    template <std::size_t N>
    void quantiles(const std::array<double, N>& shares, std::array<nanoseconds, N>& result) const;

    std::array<std::uint64_t, kBuckets> buckets_{};
    std::uint64_t count_ = 0, sum_ = 0, min_ = ~std::uint64_t{0}, max_ = 0;
};

}  // namespace holysheep::telemetry
