// Delivers records to one listener, one at a time, on a separate thread, so that a slow or blocked listener delays
// neither the others nor the client. The queue is bounded. CallRecord, RegionHealth → [ListenerQueue] → EventListener
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include <holysheep/event_listener.hpp>

#include "client/callbacks.hpp"
#include "runtime/serial_executor.hpp"

namespace holysheep::client {

/// Shared with the delivering thread, which may be abandoned.
class ListenerQueue : public std::enable_shared_from_this<ListenerQueue> {
  public:
    using Delivery = std::function<void(EventListener&)>;
    /// `most`: length of the queue. `dropped` counts records that did not fit.
    ListenerQueue(std::shared_ptr<EventListener> listener, std::shared_ptr<Callbacks> callbacks, std::size_t most,
                  std::shared_ptr<std::atomic<std::uint64_t>> dropped);

    /// I/O thread only. Wakes a sleeping thread only in `wake`.
    void push(Delivery delivery);
    void wake() { thread_.wake(); }
    bool on_own_thread() const { return thread_.on_own_thread(); }
    /// Delivers queued records as long as the listener keeps up. Returns false if it is blocked and was abandoned.
    bool finish();

  private:
    void schedule();
    void deliver();

    const std::shared_ptr<EventListener> listener_;
    const std::shared_ptr<Callbacks> callbacks_;
    const std::size_t most_;
    const std::shared_ptr<std::atomic<std::uint64_t>> dropped_;
    std::mutex mutex_;  // guards everything below
    std::deque<Delivery> waiting_;
    bool scheduled_ = false;
    runtime::SerialExecutor thread_;
};

}  // namespace holysheep::client
