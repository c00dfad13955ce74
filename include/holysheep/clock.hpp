// The time source and timers of the library. Replace it (testing::FakeClock) to test without waiting.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

#include <holysheep/export.hpp>

namespace holysheep {
inline namespace v0 {

/// Extension point, for `ClientOptions::clock`. A client with such a clock has no I/O thread: everything runs where the
/// clock runs its timers and posted functions. `post` may be called from any thread, all other functions only on the
/// thread that runs the functions. If one throws, the call that needed it ends with `internal_error`; if `now` throws,
/// the last time that it returned applies.
class HOLYSHEEP_EXPORT Clock {
  public:
    using time_point = std::chrono::steady_clock::time_point;  ///< also for virtual time
    using TimerId = std::uint64_t;                             ///< never 0
    virtual ~Clock();

    /// The present time; never decreases.
    virtual time_point now() const = 0;
    /// Runs the function once, at or soon after `when`. Returns a unique id, never 0.
    virtual TimerId call_at(time_point when, std::function<void()> function) = 0;
    /// Cancels a timer. Does nothing if it has run or was cancelled.
    virtual void cancel(TimerId timer) = 0;
    /// Runs the function as soon as possible, in the order of posting.
    virtual void post(std::function<void()> function) = 0;
};

}  // namespace v0
}  // namespace holysheep
