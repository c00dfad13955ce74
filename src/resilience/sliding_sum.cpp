// Stores in each bucket the number of its interval, which distinguishes an old bucket from a new one at the same index.
#include "resilience/sliding_sum.hpp"

#include <algorithm>
#include <limits>

namespace holysheep::resilience {

namespace {

// The limit per bucket, so that the sum of sixty fits into the type, whatever usage a gateway reports.
constexpr std::int64_t kMaxPerBucket = 100'000'000'000'000'000;

}  // namespace

std::int64_t SlidingSum::number(time_point when) const {
    return std::max<std::int64_t>(0, when.time_since_epoch() / width_);
}

std::int64_t SlidingSum::booked_since(std::int64_t first) const {
    if (first > newest_) return 0;
    auto booked = booked_;
    if (first >= first_ && first - first_ < kBuckets) {
        for (auto left = first_; left < first; ++left) {
            const auto& bucket = ring_[static_cast<std::size_t>(left) % kRing];
            if (bucket.number == left) booked -= bucket.amount;
        }
        return booked;
    }
    // The clock moved backwards, or far forwards.
    booked = 0;
    for (const auto& bucket : ring_) {
        if (bucket.number >= first) booked += bucket.amount;
    }
    return booked;
}

std::int64_t SlidingSum::sum(time_point now) const {
    const auto booked = booked_since(std::max<std::int64_t>(0, number(now) - kBuckets));
    return held_ > std::numeric_limits<std::int64_t>::max() - booked ? std::numeric_limits<std::int64_t>::max()
                                                                     : held_ + booked;
}

std::optional<SlidingSum::time_point> SlidingSum::fits_at(std::int64_t amount, time_point now) const {
    auto left = sum(now);
    if (amount <= limit_ - left) return now;
    if (amount > limit_ - held_) return std::nullopt;
    const auto current = number(now);
    // Oldest first. If the clock moved backwards, some are in the future.
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
    if (const auto first = wanted - kBuckets; first > first_) {
        booked_ = booked_since(first);
        first_ = first;
    }
    auto& target = bucket(wanted);
    if (target.number < wanted) {
        target = {.number = wanted, .amount = 0};
        newest_ = std::max(newest_, wanted);
    }
    // If the clock moved backwards, a later bucket is at this index: the amount counts for longer.
    change(target, std::min(amount, kMaxPerBucket - target.amount));
}

void SlidingSum::change(Bucket& bucket, std::int64_t by) {
    bucket.amount += by;
    if (bucket.number >= first_) booked_ += by;
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
    if (target.number == number(booked)) change(target, actual - booked_amount);
}

}  // namespace holysheep::resilience
