// The event loop: timers, posted functions and ready sockets. Waiting for sockets is in poller.hpp.
#include "runtime/io_loop.hpp"

#include <algorithm>
#include <climits>
#include <utility>

#include "runtime/brief_lock.hpp"
#include "runtime/poller.hpp"

namespace holysheep::runtime {

namespace {

// Several rounds take a fraction of a millisecond: a callback comes no later than that for its fewer wakeups.
constexpr int kMaxDeferredRounds = 4;

int timeout_until(std::optional<Clock::time_point> when, Clock::time_point now) {
    if (!when) return -1;
    if (*when <= now) return 0;
    // Rounded up: waking too early would spin until the timer is due.
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(*when - now).count();
    return static_cast<int>(std::min<std::int64_t>(wait, INT_MAX));
}

}  // namespace

/// An exception from one function must not end the thread that runs all others.
template <class Function>
void IoLoop::guard(Function&& function) {
    try {
        function();
    } catch (...) {
        if (on_exception_) on_exception_();
    }
}

IoLoop::IoLoop() : poller_(make_poller()) {
    thread_ = std::thread([this] { run(); });
}

IoLoop::~IoLoop() { stop(); }

Clock::TimerId IoLoop::call_at(time_point when, std::function<void()> function) {
    return timers_.add(when, std::move(function));
}

void IoLoop::cancel(TimerId timer) { timers_.cancel(timer); }

void IoLoop::post(std::function<void()> function) {
    // Keep the poller alive: the posted function may end a call whose thread destroys the loop before this thread wakes
    // it.
    std::shared_ptr<Poller> asleep;
    {
        const auto lock = lock_briefly(mutex_);
        posted_.push_back(std::move(function));
        if (held_) {
            if (!std::exchange(wake_pending_, true)) asleep = poller_;
        } else if (!std::exchange(wanted_, true)) {
            parked_.notify_one();
        }
    }
    if (asleep) asleep->wake();
}

void IoLoop::watch(int fd, Readiness interest) { poller_->watch(fd, interest); }
void IoLoop::unwatch(int fd) { poller_->unwatch(fd); }

void IoLoop::stop() {
    if (!thread_.joinable()) return;
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
        parked_.notify_one();
    }
    poller_->wake();
    thread_.join();
}

void IoLoop::take_over(std::unique_lock<std::mutex>& lock) {
    held_ = true;
    wanted_ = false;
    runner_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    looked_at_ = now();
    lock.unlock();
}

void IoLoop::leave() {
    runner_.store({}, std::memory_order_relaxed);
    held_ = false;
    wake_pending_ = false;
    const bool more = !nothing_to_do() || !posted_.empty() || stopping_;
    if (more) wanted_ = true;
    // While locked: once unlocked, the loop may be destroyed.
    if (more || timers_.next().value_or(time_point::max()) < parked_until_) parked_.notify_one();
}

bool IoLoop::run_here(const std::function<void()>& first, const std::function<bool()>& done) {
    std::unique_lock lock(mutex_);
    if (held_ || wanted_ || stopping_) return false;
    take_over(lock);
    const int before = work_;
    guard(first);
    for (;;) {
        run_round();
        if (done() || stopping_ || work_ > before + 1) break;
        wait_for_sockets();
    }
    run_sleep_handler();
    lock.lock();
    leave();
    return true;
}

/// Waits until there is work that no other thread does. Timers may be read while no thread runs the loop.
void IoLoop::park(std::unique_lock<std::mutex>& lock) {
    for (;;) {
        if (!held_ && (wanted_ || stopping_)) break;
        parked_until_ = held_ ? time_point::max() : timers_.next().value_or(time_point::max());
        if (parked_until_ == time_point::max()) {
            parked_.wait(lock);
        } else if (parked_until_ <= now()) {
            break;
        } else {
            parked_.wait_until(lock, parked_until_);
        }
    }
    parked_until_ = time_point::max();
}

void IoLoop::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        park(lock);
        take_over(lock);
        for (;;) {
            run_round();
            if (stopping_) break;
            if (nothing_to_do()) {
                run_sleep_handler();
                lock.lock();
                if (posted_.empty()) break;
                lock.unlock();
                continue;
            }
            wait_for_sockets();
        }
        if (stopping_) break;
        runner_.store({}, std::memory_order_relaxed);
        held_ = false;
        wake_pending_ = false;
    }
    if (lock.owns_lock()) lock.unlock();
    run_round();  // functions posted before the stop
    run_sleep_handler();
}

void IoLoop::wait_for_sockets() {
    std::span<const ReadySocket> ready;
    if (deferred_rounds_ > 0) ready = poller_->wait(0);
    if (ready.empty()) {
        run_sleep_handler();
        ready = poller_->wait(timeout_until(timers_.next(), now()));
    }
    looked_at_ = now();
    for (const auto& [fd, readiness] : ready) {
        // A handler of this round may have closed the socket; then its event is stale.
        if (!poller_->watches(fd)) continue;
        guard([&, fd = fd, readiness = readiness] { on_socket_(fd, readiness); });
    }
}

void IoLoop::run_round() {
    run_posted();
    if (timers_.next().value_or(time_point::max()) <= looked_at_) {
        end_round();  // also process data that was read but deferred to the next round
        run_due_timers();
    }
    end_round();
}

void IoLoop::end_round() {
    if (!on_round_) return;
    bool asked = false;
    guard([&] { asked = on_round_(); });
    if (asked && ++deferred_rounds_ >= kMaxDeferredRounds) run_sleep_handler();
}

void IoLoop::run_sleep_handler() {
    if (std::exchange(deferred_rounds_, 0) > 0) guard(on_sleep_);
}

void IoLoop::run_posted() {
    {
        const auto lock = lock_briefly(mutex_);
        running_.swap(posted_);
        wake_pending_ = false;
    }
    for (auto& function : running_) guard(function);
    running_.clear();
}

void IoLoop::run_due_timers() {
    // Timers that are added by these wait for the next round, so that sockets are served in between.
    for (auto left = timers_.size(); left > 0; --left) {
        auto function = timers_.take_due(looked_at_);
        if (!function) break;
        guard(function);
    }
}

}  // namespace holysheep::runtime
