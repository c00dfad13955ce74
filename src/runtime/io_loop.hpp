// The client's I/O thread: runs posted functions, timers, and the handlers of sockets that are ready. Everything that
// happens inside a client happens here, one thing at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <holysheep/clock.hpp>

#include "runtime/timer_queue.hpp"

namespace holysheep::runtime {

/// What a socket is watched for, and what it became ready for.
struct Readiness {
    bool readable = false, writable = false;
    friend bool operator==(const Readiness&, const Readiness&) = default;
};

class IoLoop final : public Clock {
  public:
    IoLoop();
    /// Stops, if that was not done.
    ~IoLoop() override;
    IoLoop(const IoLoop&) = delete;
    IoLoop& operator=(const IoLoop&) = delete;

    time_point now() const override { return std::chrono::steady_clock::now(); }
    TimerId call_at(time_point when, std::function<void()> function) override;
    void cancel(TimerId timer) override;
    /// From any thread. Wakes the loop only when the queue was empty.
    void post(std::function<void()> function) override;

    /// Watches a socket until `unwatch`; repeated calls change what it is watched for. Loop thread only.
    void watch(int fd, Readiness interest);
    void unwatch(int fd);
    /// Receives every ready socket. Set once, before the first `watch`.
    void set_socket_handler(std::function<void(int fd, Readiness)> handler) { on_socket_ = std::move(handler); }
    /// Runs once per round, after all of its sockets, timers and posted functions.
    void set_round_handler(std::function<void()> handler) { on_round_ = std::move(handler); }

    /// Finishes the current round, runs what is queued, then ends the thread and waits for it. Functions that are
    /// posted later never run. Never from the loop's own thread.
    void stop();
    bool on_loop_thread() const { return std::this_thread::get_id() == thread_id_.load(); }

  private:
    class Poller;
    void run();
    void run_posted();
    void run_due_timers();

    std::unique_ptr<Poller> poller_;
    TimerQueue timers_;
    std::function<void(int, Readiness)> on_socket_;
    std::function<void()> on_round_;

    std::mutex mutex_;  // guards posted_ and wake_pending_
    std::vector<std::function<void()>> posted_;
    bool wake_pending_ = false;
    std::vector<std::function<void()>> running_;

    std::atomic<bool> stopping_{false};
    std::atomic<std::thread::id> thread_id_{};
    std::thread thread_;
};

}  // namespace holysheep::runtime
