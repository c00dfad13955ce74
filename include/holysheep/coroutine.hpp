// Opt-in: await a call from a C++20 coroutine of any kind.
#pragma once

#include <holysheep/export.hpp>
// (first: it says so where C++20 is missing)

#include <coroutine>
#include <optional>
#include <utility>

#include <holysheep/client.hpp>

namespace holysheep {
inline namespace v0 {

/// What `chat` below returns; await it in the same expression. It only refers to its arguments: they are copied when
/// the await begins.
class [[nodiscard]] ChatAwaitable {
  public:
    ChatAwaitable(Client& client, const ChatRequest& request, const CallOptions* options)
        : client_(client), request_(request), options_(options) {}

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
        client_.chat_async(request_, options_ != nullptr ? *options_ : CallOptions{},
                           [this, waiting](Result<ChatCompletion> reply) {
                               reply_.emplace(std::move(reply));
                               waiting.resume();
                           });
    }
    Result<ChatCompletion> await_resume() { return std::move(*reply_); }

  private:
    Client& client_;
    const ChatRequest& request_;
    const CallOptions* options_;
    std::optional<Result<ChatCompletion>> reply_{};
};

/// `auto reply = co_await holysheep::chat(client, request);` The coroutine goes on where asynchronous callbacks run: on
/// the client's callback thread, or where `ClientOptions::callback_executor` sends it. The client must outlive the
/// wait. Name the request and the options before awaiting: g++ 12 mishandles temporaries inside a co_await expression.
inline ChatAwaitable chat(Client& client, const ChatRequest& request) { return {client, request, nullptr}; }
inline ChatAwaitable chat(Client& client, const ChatRequest& request, const CallOptions& options) {
    return {client, request, &options};
}

}  // namespace v0
}  // namespace holysheep
