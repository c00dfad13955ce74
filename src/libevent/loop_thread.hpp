// An event loop of libevent on a thread of its own, for the servers that are built on it.
// any thread → [LoopThread] → loop's thread
#pragma once

#include <pthread.h>
#include <sys/socket.h>
#include <csignal>
#include <functional>
#include <future>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "libevent/handles.hpp"

namespace holysheep::inline v0::libevent {

/// Runs functions that other threads hand it. Objects that belong to the loop are made before `start()` and destroyed
/// after `stop()`, or on the loop's thread by `run()`.
class LoopThread {
  public:
    LoopThread() : base_(event_base_new()) {
        if (!base_ || evutil_socketpair(AF_UNIX, SOCK_STREAM, 0, wake_) != 0)
            throw std::runtime_error("libevent gives no event loop");
        for (const evutil_socket_t end : wake_) {
            evutil_make_socket_nonblocking(end);
            evutil_make_socket_closeonexec(end);
        }
        waker_.reset(event_new(
            base_.get(), wake_[0], EV_READ | EV_PERSIST,
            [](evutil_socket_t, short, void* self) { static_cast<LoopThread*>(self)->run_tasks(); }, this));
        event_add(waker_.get(), nullptr);
    }
    ~LoopThread() {
        stop();
        waker_.reset();
        for (const evutil_socket_t end : wake_) evutil_closesocket(end);
    }
    LoopThread(const LoopThread&) = delete;
    LoopThread& operator=(const LoopThread&) = delete;

    event_base* base() { return base_.get(); }

    void start() {
        thread_ = std::jthread([base = base_.get()] {
            // A peer that left must cost the server an error, not the process its life.
            sigset_t pipe;
            sigemptyset(&pipe);
            sigaddset(&pipe, SIGPIPE);
            pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
            event_base_loop(base, EVLOOP_NO_EXIT_ON_EMPTY);
        });
    }

    /// Runs the function on the loop's thread and returns when it ran; passes its exception on.
    void run(std::function<void()> function) {
        std::packaged_task<void()> task(std::move(function));
        std::future<void> done = task.get_future();
        {
            std::lock_guard lock(mutex_);
            tasks_.push_back(std::move(task));
        }
        const char one = 1;
        ::send(wake_[1], &one, 1, 0);
        done.get();
    }

    void stop() {
        if (!thread_.joinable()) return;
        run([base = base_.get()] { event_base_loopbreak(base); });
        thread_.join();
    }

  private:
    void run_tasks() {
        char drop[64];
        while (::recv(wake_[0], drop, sizeof drop, 0) > 0) {
        }
        std::vector<std::packaged_task<void()>> tasks;
        {
            std::lock_guard lock(mutex_);
            tasks.swap(tasks_);
        }
        for (auto& task : tasks) task();
    }

    EventBase base_;
    evutil_socket_t wake_[2] = {-1, -1};
    Event waker_;
    std::mutex mutex_;  // guards tasks_
    std::vector<std::packaged_task<void()>> tasks_;
    std::jthread thread_;
};

}  // namespace holysheep::inline v0::libevent
