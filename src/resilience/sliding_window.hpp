// "N calls per span" as an exact rule: no window of that length, wherever it begins, holds more than N calls. N slots,
// each used again only after the span has passed, say the same without counting. Everything is O(1) but the moving of a
// slot, which passes those of the last second.
// RateLimiter → [SlidingWindow]
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

#include <holysheep/clock.hpp>

namespace holysheep::resilience {

/// A slot is free, taken, or resting for the span. What counts is when the gateway sees a call, which lies between its
/// sending and the first byte of the answer: a slot rests from `sent` plus a second of grace, until `arrived` says when
/// it was. Another 50 ms (a twentieth of a short span) guard against the jitter of clocks and networks.
class SlidingWindow {
  public:
    using time_point = Clock::time_point;
    using duration = Clock::time_point::duration;

    SlidingWindow(std::size_t slots, duration span);

    /// When the slot after the next `ahead` ones is free, if nobody gives one back; unset while too many are taken.
    std::optional<time_point> free_at(std::size_t ahead = 0) const;
    /// The moment since when the slot was free, for `give_back`; unset: none is free yet.
    std::optional<time_point> take(time_point now);
    /// The call was not sent: the slot is as it was.
    void give_back(time_point free_since);
    /// The call is being sent; what is returned names the slot for `arrived`.
    time_point sent(time_point now);
    /// The gateway has seen the call, by this time.
    void arrived(time_point mark, time_point when);
    /// Another number of slots: more rest for the span first, fewer go as they become free.
    void resize(std::size_t slots, time_point now);

    std::size_t slots() const { return slots_; }
    std::size_t taken() const { return taken_; }
    /// Slots that are neither free nor about to be given back.
    std::size_t used(time_point now) const;

  private:
    time_point& at(std::size_t i) { return ring_[(first_ + i) % ring_.size()]; }
    const time_point& at(std::size_t i) const { return ring_[(first_ + i) % ring_.size()]; }
    void insert(time_point free_at);

    duration span_, grace_;
    std::size_t slots_, taken_ = 0, retiring_ = 0;
    std::vector<time_point> ring_;  // of the slots that are not taken: when they are free, in order
    std::size_t first_ = 0, size_ = 0;
};

}  // namespace holysheep::resilience
