// An executor with several threads, like those of real programs: functions start in order and run in parallel.
// ClientOptions::callback_executor → [ThreadPool]
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace holysheep::flow {

/// The destructor runs the queued functions, then joins.
class ThreadPool {
  public:
    explicit ThreadPool(int threads) {
        for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
    }
    ~ThreadPool() {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        ready_.notify_all();
    }
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    void post(std::function<void()> function) {
        {
            const std::lock_guard lock(mutex_);
            functions_.push_back(std::move(function));
        }
        ready_.notify_one();
    }
    std::function<void(std::function<void()>)> executor() {
        return [this](std::function<void()> function) { post(std::move(function)); };
    }

  private:
    void run() {
        std::unique_lock lock(mutex_);
        for (;;) {
            ready_.wait(lock, [this] { return !functions_.empty() || stopping_; });
            if (functions_.empty()) return;
            auto function = std::move(functions_.front());
            functions_.pop_front();
            lock.unlock();
            function();
            function = nullptr;
            lock.lock();
        }
    }

    std::mutex mutex_;  // guards the members below
    std::condition_variable ready_;
    std::deque<std::function<void()>> functions_;
    bool stopping_ = false;
    std::vector<std::jthread> threads_;
};

}  // namespace holysheep::flow
