// The library's front door: one object that calls language models through several regions of a gateway.
// ChatRequest → [Client] → ChatCompletion or Error
#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <holysheep/chat_completion.hpp>
#include <holysheep/chat_request.hpp>
#include <holysheep/cost_ledger.hpp>
#include <holysheep/endpoint.hpp>
#include <holysheep/export.hpp>
#include <holysheep/model_catalogue.hpp>
#include <holysheep/options.hpp>
#include <holysheep/result.hpp>
#include <holysheep/stats.hpp>
#include <holysheep/stream.hpp>

namespace holysheep {
inline namespace v0 {

/// Thread-safe: share one among all threads, so that they share connections and what is known about the regions.
/// Movable; a moved-from client may only be destroyed or assigned to. It owns one I/O thread and, once an asynchronous
/// callback is used, one callback thread.
///
/// Blocking forms wait on the calling thread and run their callbacks there. Asynchronous callbacks run on the callback
/// thread or through `ClientOptions::callback_executor`. A blocking form called from inside a callback on a thread of
/// the same client is refused with `invalid_request`, and so is any use in a child process after `fork()`.
class HOLYSHEEP_EXPORT Client {
  public:
    /// Throws `Exception` with `invalid_options` when options cannot work; the message names every problem at once.
    explicit Client(ClientOptions options = {});
    /// The same checks without an exception.
    static Result<Client> create(ClientOptions options = {});
    Client(Client&&) noexcept;
    Client& operator=(Client&&) noexcept;
    /// Cancels what is in flight (callers get `cancelled`) and joins its threads.
    ~Client();

    /// Asks a model and waits for the whole answer: one call, as many attempts as failover needs (RetryOptions), within
    /// `CallOptions::deadline` or `TimeoutOptions::total` (ten minutes). The error is of the first failure and carries
    /// every attempt; it is never thrown. The request is only read: large ones are not copied.
    Result<ChatCompletion> chat(const ChatRequest& request, const CallOptions& options = {});
    /// The same with one message of a user.
    Result<ChatCompletion> chat(std::string model, std::string question);
    /// The same without waiting. Everything is read before it returns.
    std::future<Result<ChatCompletion>> chat_async(const ChatRequest& request, const CallOptions& options = {});
    /// `on_done` runs exactly once.
    void chat_async(const ChatRequest& request, const CallOptions& options,
                    std::function<void(Result<ChatCompletion>)> on_done);

    /// Starts at once; see ChatStream. Never fails itself: a refused request is told by `finish()`.
    ChatStream stream(const ChatRequest& request, const CallOptions& options = {});
    /// Blocks until the stream ends; `on_chunk` runs on the calling thread. An exception from it cancels the stream and
    /// is passed on.
    Result<ChatCompletion> stream_to(const ChatRequest& request, const std::function<void(const ChatChunk&)>& on_chunk);
    Result<ChatCompletion> stream_to(const ChatRequest& request, const CallOptions& options,
                                     const std::function<void(const ChatChunk&)>& on_chunk);
    /// Suited to thousands of streams on one client. `on_done` runs exactly once, after the last `on_chunk`.
    StreamHandle stream_async(const ChatRequest& request, const CallOptions& options,
                              std::function<void(const ChatChunk&)> on_chunk,
                              std::function<void(Result<ChatCompletion>)> on_done);

    /// The models that the gateway lists (GET /models). Those that this client knows prices of: `catalogue`.
    Result<std::vector<Model>> models(const CallOptions& options = {});
    /// Asks for the list of models; the error says why a key is refused and what helps.
    Result<void> verify_key(const CallOptions& options = {});
    /// Any other endpoint. An HTTP error status is an `Error`, as it is for `chat`.
    Result<RawResponse> request(RawRequest request, const CallOptions& options = {});
    /// Probes every region now, all at once, and returns what is known of each after `options.deadline` at the latest
    /// (default: `HealthOptions::timeout`), however many are dead. Of `options`, the region lists count too. From
    /// inside a callback of this client it does not wait: it returns what is known already.
    std::vector<RegionHealth> probe(const CallOptions& options = {});
    /// Opens a connection to every region at once, or to those that `options` name. An error when no region answered
    /// within `options.deadline` (default: `TimeoutOptions::connect`); it names each.
    Result<void> warm_up(const CallOptions& options = {});

    /// No new attempts for this region, calls in flight go on; unknown ids do nothing.
    void drain(std::string_view region);
    void resume(std::string_view region);
    /// Opens a region's breaker by hand, until `force_close` closes it and lets it go on by itself.
    void force_open(std::string_view region);
    void force_close(std::string_view region);
    Stats stats() const;

    /// What calls used and cost, since the client was made. Takes the I/O thread no time.
    CostLedger ledger() const;
    /// The models that the client knows: the built-in ones, over them `ClientOptions::models`, over them `set_prices`.
    ModelCatalogue catalogue() const;
    /// Other prices, and other models, for what ends from now on: see `ModelCatalogue::amend`. Calls in flight go on.
    void set_prices(const ModelCatalogue& prices);

  private:
    class Impl;
    explicit Client(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace holysheep
