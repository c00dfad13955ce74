// Implements virtual time: a queue of ready functions, an ordered map of timers, and one loop that drains both.
// test → [FakeClock] → the client's timers and posted functions
#include <holysheep/testing/fake_clock.hpp>

#include <algorithm>
#include <stdexcept>

namespace holysheep {
inline namespace v0 {
namespace testing {

FakeClock::FakeClock(Mode mode) : mode_(mode), now_(std::chrono::hours(1)), reach_(std::chrono::hours(1)) {}

FakeClock::~FakeClock() = default;

Clock::time_point FakeClock::now() const {
    std::lock_guard lock(mutex_);
    return now_;
}

Clock::TimerId FakeClock::call_at(time_point when, std::function<void()> function) {
    std::lock_guard lock(mutex_);
    const TimerId id = ++last_timer_;
    timers_.emplace(Key{when, id}, std::move(function));
    due_.emplace(id, when);
    return id;
}

void FakeClock::cancel(TimerId timer) {
    std::function<void()> dropped;  // destroyed after unlocking: its captures may call back
    std::lock_guard lock(mutex_);
    const auto found = due_.find(timer);
    if (found == due_.end()) return;
    const auto entry = timers_.find(Key{found->second, timer});
    dropped = std::move(entry->second);
    timers_.erase(entry);
    due_.erase(found);
}

void FakeClock::post(std::function<void()> function) {
    std::unique_lock lock(mutex_);
    ready_.push_back(std::move(function));
    const time_point limit = mode_ == Mode::automatic ? now_ + reach_ : now_;
    if (runner_ == std::thread::id{}) {
        run_until(lock, limit);
    } else if (runner_ != std::this_thread::get_id()) {
        // A new command from outside may extend the limit; functions posted by running functions may not, or a periodic
        // timer would never end.
        limit_ = std::max(limit_, limit);
    }
}

void FakeClock::advance(std::chrono::nanoseconds by) { advance_to(now() + by); }

void FakeClock::advance_to(time_point target) {
    std::unique_lock lock(mutex_);
    if (runner_ == std::this_thread::get_id())
        throw std::logic_error("FakeClock::advance was called from a function that the clock itself is running");
    idle_.wait(lock, [this] { return runner_ == std::thread::id{}; });
    target = std::max(target, now_);
    run_until(lock, target);
    if (now_ < target) now_ = target;
}

void FakeClock::set_mode(Mode mode) {
    std::lock_guard lock(mutex_);
    mode_ = mode;
}

void FakeClock::set_reach(std::chrono::nanoseconds reach) {
    std::lock_guard lock(mutex_);
    reach_ = reach;
}

std::size_t FakeClock::pending_timers() const {
    std::lock_guard lock(mutex_);
    return timers_.size();
}

void FakeClock::run_until(std::unique_lock<std::mutex>& lock, time_point limit) {
    limit_ = limit;
    runner_ = std::this_thread::get_id();
    try {
        while (std::function<void()> function = take_next()) {
            lock.unlock();
            function();
            function = nullptr;
            lock.lock();
        }
    } catch (...) {
        if (!lock.owns_lock()) lock.lock();
        runner_ = {};
        idle_.notify_all();
        throw;
    }
    runner_ = {};
    idle_.notify_all();
}

std::function<void()> FakeClock::take_next() {
    std::function<void()> function;
    if (!ready_.empty()) {
        function = std::move(ready_.front());
        ready_.pop_front();
    } else if (!timers_.empty() && timers_.begin()->first.first <= std::max(limit_, now_)) {
        const auto first = timers_.begin();
        now_ = std::max(now_, first->first.first);
        function = std::move(first->second);
        due_.erase(first->first.second);
        timers_.erase(first);
    } else {
        return {};
    }
    // An empty function must not look like the end of the queue.
    return function ? std::move(function) : [] {};
}

}  // namespace testing
}  // namespace v0
}  // namespace holysheep
