// Implements RFC 6298 for the round trip, and an average over irregular intervals for the choice of regions.
#include "health/latency.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace holysheep::health {

namespace {
using Seconds = std::chrono::duration<double>;

constexpr Seconds kLeastGap{0.060}, kRising{4}, kFalling{12}, kDrifting{30};
constexpr Latency kOutlierAllowance{200};  // a sample counts as at most 5 · average + this
constexpr double kMaxSample = 1e30;        // of Quantiles

/// The remaining weight of the past after `gap`.
double weight_of_past(Seconds gap, Seconds tau) { return std::exp(-(gap / tau)); }
}  // namespace

void RttEstimate::add(nanoseconds sample, nanoseconds variation) {
    sample = std::max(sample, nanoseconds::zero());
    if (samples_ == 0) {
        srtt_ = sample;
        rttvar_ = sample / 2;
    } else {
        rttvar_ = (3 * rttvar_ + std::max(std::chrono::abs(srtt_ - sample), variation)) / 4;
        srtt_ = (7 * srtt_ + sample) / 8;
    }
    if (samples_ < std::numeric_limits<int>::max()) ++samples_;
}

nanoseconds RttEstimate::late_after(nanoseconds floor) const { return srtt_ + std::max(4 * rttvar_, floor); }

void LatencyAverage::add(Latency sample, time_point now) {
    if (samples_ == 0) {
        value_ = sample;
    } else {
        sample = std::min(sample, 5 * value_ + kOutlierAllowance);
        const double w =
            weight_of_past(std::max<Seconds>(now - last_sample_, kLeastGap), sample > value_ ? kRising : kFalling);
        value_ = w * value_ + (1 - w) * sample;
    }
    last_sample_ = last_change_ = now;
    if (samples_ < std::numeric_limits<std::uint32_t>::max()) ++samples_;
}

void LatencyAverage::drift(Latency target, time_point now) {
    if (samples_ == 0 || now <= last_change_) return;
    if (target < value_) value_ = target + weight_of_past(now - last_change_, kDrifting) * (value_ - target);
    last_change_ = now;
}

void Quantiles::add(Latency sample) {
    const Code code = encode(sample);
    const auto end = sorted_.begin() + size_;
    const auto to = std::lower_bound(sorted_.begin(), end, code);
    if (size_ < kSize) {
        std::move_backward(to, end, end + 1);
        *to = code;
        ++size_;
    } else if (const auto from = std::lower_bound(sorted_.begin(), end, ring_[next_]); from < to) {
        *std::move(from + 1, to, from) = code;
    } else {
        std::move_backward(to, from, from + 1);
        *to = code;
    }
    ring_[next_] = code;
    next_ = static_cast<std::uint16_t>((next_ + 1) % kSize);
}

Latency Quantiles::at(std::size_t percent) const {
    return size_ == 0 ? Latency{} : decode(sorted_[(size_ * percent + 99) / 100 - 1]);
}

// Non-negative floats have the order of their bits. Rounds to the upper 17 bits, the first of which is the sign.
Quantiles::Code Quantiles::encode(Latency sample) {
    const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(std::clamp(sample.count(), 0.0, kMaxSample)));
    return static_cast<Code>((bits + (1U << 14U)) >> 15U);
}

Latency Quantiles::decode(Code code) { return Latency{std::bit_cast<float>(static_cast<std::uint32_t>(code) << 15U)}; }

nanoseconds ContentGaps::p99() const {
    const unsigned longer = size_ / 100U;  // the number of gaps that may be longer
    unsigned seen = 0;
    for (auto step = static_cast<std::int64_t>(counts_.size()); step > 0; --step) {
        seen += counts_[static_cast<std::size_t>(step - 1)];
        if (seen > longer) return step * kStep;
    }
    return {};
}

void ContentGaps::fade() {
    size_ = 0;
    for (auto& count : counts_) {
        count = static_cast<std::uint16_t>(count / 2);
        size_ = static_cast<std::uint16_t>(size_ + count);
    }
}

}  // namespace holysheep::health
