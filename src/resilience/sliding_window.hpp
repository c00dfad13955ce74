// Enforces "N calls per span" exactly: no window of that length, wherever it begins, holds more than N calls. There are
// N slots, and each is reused only after the span has passed, so nothing needs counting. Every operation is O(1),
// except moving a slot within the ring, which passes the slots of the last second. RateLimiter → [SlidingWindow]
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

#include <holysheep/clock.hpp>

namespace holysheep::resilience {

/// A slot is free, taken, or blocked for the span. The gateway counts a call when it receives it, which is between
/// sending it and the first byte of the answer. So the span starts at `sent` plus a grace period of one second (a tenth
/// of a short span), until `arrived` gives the exact time. Another 50 ms (a twentieth of a short span) allow for jitter
/// of clocks and networks.
class SlidingWindow {
  public:
    using time_point = Clock::time_point;
    using duration = Clock::time_point::duration;

    SlidingWindow(std::size_t slots, duration span);

    /// When the slot after the next `ahead` ones becomes free, if none is given back; unset while too many are taken.
    std::optional<time_point> free_at(std::size_t ahead = 0) const;
    /// Takes a slot. Returns the time at which it had become free, for `give_back`; unset: none is free yet.
    std::optional<time_point> take(time_point now);
    /// The call was not sent: restores the slot.
    void give_back(time_point free_since);
    /// The call is being sent. The result identifies the slot for `arrived`.
    time_point sent(time_point now);
    /// The gateway had received the call by `when`.
    void arrived(time_point mark, time_point when);
    /// Changes the number of slots. New slots are blocked for one span; surplus slots are removed as they become free.
    void resize(std::size_t slots, time_point now);

    std::size_t slots() const { return slots_; }
    /// Number of slots that are taken or blocked.
    std::size_t used(time_point now) const;

  private:
    time_point& at(std::size_t i) { return ring_[(first_ + i) % ring_.size()]; }
    const time_point& at(std::size_t i) const { return ring_[(first_ + i) % ring_.size()]; }
    void insert(time_point free_at);

    duration span_, grace_;
    std::size_t slots_, taken_ = 0, retiring_ = 0;
    std::vector<time_point> ring_;  // when the slots that are not taken become free, sorted
    std::size_t first_ = 0, size_ = 0;
};

}  // namespace holysheep::resilience
