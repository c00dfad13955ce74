// The reading end of a stream, owned by ChatStream.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <utility>

#include <holysheep/result.hpp>
#include <holysheep/stream.hpp>

#include "client/active_call.hpp"
#include "execution/stream_queue.hpp"

namespace holysheep {
inline namespace v0 {
namespace detail {

class StreamReader {
  public:
    using Wake = std::function<void(std::shared_ptr<execution::StreamQueue>)>;
    /// Starts the call. `wake_soon`, on the I/O thread, wakes the reader after the received events are queued.
    StreamReader(std::shared_ptr<client::ActiveCall> call, const std::stop_token& stop, Wake wake_soon)
        : call_(std::move(call)), queue_(make_queue(call_, std::move(wake_soon))) {
        call_->submit(queue_, stop);
    }
    /// Makes a reader for a stream that failed before it started.
    explicit StreamReader(Error error)
        : queue_(std::make_shared<execution::StreamQueue>(execution::StreamQueue::Hooks{})) {
        queue_->on_done(std::move(error));
    }

    const ChatChunk* next() { return queue_->wait_next(); }
    std::optional<execution::CallResult> take_result() { return queue_->take_result(); }
    void cancel() {
        if (call_) call_->cancel();
    }

  private:
    static std::shared_ptr<execution::StreamQueue> make_queue(const std::weak_ptr<client::ActiveCall>& call,
                                                              Wake wake_soon) {
        // A weak reference to itself, because a strong one would never be released.
        const auto self = std::make_shared<std::weak_ptr<execution::StreamQueue>>();
        auto queue = std::make_shared<execution::StreamQueue>(
            execution::StreamQueue::Hooks{.on_room =
                                              [call] {
                                                  if (const auto active = call.lock()) active->on_room();
                                              },
                                          .on_ready =
                                              [self, wake_soon = std::move(wake_soon)] {
                                                  if (auto asleep = self->lock()) wake_soon(std::move(asleep));
                                              }});
        *self = queue;
        return queue;
    }

    std::shared_ptr<client::ActiveCall> call_;
    std::shared_ptr<execution::StreamQueue> queue_;
};

}  // namespace detail
}  // namespace v0
}  // namespace holysheep
