// Receives answers for the caller: as a promise, a callback, or a pair of callbacks for streams.
// CallDriver → [sinks] → caller
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <optional>

#include <holysheep/chat_completion.hpp>
#include <holysheep/result.hpp>

#include "client/active_call.hpp"
#include "client/callbacks.hpp"
#include "execution/exchange.hpp"
#include "execution/stream_queue.hpp"

namespace holysheep::client {

Result<ChatCompletion> as_completion(execution::CallResult&& result);
Result<RawResponse> as_response(execution::CallResult&& result);

using OnDone = std::function<void(Result<ChatCompletion>)>;
using OnChunk = std::function<void(const ChatChunk&)>;

/// Fulfils a promise on the I/O thread, which runs no user code.
class PromiseSink final : public execution::CallSink {
  public:
    std::promise<Result<ChatCompletion>> promise;
    bool on_chunk(const ChatChunk&) override { return true; }
    void on_done(execution::CallResult result) override { promise.set_value(as_completion(std::move(result))); }
};

/// Passes the answer of a plain call to a callback.
class CallbackSink final : public execution::CallSink, public std::enable_shared_from_this<CallbackSink> {
  public:
    CallbackSink(std::shared_ptr<Callbacks> callbacks, OnDone on_done)
        : callbacks_(std::move(callbacks)), on_done_(std::move(on_done)) {}
    bool on_chunk(const ChatChunk&) override { return true; }
    void on_done(execution::CallResult result) override { deliver(std::move(result), true); }
    /// Reports a call that failed before it started. Called on the thread of the caller.
    void refuse(Error error) { deliver(execution::CallResult(std::in_place_type<Error>, std::move(error)), false); }

    /// The same, but runs the callback on this thread.
    void refuse_here(Error error) {
        const auto on_done = std::move(on_done_);
        callbacks_->run_here([&] { on_done(std::move(error)); });
    }

  private:
    void deliver(execution::CallResult result, bool batched);

    std::shared_ptr<Callbacks> callbacks_;
    OnDone on_done_;
    std::optional<execution::CallResult> result_;
};

/// Passes the events of a stream to callbacks, in batches.
std::shared_ptr<execution::CallSink> make_stream_callbacks(std::shared_ptr<Callbacks> callbacks,
                                                           const std::shared_ptr<ActiveCall>& call, OnChunk on_chunk,
                                                           OnDone on_done);

}  // namespace holysheep::client
