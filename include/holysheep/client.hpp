// The main class of the library: calls language models through several regions of a gateway.
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

/// Thread-safe. Share one client among all threads, so that they share its connections and its knowledge of the
/// regions. Movable; a moved-from client may only be destroyed or assigned to. A client owns one I/O thread and, once
/// an asynchronous callback is used, one callback thread.
///
/// Blocking functions wait on the calling thread and run their callbacks there. Asynchronous callbacks run on the
/// callback thread, or through `ClientOptions::callback_executor`. A blocking function that is called inside a callback
/// on a thread of the same client returns `invalid_request`, as does any use in a child process after `fork()`.
class HOLYSHEEP_EXPORT Client {
  public:
    /// Throws `Exception` with `invalid_options` if options are invalid; the message lists all problems.
    explicit Client(ClientOptions options = {});
    /// The same, but returns the error instead of throwing it.
    static Result<Client> create(ClientOptions options = {});
    Client(Client&&) noexcept;
    Client& operator=(Client&&) noexcept;
    /// Cancels all calls in flight (they return `cancelled`) and joins its threads.
    ~Client();

    /// Sends a request and waits for the complete answer. Failover may take several attempts (RetryOptions), within
    /// `CallOptions::deadline` or `TimeoutOptions::total` (default: ten minutes). An error describes the first failure
    /// and lists all attempts; it is never thrown. The request is only read, so that large ones are not copied.
    Result<ChatCompletion> chat(const ChatRequest& request, const CallOptions& options = {});
    /// The same with a single user message.
    Result<ChatCompletion> chat(std::string model, std::string question);
    /// The same without waiting. The arguments need not outlive the call of this function.
    std::future<Result<ChatCompletion>> chat_async(const ChatRequest& request, const CallOptions& options = {});
    /// Calls `on_done` exactly once with the answer or the error.
    void chat_async(const ChatRequest& request, const CallOptions& options,
                    std::function<void(Result<ChatCompletion>)> on_done);

    /// Starts a stream; see ChatStream. An error, such as a refused request, is returned by `ChatStream::finish`.
    ChatStream stream(const ChatRequest& request, const CallOptions& options = {});
    /// Runs a stream to its end and returns the assembled answer. `on_chunk` runs on the calling thread; an exception
    /// from it cancels the stream and is rethrown.
    Result<ChatCompletion> stream_to(const ChatRequest& request, const std::function<void(const ChatChunk&)>& on_chunk);
    Result<ChatCompletion> stream_to(const ChatRequest& request, const CallOptions& options,
                                     const std::function<void(const ChatChunk&)>& on_chunk);
    /// Runs a stream without blocking; suited to thousands of streams per client. `on_done` runs exactly once, after
    /// the last `on_chunk`.
    StreamHandle stream_async(const ChatRequest& request, const CallOptions& options,
                              std::function<void(const ChatChunk&)> on_chunk,
                              std::function<void(Result<ChatCompletion>)> on_done);

    /// The models that the gateway lists (GET /models). See `catalogue` for the models whose prices the client knows.
    Result<std::vector<Model>> models(const CallOptions& options = {});
    /// Checks the API key by requesting the list of models. The error says why the key was refused, and the remedy.
    Result<void> verify_key(const CallOptions& options = {});
    /// Calls any other endpoint. An HTTP error status is returned as an `Error`, as by `chat`.
    Result<RawResponse> request(RawRequest request, const CallOptions& options = {});
    /// Probes all regions at the same time and returns the state of each, after `options.deadline` at the latest
    /// (default: `HealthOptions::timeout`), however many regions are down. The only other members of `options` that
    /// apply are the region lists. Inside a callback of this client it does not wait, but returns the present state.
    std::vector<RegionHealth> probe(const CallOptions& options = {});
    /// Opens a connection to every region, or to those that `options` name, at the same time. Returns an error, which
    /// lists the regions, if none answered within `options.deadline` (default: `TimeoutOptions::connect`).
    Result<void> warm_up(const CallOptions& options = {});

    /// Stops sending new attempts to the region; attempts in flight continue. Unknown ids are ignored.
    void drain(std::string_view region);
    /// Ends `drain`.
    void resume(std::string_view region);
    /// Opens the breaker of a region until `force_close`. Unknown ids are ignored.
    void force_open(std::string_view region);
    /// Closes the breaker of a region and returns it to automatic operation. Unknown ids are ignored.
    void force_close(std::string_view region);
    /// A consistent snapshot of all counters since the client was made.
    Stats stats() const;

    /// What calls have used and cost since the client was made. Does not involve the I/O thread.
    CostLedger ledger() const;
    /// The known models: built-in ones, amended by `ClientOptions::models`, amended by `set_prices`.
    ModelCatalogue catalogue() const;
    /// Amends the known models and prices (`ModelCatalogue::amend`). Applies to attempts that finish after this call.
    void set_prices(const ModelCatalogue& prices);

  private:
    class Impl;
    explicit Client(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace holysheep
