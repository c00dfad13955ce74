// Opt-in: await a call from a C++20 coroutine of any kind.
#pragma once

#include <coroutine>
#include <optional>
#include <utility>

#include <holysheep/client.hpp>

namespace holysheep {
inline namespace v0 {

/// What `chat` below returns; await it once, right away.
class [[nodiscard]] ChatAwaitable {
  public:
    ChatAwaitable(Client& client, ChatRequest request, CallOptions options)
        : client_(client), request_(std::move(request)), options_(std::move(options)) {}

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
        client_.chat_async(std::move(request_), std::move(options_), [this, waiting](Result<ChatCompletion> reply) {
            reply_.emplace(std::move(reply));
            waiting.resume();
        });
    }
    Result<ChatCompletion> await_resume() { return std::move(*reply_); }

  private:
    Client& client_;
    ChatRequest request_;
    CallOptions options_;
    std::optional<Result<ChatCompletion>> reply_;
};

/// `auto reply = co_await holysheep::chat(client, request);` The coroutine goes on where asynchronous callbacks run: on
/// the client's callback thread, or where `ClientOptions::callback_executor` sends it. The client must outlive the
/// wait. Name the request before awaiting: g++ 12 rejects a braced temporary inside a co_await expression.
inline ChatAwaitable chat(Client& client, ChatRequest request, CallOptions options = {}) {
    return {client, std::move(request), std::move(options)};
}

}  // namespace v0
}  // namespace holysheep
