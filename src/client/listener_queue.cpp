// Delivers records to a listener, one at a time, whatever threads the executor has.
#include "client/listener_queue.hpp"

#include <chrono>
#include <utility>

#include "runtime/brief_lock.hpp"

namespace holysheep::client {

namespace {

using namespace std::chrono_literals;

// Deliveries per task of a user's executor.
constexpr int kAtOnce = 256;
// How long the client's destructor waits for a listener to handle one record, and all of them.
constexpr auto kForOne = 100ms, kForAll = 5'000ms;

}  // namespace

ListenerQueue::ListenerQueue(std::shared_ptr<EventListener> listener, std::shared_ptr<Callbacks> callbacks,
                             std::size_t most, std::shared_ptr<std::atomic<std::uint64_t>> dropped)
    : listener_(std::move(listener)),
      callbacks_(std::move(callbacks)),
      most_(most),
      dropped_(std::move(dropped)),
      thread_([log = callbacks_->log()] { telemetry::log_exception(*log, "a listener"); }) {}

void ListenerQueue::push(Delivery delivery) {
    {
        const auto lock = runtime::lock_briefly(mutex_);
        if (waiting_.size() >= most_) {
            dropped_->fetch_add(1, std::memory_order_relaxed);
            return;
        }
        waiting_.push_back(std::move(delivery));
        if (std::exchange(scheduled_, true)) return;
    }
    schedule();
}

void ListenerQueue::schedule() {
    auto run = [self = shared_from_this()] { self->deliver(); };
    if (callbacks_->has_executor()) {
        callbacks_->run(std::move(run), true);
    } else if (callbacks_->in_rounds()) {
        thread_.enqueue(std::move(run));
    } else {
        thread_.post(std::move(run));
    }
}

void ListenerQueue::deliver() {
    const int at_once = callbacks_->has_executor() ? kAtOnce : 1;  // one at a time, so that each counts as progress
    for (int i = 0; i < at_once; ++i) {
        Delivery next;
        {
            const auto lock = runtime::lock_briefly(mutex_);
            if (waiting_.empty()) {
                scheduled_ = false;
                return;
            }
            next = std::move(waiting_.front());
            waiting_.pop_front();
        }
        try {
            next(*listener_);
        } catch (...) {
            callbacks_->log_exception("a listener");
        }
    }
    schedule();
}

bool ListenerQueue::finish() {
    const bool delivered = thread_.finish_or_leave(kForOne, kForAll);
    if (!delivered) {
        const std::lock_guard lock(mutex_);
        waiting_.clear();
    }
    return delivered;
}

}  // namespace holysheep::client
