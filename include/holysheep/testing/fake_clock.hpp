// Time for tests: moves only when told, or at once to whatever is due next.
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
/// inside each other: what is posted while something runs is queued and runs right after it.
///
/// `manual`: time stands still until `advance`. Use it to look at a call half-way.
/// `automatic`: when a `post` has run all that is ready, the clock jumps from timer to timer until none is left, so a
/// blocking call on fakes returns at once, however long it took in virtual time. One `post` moves time by at most the
/// reach (default 1 h), which keeps periodic timers, such as health probes, from running for ever.
///
/// Thread-safe. Functions still waiting when the clock is destroyed are dropped, not run.
class FakeClock final : public Clock {
  public:
    enum class Mode { manual, automatic };

    /// Starts at `time_point{1 h}`, so that a time in the past can be formed.
    explicit FakeClock(Mode mode = Mode::manual);
    ~FakeClock() override;
    FakeClock(const FakeClock&) = delete;
    FakeClock& operator=(const FakeClock&) = delete;

    /// While a timer's function runs: the time it was due, unless the clock was already past it.
    time_point now() const override;
    TimerId call_at(time_point when, std::function<void()> function) override;
    void cancel(TimerId timer) override;
    void post(std::function<void()> function) override;

    /// Runs everything due until `now() + by` in order of time, then of creation, and ends exactly there. With 0 it
    /// runs what is due now. Waits while another thread runs functions; throws std::logic_error from inside one.
    void advance(std::chrono::nanoseconds by);
    /// The same with the target given; a target in the past is treated as now.
    void advance_to(time_point target);

    /// Takes effect with the next `post`.
    void set_mode(Mode mode);
    /// How far one `post` may move an automatic clock.
    void set_reach(std::chrono::nanoseconds reach);

    /// Timers that neither ran nor were cancelled: 0 at the end of a test proves that none leaked.
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
