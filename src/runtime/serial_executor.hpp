// The callback thread: runs functions one after another, so that a slow callback never holds up the I/O thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace holysheep::runtime {

/// The thread starts with the first function. Functions that throw end the program, as on any thread: callers catch.
class SerialExecutor {
  public:
    SerialExecutor() = default;
    ~SerialExecutor() { finish(); }
    SerialExecutor(const SerialExecutor&) = delete;
    SerialExecutor& operator=(const SerialExecutor&) = delete;

    void post(std::function<void()> function);
    bool on_own_thread() const { return thread_id_.load(std::memory_order_relaxed) == std::this_thread::get_id(); }
    /// Runs what is queued, then ends the thread and waits for it. Never from one of its own functions.
    void finish();

  private:
    void run();

    std::mutex mutex_;  // guards what follows
    std::condition_variable ready_;
    std::vector<std::function<void()>> functions_;
    bool idle_ = false, stopping_ = false;
    std::thread thread_;  // started under the mutex
    std::atomic<std::thread::id> thread_id_{};
};

}  // namespace holysheep::runtime
