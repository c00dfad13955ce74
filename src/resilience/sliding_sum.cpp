// Buckets carry the number of their interval, so that an old one is told from a new one in the same place.
#include "resilience/sliding_sum.hpp"

#include <algorithm>

namespace holysheep::resilience {

std::int64_t SlidingSum::number(time_point when) const {
    return std::max<std::int64_t>(0, when.time_since_epoch() / width_);
}

std::int64_t SlidingSum::sum(time_point now) const {
    const auto current = number(now);
    auto total = held_;
    for (const auto& bucket : ring_) {
        if (counts(bucket, current)) total += bucket.amount;
    }
    return total;
}

std::optional<SlidingSum::time_point> SlidingSum::fits_at(std::int64_t amount, time_point now) const {
    auto left = sum(now);
    if (left + amount <= limit_) return now;
    if (held_ + amount > limit_) return std::nullopt;
    const auto current = number(now);
    // The oldest first. (Where the clock has stepped back, some are of the future.)
    auto buckets = ring_;
    std::ranges::sort(buckets, {}, &Bucket::number);
    for (const auto& bucket : buckets) {
        if (!counts(bucket, current)) continue;
        left -= bucket.amount;
        if (left + amount <= limit_) return time_point(width_ * (bucket.number + kBuckets + 1));
    }
    return std::nullopt;
}

void SlidingSum::add(std::int64_t amount, time_point when) {
    const auto wanted = number(when);
    auto& target = bucket(wanted);
    if (target.number < wanted) target = {.number = wanted, .amount = 0};
    target.amount += amount;  // a clock that stepped back finds a later bucket there: it counts for longer
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
