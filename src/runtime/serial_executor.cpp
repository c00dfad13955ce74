// One queue, one thread; a wakeup only when the thread sleeps.
#include "runtime/serial_executor.hpp"

#include <utility>

#include "runtime/brief_lock.hpp"
#include "runtime/completion.hpp"

namespace holysheep::runtime {

void SerialExecutor::post(std::function<void()> function) {
    enqueue(std::move(function));
    wake();
}

void SerialExecutor::enqueue(std::function<void()> function) {
    const auto lock = lock_briefly(mutex_);
    functions_.push_back(std::move(function));
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
}

void SerialExecutor::wake() {
    {
        const auto lock = lock_briefly(mutex_);
        if (functions_.empty() || !std::exchange(idle_, false)) return;
    }
    ready_.notify_one();
}

void SerialExecutor::settle() {
    Completion reached;
    {
        std::lock_guard lock(mutex_);
        if (!thread_.joinable()) return;
        functions_.push_back([&reached] { reached.signal(); });
    }
    wake();
    reached.wait();
}

void SerialExecutor::finish() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
        if (!thread_.joinable()) return;
    }
    ready_.notify_one();
    thread_.join();
}

void SerialExecutor::run() {
    thread_id_ = std::this_thread::get_id();
    std::vector<std::function<void()>> batch;
    for (;;) {
        {
            auto lock = lock_briefly(mutex_);
            if (functions_.empty() && stopping_) return;
            idle_ = functions_.empty();
            ready_.wait(lock, [this] { return !functions_.empty() || stopping_; });
            idle_ = false;
            batch.swap(functions_);
        }
        for (auto& function : batch) {
            try {
                function();
            } catch (...) {
                on_exception_();
            }
            function = nullptr;  // what it captured goes before the next one runs
        }
        batch.clear();
    }
}

}  // namespace holysheep::runtime
