// Assigns durations to buckets and computes quantiles from them.
#include "telemetry/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace holysheep::telemetry {

std::size_t Histogram::bucket_of(std::uint64_t value) {
    if (value < (std::uint64_t{1} << kLowest)) return 0;
    if (value >= (std::uint64_t{1} << kHighest)) return kBuckets - 1;
    const auto power = static_cast<unsigned>(std::bit_width(value)) - 1;
    const auto step = static_cast<std::size_t>((value >> (power - kStepBits)) & ((1U << kStepBits) - 1));
    return (std::size_t{power - kLowest} << kStepBits) + step;
}

std::uint64_t Histogram::middle_of(std::size_t bucket) {
    const auto power = static_cast<unsigned>(bucket >> kStepBits) + kLowest;
    const auto width = std::uint64_t{1} << (power - kStepBits);
    const auto step = bucket & ((1U << kStepBits) - 1);
    return (std::uint64_t{1} << power) + step * width + width / 2;
}

void Histogram::add(nanoseconds duration) {
    const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(0, duration.count()));
    ++buckets_[bucket_of(value)];
    ++count_;
    sum_ += value;
    min_ = std::min(min_, value);
    max_ = std::max(max_, value);
}

void Histogram::merge(const Histogram& other) {
    for (std::size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
    count_ += other.count_;
    sum_ += other.sum_;
    min_ = std::min(min_, other.min_);
    max_ = std::max(max_, other.max_);
}

template <std::size_t N>
void Histogram::quantiles(const std::array<double, N>& shares, std::array<nanoseconds, N>& result) const {
    if (count_ == 0) return;
    std::size_t bucket = bucket_of(min_);
    std::uint64_t so_far = buckets_[bucket];
    for (std::size_t i = 0; i < N; ++i) {
        const auto wanted = std::ceil(std::clamp(shares[i], 0.0, 1.0) * static_cast<double>(count_));
        const auto rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(wanted), 1, count_);
        while (so_far < rank) so_far += buckets_[++bucket];
        // The shortest and the longest sample are known exactly and bound every quantile.
        const auto beyond = bucket + 1 == kBuckets ? max_ : middle_of(bucket);
        result[i] = nanoseconds(std::clamp(beyond, min_, max_));
    }
}

nanoseconds Histogram::quantile(double share) const {
    std::array<nanoseconds, 1> result{};
    quantiles(std::array{share}, result);
    return result[0];
}

LatencySummary Histogram::summary() const {
    LatencySummary summary;
    if (count_ == 0) return summary;
    std::array<nanoseconds, 3> result{};
    quantiles(std::array{0.50, 0.95, 0.99}, result);
    summary.count = count_;
    summary.sum = sum();
    summary.average = nanoseconds(sum_ / count_);
    summary.min = min();
    summary.max = max();
    summary.p50 = result[0];
    summary.p95 = result[1];
    summary.p99 = result[2];
    return summary;
}

}  // namespace holysheep::telemetry
