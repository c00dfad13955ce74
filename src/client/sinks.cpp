// Delivers answers. Each queued function owns its data, so nothing outlives its last callback.
#include "client/sinks.hpp"

#include <utility>

namespace holysheep::client {

namespace {

class StreamCallbacks : public std::enable_shared_from_this<StreamCallbacks> {
  public:
    StreamCallbacks(std::shared_ptr<Callbacks> callbacks, std::weak_ptr<ActiveCall> call, OnChunk on_chunk,
                    OnDone on_done)
        : callbacks_(std::move(callbacks)),
          call_(std::move(call)),
          on_chunk_(std::move(on_chunk)),
          on_done_(std::move(on_done)) {}

    std::shared_ptr<execution::StreamQueue> connect() {
        auto queue = std::make_shared<execution::StreamQueue>(execution::StreamQueue::Hooks{
            .on_room =
                [weak = call_] {
                    if (const auto active = weak.lock()) active->on_room();
                },
            .on_ready = [self = shared_from_this()] { self->schedule(true); },
            .on_end = [callbacks =
                           callbacks_] { callbacks->waiting_results.fetch_add(1, std::memory_order_relaxed); }});
        queue_ = queue;
        return queue;
    }

  private:
    // One stream must not occupy the callback thread.
    static constexpr int kAtOnce = 256;

    void schedule(bool batched) {
        // The queue must live until it is read to its end, possibly after the end of the call.
        callbacks_->run([self = shared_from_this(), queue = queue_.lock()] { self->deliver(*queue); }, batched);
    }

    void deliver(execution::StreamQueue& queue) {
        // One `deliver` at a time, on any thread of the executor: the next one is scheduled by the event that
        // finds the queue idle, or by the last line here, and nothing of the stream is touched after either.
        for (int i = 0; i < kAtOnce; ++i) {
            const auto next = queue.poll();
            if (next.ended) {
                if (auto result = queue.take_result()) {
                    callbacks_->waiting_results.fetch_sub(1, std::memory_order_relaxed);
                    const auto on_done = std::move(on_done_);
                    on_done(as_completion(std::move(*result)));
                }
            }
            if (next.event == nullptr) return;
            if (failed_ || callbacks_->guard([&] { on_chunk_(*next.event); })) continue;
            // A reader that threw gets no more events, but still the result.
            failed_ = true;
            if (const auto active = call_.lock()) active->cancel();
        }
        schedule(false);
    }

    std::shared_ptr<Callbacks> callbacks_;
    std::weak_ptr<ActiveCall> call_;
    OnChunk on_chunk_;
    OnDone on_done_;
    std::weak_ptr<execution::StreamQueue> queue_;
    bool failed_ = false;
};

}  // namespace

Result<ChatCompletion> as_completion(execution::CallResult&& result) {
    if (auto* completion = std::get_if<ChatCompletion>(&result)) return std::move(*completion);
    return std::move(std::get<Error>(result));
}

Result<RawResponse> as_response(execution::CallResult&& result) {
    if (auto* response = std::get_if<RawResponse>(&result)) return std::move(*response);
    return std::move(std::get<Error>(result));
}

void CallbackSink::deliver(execution::CallResult result, bool batched) {
    result_ = std::move(result);
    callbacks_->waiting_results.fetch_add(1, std::memory_order_relaxed);
    callbacks_->run(
        [self = shared_from_this()] {
            self->callbacks_->waiting_results.fetch_sub(1, std::memory_order_relaxed);
            const auto on_done = std::move(self->on_done_);
            on_done(as_completion(std::move(*self->result_)));
        },
        batched);
}

std::shared_ptr<execution::CallSink> make_stream_callbacks(std::shared_ptr<Callbacks> callbacks,
                                                           const std::shared_ptr<ActiveCall>& call, OnChunk on_chunk,
                                                           OnDone on_done) {
    return std::make_shared<StreamCallbacks>(std::move(callbacks), call, std::move(on_chunk), std::move(on_done))
        ->connect();
}

}  // namespace holysheep::client
