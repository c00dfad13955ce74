// One queue and one thread, which is woken only if it sleeps.
#include "runtime/serial_executor.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

#include "runtime/brief_lock.hpp"

namespace holysheep::runtime {

struct SerialExecutor::State {
    std::mutex mutex;  // guards everything below
    std::condition_variable ready, progress;
    std::vector<std::function<void()>> functions;
    std::uint64_t completed = 0;
    bool idle = false, stopping = false, watched = false, left = false, ended = false;
    std::thread thread;
    std::function<void()> on_exception;
    std::atomic<std::thread::id> thread_id{};
    std::atomic<bool> owes_wakeup{false};
};

SerialExecutor::SerialExecutor(std::function<void()> on_exception) : state_(std::make_shared<State>()) {
    state_->on_exception = std::move(on_exception);
}

bool SerialExecutor::on_own_thread() const {
    return state_->thread_id.load(std::memory_order_relaxed) == std::this_thread::get_id();
}

/// Requires the mutex. If the system cannot create a thread, the next function tries again.
void SerialExecutor::start() {
    if (state_->thread.joinable() || state_->left) return;
    try {
        state_->thread = std::thread([state = state_] { run(*state); });
    } catch (const std::system_error&) {
        return;
    }
}

void SerialExecutor::post(std::function<void()> function) {
    enqueue(std::move(function));
    wake();
}

void SerialExecutor::enqueue(std::function<void()> function) {
    const auto lock = lock_briefly(state_->mutex);
    if (state_->left) return;  // nothing would run or free it
    state_->functions.push_back(std::move(function));
    if (state_->idle) state_->owes_wakeup.store(true, std::memory_order_relaxed);
    start();
}

bool SerialExecutor::owes_wakeup() const { return state_->owes_wakeup.load(std::memory_order_relaxed); }

void SerialExecutor::wake() {
    {
        const auto lock = lock_briefly(state_->mutex);
        state_->owes_wakeup.store(false, std::memory_order_relaxed);
        if (state_->functions.empty()) return;
        start();
        if (!std::exchange(state_->idle, false)) return;
    }
    state_->ready.notify_one();
}

void SerialExecutor::finish() {
    {
        const std::lock_guard lock(state_->mutex);
        state_->stopping = true;
        if (!state_->thread.joinable()) return;
        if (on_own_thread()) {  // a late function held the last reference to its owner
            state_->thread.detach();
            return;
        }
    }
    state_->ready.notify_one();
    state_->thread.join();
}

bool SerialExecutor::finish_or_leave(std::chrono::milliseconds each, std::chrono::milliseconds all) {
    const auto last = std::chrono::steady_clock::now() + all;
    {
        std::unique_lock lock(state_->mutex);
        state_->stopping = state_->watched = true;
        if (!state_->thread.joinable()) return true;
        state_->ready.notify_one();
        while (!state_->ended) {
            const auto seen = state_->completed;
            const auto until = std::min(last, std::chrono::steady_clock::now() + each);
            const bool moved =
                state_->progress.wait_until(lock, until, [&] { return state_->ended || state_->completed != seen; });
            if (moved && std::chrono::steady_clock::now() < last) continue;
            if (state_->ended) break;
            state_->left = true;
            state_->thread.detach();
            return false;
        }
    }
    state_->thread.join();
    return true;
}

void SerialExecutor::run(State& state) {
    state.thread_id = std::this_thread::get_id();
    std::vector<std::function<void()>> batch, dropped;
    for (;;) {
        {
            auto lock = lock_briefly(state.mutex);
            if (state.functions.empty() && state.stopping) {
                state.ended = true;
                state.progress.notify_all();
                return;
            }
            state.idle = state.functions.empty();
            state.ready.wait(lock, [&] { return !state.functions.empty() || state.stopping; });
            state.idle = false;
            batch.swap(state.functions);
        }
        for (auto& function : batch) {
            try {
                function();
            } catch (...) {
                state.on_exception();
            }
            function = nullptr;  // frees its captures before the next one runs
            const auto lock = lock_briefly(state.mutex);
            ++state.completed;
            if (!state.watched) continue;
            state.progress.notify_all();
            if (state.left) {
                dropped.swap(state.functions);  // freed after unlocking: they may own this executor
                return;
            }
        }
        batch.clear();
    }
}

}  // namespace holysheep::runtime
