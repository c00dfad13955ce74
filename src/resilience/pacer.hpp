// Spaces calls evenly: the generic cell rate algorithm (ITU-T I.371). Each call moves the theoretical arrival time of
// the next one by one interval; a call may come `burst - 1` intervals early.
// RateLimiter → [Pacer]
#pragma once

#include <algorithm>

#include <holysheep/clock.hpp>

namespace holysheep::resilience {

class Pacer {
  public:
    using time_point = Clock::time_point;
    using duration = Clock::time_point::duration;

    Pacer(duration interval, int burst) : interval_(interval), tolerance_(interval * (std::max(burst, 1) - 1)) {}

    /// When the next call may be sent.
    time_point free_at() const { return next_ == time_point::min() ? next_ : next_ - tolerance_; }
    bool take(time_point now) {
        if (free_at() > now) return false;
        next_ = std::max(next_, now) + interval_;
        return true;
    }
    /// The call was not sent: undoes `take`.
    void give_back() { next_ -= interval_; }
    /// Whether the last call no longer delays the next one.
    bool rested(time_point now) const { return next_ <= now; }
    duration interval() const { return interval_; }
    void set_interval(duration interval) { interval_ = interval; }

  private:
    duration interval_, tolerance_;
    time_point next_ = time_point::min();
};

}  // namespace holysheep::resilience
