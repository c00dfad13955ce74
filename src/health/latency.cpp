// The arithmetic of the estimators; RFC 6298 for the round trip, an irregular-interval average for steering.
#include "health/latency.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace holysheep::health {

namespace {
using Seconds = std::chrono::duration<double>;

constexpr Seconds kLeastGap{0.060}, kRising{4}, kFalling{12}, kDrifting{30};
constexpr double kLargest = 1e30;  // of a quantile's sample

/// What the past still weighs after `gap`.
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

void LatencyAverage::add(double sample, time_point now) {
    if (samples_ == 0) {
        value_ = sample;
    } else {
        sample = std::min(sample, 5 * value_ + 200);
        const double w =
            weight_of_past(std::max<Seconds>(now - last_sample_, kLeastGap), sample > value_ ? kRising : kFalling);
        value_ = w * value_ + (1 - w) * sample;
    }
    last_sample_ = last_change_ = now;
    if (samples_ < std::numeric_limits<std::uint32_t>::max()) ++samples_;
}

void LatencyAverage::drift(double target, time_point now) {
    if (samples_ == 0 || now <= last_change_) return;
    if (target < value_) value_ = target + weight_of_past(now - last_change_, kDrifting) * (value_ - target);
    last_change_ = now;
}

void Quantiles::add(double sample) {
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

double Quantiles::at(std::size_t percent) const {
    return size_ == 0 ? 0 : decode(sorted_[(size_ * percent + 99) / 100 - 1]);
}

// Floats that are not negative compare like their bits. All but the upper 17 of those, the first of which is the sign,
// are rounded away.
Quantiles::Code Quantiles::encode(double sample) {
    const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(std::clamp(sample, 0.0, kLargest)));
    return static_cast<Code>((bits + (1U << 14U)) >> 15U);
}

double Quantiles::decode(Code code) { return std::bit_cast<float>(static_cast<std::uint32_t>(code) << 15U); }

nanoseconds ContentGaps::p99() const {
    const unsigned longer = size_ / 100U;  // these may be
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
