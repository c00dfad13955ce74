// "So much per span" for amounts: tokens per minute, money per day. Sixty buckets bound the memory; what is in one
// counts until the whole bucket has left the span, so that the sum is never too small. RateLimiter, Budget →
// [SlidingSum]
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <holysheep/clock.hpp>

namespace holysheep::resilience {

/// What is held is counted but not booked yet: a call that waits for its connection.
class SlidingSum {
  public:
    using time_point = Clock::time_point;
    using duration = Clock::time_point::duration;

    SlidingSum(std::int64_t limit, duration span) : limit_(limit), width_(span / kBuckets) {}

    bool fits(std::int64_t amount, time_point now) const { return amount <= limit_ - sum(now); }
    /// When `amount` fits, if nothing else is added; unset: never, or not before what is held was booked.
    std::optional<time_point> fits_at(std::int64_t amount, time_point now) const;
    void hold(std::int64_t amount) { held_ += amount; }
    void release(std::int64_t amount) { held_ -= amount; }
    /// From held to spent.
    void book(std::int64_t amount, time_point now);
    /// What was booked at `booked` has turned out to be another amount. Savings help only while the booking counts.
    void settle(std::int64_t booked_amount, std::int64_t actual, time_point booked, time_point now);
    std::int64_t sum(time_point now) const;
    std::int64_t held() const { return held_; }
    std::int64_t limit() const { return limit_; }
    void set_limit(std::int64_t limit) { limit_ = limit; }

  private:
    static constexpr int kBuckets = 60;
    static constexpr std::size_t kRing = kBuckets + 1;
    struct Bucket {
        std::int64_t number = -1, amount = 0;
    };
    std::int64_t number(time_point when) const;
    void add(std::int64_t amount, time_point when);
    /// Of the buckets from `first` on.
    std::int64_t booked_since(std::int64_t first) const;
    void change(Bucket& bucket, std::int64_t by);
    Bucket& bucket(std::int64_t number) { return ring_[static_cast<std::size_t>(number) % kRing]; }
    bool counts(const Bucket& bucket, std::int64_t current) const {
        return bucket.number >= 0 && bucket.number + kBuckets >= current;
    }

    std::int64_t limit_;
    duration width_;
    std::int64_t held_ = 0;
    std::array<Bucket, kRing> ring_{};
    // The sum of the buckets from `first_` on, so that they need not be added up each time.
    std::int64_t booked_ = 0, first_ = 0, newest_ = -1;
};

}  // namespace holysheep::resilience
