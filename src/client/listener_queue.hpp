// Hands records to one listener, one after another: a thread of its own for each, so that a slow or hung one holds up
// neither the others nor anything else of the client; bounded, so that it does not take the memory either.
// CallRecord, RegionHealth → [ListenerQueue] → EventListener
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

/// Shared with the thread that delivers, which may be left behind.
class ListenerQueue : public std::enable_shared_from_this<ListenerQueue> {
  public:
    using Delivery = std::function<void(EventListener&)>;
    /// `most`: deliveries that may wait. `dropped` counts those that found no room.
    ListenerQueue(std::shared_ptr<EventListener> listener, std::shared_ptr<Callbacks> callbacks, std::size_t most,
                  std::shared_ptr<std::atomic<std::uint64_t>> dropped);

    /// On the I/O thread. A sleeping thread is left asleep until `wake`.
    void push(Delivery delivery);
    void wake() { thread_.wake(); }
    bool on_own_thread() const { return thread_.on_own_thread(); }
    /// Delivers what waits, for as long as the listener keeps up. False: it hangs, and was left behind.
    bool finish();

  private:
    void schedule();
    void deliver();

    const std::shared_ptr<EventListener> listener_;
    const std::shared_ptr<Callbacks> callbacks_;
    const std::size_t most_;
    const std::shared_ptr<std::atomic<std::uint64_t>> dropped_;
    std::mutex mutex_;  // guards what follows
    std::deque<Delivery> waiting_;
    bool scheduled_ = false;
    runtime::SerialExecutor thread_;
};

}  // namespace holysheep::client
