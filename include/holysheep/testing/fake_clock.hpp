// Virtual time for tests: advances on demand, or at once to the next timer.
// test → [FakeClock] → the client's timers and posted functions
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include <holysheep/clock.hpp>

namespace holysheep {
inline namespace v0 {
namespace testing {

/// A `Clock` in virtual time. Functions run one after another on the thread that called `post` or `advance`, never
/// nested: a function that is posted while another one runs is queued and runs after it.
///
/// `manual`: time stands still until `advance`. Use it to inspect a call while it runs.
/// `automatic`: when a `post` has run all functions that are ready, the clock jumps from timer to timer until none is
/// left, so a blocking call with fakes returns at once, however long it takes in virtual time. One `post` advances time
/// by at most the reach (default 1 h), so that periodic timers, such as health probes, do not run for ever.
///
/// Thread-safe. Functions that still wait when the clock is destroyed do not run.
class FakeClock final : public Clock {
  public:
    /// How time advances.
    enum class Mode { manual, automatic };

    /// Starts at `time_point{1 h}`, so that tests can use earlier times.
    explicit FakeClock(Mode mode = Mode::manual);
    ~FakeClock() override;
    FakeClock(const FakeClock&) = delete;
    FakeClock& operator=(const FakeClock&) = delete;

    /// The virtual time. While a timer's function runs: the time it was due, unless the clock was already past it.
    time_point now() const override;
    TimerId call_at(time_point when, std::function<void()> function) override;
    void cancel(TimerId timer) override;
    void post(std::function<void()> function) override;

    /// Advances time to `now() + by`, and runs all timers that are due until then, in order of time, then of creation.
    /// With 0, runs those that are due now. Waits while another thread runs functions; throws std::logic_error if
    /// called from within one.
    void advance(std::chrono::nanoseconds by);
    /// The same for an absolute time; a time in the past counts as now.
    void advance_to(time_point target);

    /// Changes the mode, from the next `post` on.
    void set_mode(Mode mode);
    /// Sets how far one `post` may advance an automatic clock.
    void set_reach(std::chrono::nanoseconds reach);

    /// Timers that neither ran nor were cancelled. 0 at the end of a test proves that none leaked.
    std::size_t pending_timers() const;

  private:
    using Key = std::pair<time_point, TimerId>;

    void run_until(std::unique_lock<std::mutex>& lock, time_point limit);
    std::function<void()> take_next();

    mutable std::mutex mutex_;  // guards everything below; never held while a function runs
    std::condition_variable idle_;
    Mode mode_;
    time_point now_;
    time_point limit_{};
    std::chrono::nanoseconds reach_;
    TimerId last_timer_ = 0;
    std::map<Key, std::function<void()>> timers_;
    std::map<TimerId, time_point> due_;
    std::deque<std::function<void()>> ready_;
    std::thread::id runner_{};  // the thread running functions; none: nothing runs
};

}  // namespace testing
}  // namespace v0
}  // namespace holysheep
