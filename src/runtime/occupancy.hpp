// Counts the threads that are inside an object's functions, so that its destructor can wait until they have left.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>

namespace holysheep::runtime {

/// Entering and leaving cost one atomic operation each until somebody waits.
class Occupancy {
  public:
    class [[nodiscard]] Visit {
      public:
        explicit Visit(Occupancy& occupancy) : occupancy_(occupancy) {
            occupancy_.state_.fetch_add(1, std::memory_order_relaxed);
        }
        ~Visit() { occupancy_.leave(); }
        Visit(const Visit&) = delete;
        Visit& operator=(const Visit&) = delete;

      private:
        Occupancy& occupancy_;
    };

    /// Returns at a moment when no thread is inside. Never from inside.
    void wait_until_empty() {
        std::unique_lock lock(mutex_);
        state_.fetch_or(kAwaited, std::memory_order_acquire);
        empty_.wait(lock, [this] { return state_.load(std::memory_order_acquire) == kAwaited; });
    }

  private:
    static constexpr unsigned kAwaited = 1U << 31U;

    void leave() {
        auto state = state_.load(std::memory_order_relaxed);
        while ((state & kAwaited) == 0) {
            // Nothing is touched after a successful exchange: the object may be gone.
            if (state_.compare_exchange_weak(state, state - 1, std::memory_order_acq_rel)) return;
        }
        // The one who waits needs the mutex to see the last one leave, and so cannot destroy it before that one is
        // done.
        const std::lock_guard lock(mutex_);
        state_.fetch_sub(1, std::memory_order_acq_rel);
        empty_.notify_all();
    }

    std::atomic<unsigned> state_{0};
    std::mutex mutex_;
    std::condition_variable empty_;
};

}  // namespace holysheep::runtime
