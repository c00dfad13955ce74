// Sums amounts over a sliding span: tokens per minute, money per day. Sixty buckets bound the memory. An amount counts
// until its whole bucket has left the span, so the sum is never too small.
// RateLimiter, Spending → [SlidingSum]
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <holysheep/clock.hpp>

namespace holysheep::resilience {

/// Amounts are held first (the call waits for its connection), then booked. Both count.
class SlidingSum {
  public:
    using time_point = Clock::time_point;
    using duration = Clock::time_point::duration;

    SlidingSum(std::int64_t limit, duration span) : limit_(limit), width_(span / kBuckets) {}

    bool fits(std::int64_t amount, time_point now) const { return amount <= limit_ - sum(now); }
    /// When `amount` fits if nothing else is added; unset: never, or not before the held amounts are booked.
    std::optional<time_point> fits_at(std::int64_t amount, time_point now) const;
    void hold(std::int64_t amount) { held_ += amount; }
    void release(std::int64_t amount) { held_ -= amount; }
    /// Moves the amount from held to booked.
    void book(std::int64_t amount, time_point now);
    /// Corrects an amount that was booked at `booked`. A lower amount helps only while the booking is within the span.
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
    /// The sum of the buckets from `first` on.
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
    // The sum of the buckets from `first_` on, kept so that they need not be added each time.
    std::int64_t booked_ = 0, first_ = 0, newest_ = -1;
};

}  // namespace holysheep::resilience
