// The I/O loop of a client: runs posted functions, timers and socket handlers, one at a time. Runs on a thread of its
// own or, while it is idle, on the thread of a caller that waits for an answer.
//
//   parked ──post, or a timer is due──→ own thread ──idle──→ parked
//      └──run_here──→ caller ──done──→ parked, or own thread if there is more to do
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <holysheep/clock.hpp>

#include "runtime/readiness.hpp"
#include "runtime/timer_queue.hpp"

namespace holysheep::runtime {

class Poller;

class IoLoop final : public Clock {
  public:
    IoLoop();
    /// Stops the loop if it is running.
    ~IoLoop() override;
    IoLoop(const IoLoop&) = delete;
    IoLoop& operator=(const IoLoop&) = delete;

    time_point now() const override { return std::chrono::steady_clock::now(); }
    TimerId call_at(time_point when, std::function<void()> function) override;
    void cancel(TimerId timer) override;
    /// May be called on any thread. Wakes the loop only if the queue was empty.
    void post(std::function<void()> function) override;

    /// Watches a socket until `unwatch`; further calls change the events. Loop thread only.
    void watch(int fd, Readiness interest);
    void unwatch(int fd);
    /// Called for every ready socket. Set once, before the first `watch`.
    void set_socket_handler(std::function<void(int fd, Readiness)> handler) { on_socket_ = std::move(handler); }
    /// Runs once per round, after all of its sockets, timers and posted functions. True asks for the sleep handler.
    void set_round_handler(std::function<bool()> handler) { on_round_ = std::move(handler); }
    /// Runs where the round handler asked for it: before the loop sleeps or stops, and otherwise after a few rounds.
    /// Threads that have nothing urgent to do are woken here: while answers still come in, each wakeup costs more than
    /// it gains.
    void set_sleep_handler(std::function<void()> handler) { on_sleep_ = std::move(handler); }

    /// Called inside a catch block for an exception from any function; the loop continues. Set once, before any `post`.
    void set_exception_handler(std::function<void()> handler) { on_exception_ = std::move(handler); }

    /// Runs the loop on the calling thread while no other thread does: runs `first`, then rounds until `done` returns
    /// true, or until other work arrives, which the loop's own thread then takes over. Returns
    /// false and runs nothing if the loop is already running. Saves a waiting caller two thread switches.
    bool run_here(const std::function<void()>& first, const std::function<bool()>& done);
    /// Counts activities during which the loop must not be parked. Loop thread only.
    void add_work(int change) { work_ += change; }

    /// Completes the current round, runs queued functions, then ends the thread and waits for it. Functions that are
    /// posted later never run. Must not be called on the loop's own thread.
    void stop();
    /// Whether the calling thread is running the loop.
    bool on_loop_thread() const { return std::this_thread::get_id() == runner_.load(std::memory_order_relaxed); }

  private:
    void run();
    void wait_for_sockets();
    void run_round();
    template <class Function>
    void guard(Function&& function);
    void end_round();
    void run_sleep_handler();
    void run_posted();
    void run_due_timers();
    /// Timers alone do not prevent parking: the parked thread wakes for them.
    bool nothing_to_do() const { return work_ == 0; }
    void park(std::unique_lock<std::mutex>& lock);
    void take_over(std::unique_lock<std::mutex>& lock);
    /// With the mutex held.
    void leave();

    std::shared_ptr<Poller> poller_;
    TimerQueue timers_;
    std::function<void(int, Readiness)> on_socket_;
    std::function<bool()> on_round_;
    std::function<void()> on_sleep_, on_exception_;
    int deferred_rounds_ = 0;  // since the sleep handler was first asked for

    int work_ = 0;
    std::vector<std::function<void()>> running_;
    /// When the sockets were last polled. Only timers that were due then run: after a slow function, data that arrived
    /// meanwhile is processed before a timeout that expired meanwhile.
    time_point looked_at_{};

    std::mutex mutex_;  // guards everything below; the thread that set held_ owns everything above
    std::condition_variable parked_;
    std::vector<std::function<void()>> posted_;
    bool wake_pending_ = false, held_ = false, wanted_ = false;
    time_point parked_until_ = time_point::max();

    std::atomic<bool> stopping_{false};
    std::atomic<std::thread::id> runner_{};
    std::thread thread_;
};

}  // namespace holysheep::runtime
