// Time as the library sees it: tells it, and runs things at it. Replace it (testing::FakeClock) to test without
// waiting.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

#include <holysheep/export.hpp>

namespace holysheep {
inline namespace v0 {

/// Extension point. A client with its own clock has no I/O thread: everything runs where this clock runs its timers and
/// posted functions. `post` may be called from any thread; the rest on the thread that runs the functions. One that
/// throws ends the call that needed it with `internal_error`; where `now` throws, it is still the time that it gave
/// last.
class HOLYSHEEP_EXPORT Clock {
  public:
    using time_point = std::chrono::steady_clock::time_point;
    using TimerId = std::uint64_t;
    virtual ~Clock();

    virtual time_point now() const = 0;
    /// Runs the function once, at or soon after `when`. Ids are never 0.
    virtual TimerId call_at(time_point when, std::function<void()> function) = 0;
    /// Does nothing for a timer that ran or was cancelled.
    virtual void cancel(TimerId timer) = 0;
    /// Runs the function soon, in the order of posting.
    virtual void post(std::function<void()> function) = 0;
};

}  // namespace v0
}  // namespace holysheep
