// Counts durations in buckets, in fixed memory, whatever their number.
// attempts, probes, calls → [Histogram] → LatencySummary
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include <holysheep/stats.hpp>

namespace holysheep::telemetry {

/// Log-linear: each power of two of nanoseconds is divided into 16 buckets of equal width, from a microsecond to 73
/// minutes. A quantile is the middle of its bucket, within 3.2 % (1/32) of a sample; below the range within a
/// microsecond, above it at most the longest sample. Count, sum, minimum and maximum are exact. 512 buckets of 64 bits
/// take 4 KiB. `add` takes a few nanoseconds. Not thread-safe.
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
    /// The bucket value of the sample of rank ceil(share · count); 0 without samples. `share`: 0..1.
    nanoseconds quantile(double share) const;
    /// All members in one pass over the used buckets.
    LatencySummary summary() const;

  private:
    static constexpr unsigned kStepBits = 4, kLowest = 10, kHighest = 42;  // powers of two
    static constexpr std::size_t kBuckets = std::size_t{kHighest - kLowest} << kStepBits;
    static std::size_t bucket_of(std::uint64_t value);
    static std::uint64_t middle_of(std::size_t bucket);
    /// Writes one quantile per share; shares must ascend.
    template <std::size_t N>
    void quantiles(const std::array<double, N>& shares, std::array<nanoseconds, N>& result) const;

    std::array<std::uint64_t, kBuckets> buckets_{};
    std::uint64_t count_ = 0, sum_ = 0, min_ = ~std::uint64_t{0}, max_ = 0;
};

}  // namespace holysheep::telemetry
