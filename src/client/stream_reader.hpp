// The reading end of a stream: what a ChatStream holds.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <utility>

#include <holysheep/result.hpp>
#include <holysheep/stream.hpp>

#include "call/stream_queue.hpp"
#include "client/active_call.hpp"

namespace holysheep {
inline namespace v0 {
namespace detail {

class StreamReader {
  public:
    /// Starts the call.
    StreamReader(std::shared_ptr<client::ActiveCall> call, const std::stop_token& stop)
        : call_(std::move(call)),
          queue_(std::make_shared<call::StreamQueue>(call::StreamQueue::Hooks{.on_room =
                                                                                  [weak = std::weak_ptr(call_)] {
                                                                                      if (const auto active =
                                                                                              weak.lock())
                                                                                          active->on_room();
                                                                                  },
                                                                              .on_ready = {}})) {
        call_->submit(queue_, stop);
    }
    /// A stream that failed before it began.
    explicit StreamReader(Error error) : queue_(std::make_shared<call::StreamQueue>(call::StreamQueue::Hooks{})) {
        queue_->on_done(std::move(error));
    }

    const ChatChunk* next() { return queue_->wait_next(); }
    std::optional<call::CallResult> take_result() { return queue_->take_result(); }
    void cancel() {
        if (call_) call_->cancel();
    }

  private:
    std::shared_ptr<client::ActiveCall> call_;
    std::shared_ptr<call::StreamQueue> queue_;
};

}  // namespace detail
}  // namespace v0
}  // namespace holysheep
