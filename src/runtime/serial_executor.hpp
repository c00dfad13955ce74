// The callback thread: runs functions one after another, so that a slow callback never holds up the I/O thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace holysheep::runtime {

/// The thread starts with the first function.
class SerialExecutor {
  public:
    /// `on_exception` is called, inside a handler, with what a function let out.
    explicit SerialExecutor(std::function<void()> on_exception = [] {}) : on_exception_(std::move(on_exception)) {}
    ~SerialExecutor() { finish(); }
    SerialExecutor(const SerialExecutor&) = delete;
    SerialExecutor& operator=(const SerialExecutor&) = delete;

    void post(std::function<void()> function);
    /// The same, but leaves a sleeping thread asleep until `wake`: for whoever posts several things in a row.
    void enqueue(std::function<void()> function);
    void wake();
    bool on_own_thread() const { return thread_id_.load(std::memory_order_relaxed) == std::this_thread::get_id(); }
    /// Waits until what is queued now has run. Never from one of its own functions.
    void settle();
    /// Runs what is queued, then ends the thread and waits for it. Never from one of its own functions.
    void finish();

  private:
    void run();

    std::mutex mutex_;  // guards what follows
    std::condition_variable ready_;
    std::vector<std::function<void()>> functions_;
    bool idle_ = false, stopping_ = false;
    const std::function<void()> on_exception_;
    std::thread thread_;  // started under the mutex
    std::atomic<std::thread::id> thread_id_{};
};

}  // namespace holysheep::runtime
