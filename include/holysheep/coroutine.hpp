// Opt-in: awaits a call in a C++20 coroutine of any kind.
#pragma once

#include <holysheep/export.hpp>
// (first, because it reports a missing C++20)

#include <coroutine>
#include <optional>
#include <utility>

#include <holysheep/client.hpp>

namespace holysheep {
inline namespace v0 {

/// The result of `chat` below. Await it in the same expression: it refers to its arguments, which are copied only when
/// the await begins.
class [[nodiscard]] ChatAwaitable {
  public:
    /// Called by `chat`.
    ChatAwaitable(Client& client, const ChatRequest& request, const CallOptions* options)
        : client_(client), request_(request), options_(options) {}

    /// Never: the call always suspends.
    bool await_ready() const noexcept { return false; }
    /// Starts the call; the coroutine resumes when it is done.
    void await_suspend(std::coroutine_handle<> waiting) {
        client_.chat_async(request_, options_ != nullptr ? *options_ : CallOptions{},
                           [this, waiting](Result<ChatCompletion> reply) {
                               reply_.emplace(std::move(reply));
                               waiting.resume();
                           });
    }
    /// The answer or the error.
    Result<ChatCompletion> await_resume() { return std::move(*reply_); }

  private:
    Client& client_;
    const ChatRequest& request_;
    const CallOptions* options_;
    std::optional<Result<ChatCompletion>> reply_{};
};

/// `auto reply = co_await holysheep::chat(client, request);` The coroutine resumes where asynchronous callbacks run: on
/// the client's callback thread, or through `ClientOptions::callback_executor`. The client must outlive the wait. Store
/// the request and the options in variables before awaiting: g++ 12 mishandles temporaries inside a co_await
/// expression.
inline ChatAwaitable chat(Client& client, const ChatRequest& request) { return {client, request, nullptr}; }
/// The same with options.
inline ChatAwaitable chat(Client& client, const ChatRequest& request, const CallOptions& options) {
    return {client, request, &options};
}

}  // namespace v0
}  // namespace holysheep
