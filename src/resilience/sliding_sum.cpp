// Buckets carry the number of their interval, so that an old one is told from a new one in the same place.
#include "resilience/sliding_sum.hpp"

#include <algorithm>
#include <limits>

namespace holysheep::resilience {

namespace {

// In one step: sixty of them are within the range, whatever gateways say that they used.
constexpr std::int64_t kMost = 100'000'000'000'000'000;

}  // namespace

std::int64_t SlidingSum::number(time_point when) const {
    return std::max<std::int64_t>(0, when.time_since_epoch() / width_);
}

std::int64_t SlidingSum::sum(time_point now) const {
    const auto current = number(now);
    std::int64_t booked = 0;
    for (const auto& bucket : ring_) {
        if (counts(bucket, current)) booked += bucket.amount;
    }
    return held_ > std::numeric_limits<std::int64_t>::max() - booked ? std::numeric_limits<std::int64_t>::max()
                                                                     : held_ + booked;
}

std::optional<SlidingSum::time_point> SlidingSum::fits_at(std::int64_t amount, time_point now) const {
    auto left = sum(now);
    if (amount <= limit_ - left) return now;
    if (amount > limit_ - held_) return std::nullopt;
    const auto current = number(now);
    // The oldest first. (Where the clock has stepped back, some are of the future.)
    auto buckets = ring_;
    std::ranges::sort(buckets, {}, &Bucket::number);
    for (const auto& bucket : buckets) {
        if (!counts(bucket, current)) continue;
        left -= bucket.amount;
        if (amount <= limit_ - left) return time_point(width_ * (bucket.number + kBuckets + 1));
    }
    return std::nullopt;
}

void SlidingSum::add(std::int64_t amount, time_point when) {
    const auto wanted = number(when);
    auto& target = bucket(wanted);
    if (target.number < wanted) target = {.number = wanted, .amount = 0};
    target.amount = std::min(target.amount + amount,
                             kMost);  // a clock that stepped back finds a later bucket there: it counts for longer
}

void SlidingSum::book(std::int64_t amount, time_point now) {
    held_ -= amount;
    add(amount, now);
}

void SlidingSum::settle(std::int64_t booked_amount, std::int64_t actual, time_point booked, time_point now) {
    if (actual >= booked_amount) {
        if (actual > booked_amount) add(actual - booked_amount, now);
        return;
    }
    auto& target = bucket(number(booked));
    if (target.number == number(booked)) target.amount -= booked_amount - actual;
}

}  // namespace holysheep::resilience
