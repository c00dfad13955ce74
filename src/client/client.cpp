// Implements the public functions. They use these parts: RegionHealthTracker (health/) keeps the state of regions, and
// Prober probes them. Selector (routing/) ranks regions. CircuitBreaker and RetryBudget (resilience/) decide when to
// avoid one. CallMachine (call/) and CallDriver (execution/) run a call through attempts and failover. CurlTransport
// (transport/) moves the bytes.
#include <holysheep/client.hpp>

#include <exception>
#include <thread>
#include <utility>

#include "client/client_impl.hpp"
#include "client/environment.hpp"
#include "client/options_check.hpp"
#include "client/sinks.hpp"
#include "client/stream_reader.hpp"
#include "wire/models_decoder.hpp"

namespace holysheep {
inline namespace v0 {

namespace {

ClientOptions checked(ClientOptions options) {
    client::Problems problems;
    client::overlay_environment(options);
    client::normalise(options);
    client::check(options, problems);
    if (!problems.empty()) throw Exception(problems.to_error("invalid client options"));
    return options;
}

}  // namespace

Client::Client(ClientOptions options) : impl_(std::make_unique<Impl>(checked(std::move(options)))) {}
Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::Client(Client&&) noexcept = default;

Client& Client::operator=(Client&& other) noexcept {
    Client dying(std::move(impl_));
    impl_ = std::move(other.impl_);
    return *this;
}

Client::~Client() {
    if (!impl_) return;
    if (impl_->orphaned()) {
        // The threads exist only in the parent process; joining them would block for ever.
        [[maybe_unused]] const auto* leaked = impl_.release();
    } else if (impl_->on_own_thread()) {
        // A callback destroys its own client: another thread waits until this one has left the callback.
        std::thread([impl = std::move(impl_)]() mutable { impl.reset(); }).detach();
    }
}

Result<Client> Client::create(ClientOptions options) {
    try {
        return Client(std::move(options));
    } catch (const Exception& exception) {
        return exception.error();
    } catch (const std::exception& exception) {
        return Error{.code = ErrorCode::invalid_options,
                     .message = std::string("the client cannot start: ") + exception.what()};
    }
}

Result<ChatCompletion> Client::chat(const ChatRequest& request, const CallOptions& options) {
    const auto inside = impl_->enter();
    return impl_->chat(request, options);
}

Result<ChatCompletion> Client::chat(std::string model, std::string question) {
    const auto inside = impl_->enter();
    ChatRequest request{.model = std::move(model), .messages = {user(std::move(question))}};
    return impl_->chat(request, {});
}

std::future<Result<ChatCompletion>> Client::chat_async(const ChatRequest& request, const CallOptions& options) {
    const auto inside = impl_->enter();
    auto sink = std::make_shared<client::PromiseSink>();
    auto future = sink->promise.get_future();
    auto call = impl_->prepare_chat(request, options, false);
    if (call) {
        (*call)->submit(std::move(sink), options.stop);
    } else {
        sink->promise.set_value(std::move(call).error());
    }
    return future;
}

void Client::chat_async(const ChatRequest& request, const CallOptions& options,
                        std::function<void(Result<ChatCompletion>)> on_done) {
    const auto inside = impl_->enter();
    auto sink = std::make_shared<client::CallbackSink>(impl_->callbacks(), std::move(on_done));
    if (auto refused = impl_->refuse_callback()) {
        impl_->refuse_at_once(*sink, std::move(*refused));
        return;
    }
    auto call = impl_->prepare_chat(request, options, false);
    if (call) {
        (*call)->submit(std::move(sink), options.stop);
    } else {
        impl_->refuse(*sink, std::move(call).error());
    }
}

ChatStream Client::stream(const ChatRequest& request, const CallOptions& options) {
    const auto inside = impl_->enter();
    return ChatStream(impl_->stream(request, options));
}

Result<ChatCompletion> Client::stream_to(const ChatRequest& request,
                                         const std::function<void(const ChatChunk&)>& on_chunk) {
    return stream_to(request, {}, on_chunk);
}

Result<ChatCompletion> Client::stream_to(const ChatRequest& request, const CallOptions& options,
                                         const std::function<void(const ChatChunk&)>& on_chunk) {
    // `on_chunk` may destroy this client.
    const auto reader = [&] {
        const auto inside = impl_->enter();
        return impl_->stream(request, options);
    }();
    try {
        while (const auto* chunk = reader->next()) on_chunk(*chunk);
    } catch (...) {
        reader->cancel();
        while (reader->next() != nullptr) {
        }
        throw;
    }
    return client::as_completion(std::move(*reader->take_result()));
}

StreamHandle Client::stream_async(const ChatRequest& request, const CallOptions& options,
                                  std::function<void(const ChatChunk&)> on_chunk,
                                  std::function<void(Result<ChatCompletion>)> on_done) {
    const auto inside = impl_->enter();
    if (auto refused = impl_->refuse_callback()) {
        const auto sink = std::make_shared<client::CallbackSink>(impl_->callbacks(), std::move(on_done));
        impl_->refuse_at_once(*sink, std::move(*refused));
        return {};
    }
    auto call = impl_->prepare_chat(request, options, true);
    if (!call) {
        const auto sink = std::make_shared<client::CallbackSink>(impl_->callbacks(), std::move(on_done));
        impl_->refuse(*sink, std::move(call).error());
        return {};
    }
    const std::weak_ptr<detail::StreamControl> control(*call);
    (*call)->submit(client::make_stream_callbacks(impl_->callbacks(), *call, std::move(on_chunk), std::move(on_done)),
                    options.stop);
    return StreamHandle(control);
}

Result<std::vector<Model>> Client::models(const CallOptions& options) {
    const auto inside = impl_->enter();
    auto response = impl_->request({.method = "GET", .path = "/models"}, options);
    if (!response) return std::move(response).error();
    auto models = wire::decode_models(response->body);
    if (models) return models;
    auto error = std::move(models).error();
    error.http_status = response->status;
    error.region = std::move(response->region);
    error.attempts = std::move(response->attempts);
    impl_->scrub(error, options);
    return error;
}

Result<void> Client::verify_key(const CallOptions& options) {
    const auto inside = impl_->enter();
    auto response = impl_->request({.method = "GET", .path = "/models"}, options);
    if (response) return {};
    auto error = std::move(response).error();
    switch (error.code) {
        case ErrorCode::unauthenticated:
            error.message += "; the gateway does not know this key: check it for typing errors, or make a new one" +
                             impl_->where_keys_are_made();
            break;
        case ErrorCode::permission_denied:
            error.message += "; the key is known but has no right to list models: check its permissions";
            break;
        case ErrorCode::insufficient_quota:
            error.message += "; the key is good, the account has no money left: top it up";
            break;
        case ErrorCode::all_regions_unavailable:
        case ErrorCode::transport_failed:
        case ErrorCode::tls_failed:
        case ErrorCode::timed_out:
        case ErrorCode::deadline_exceeded:
            error.message += "; nothing is known about the key: check base_url and the network";
            break;
        default: break;
    }
    return error;
}

Result<RawResponse> Client::request(RawRequest request, const CallOptions& options) {
    const auto inside = impl_->enter();
    return impl_->request(std::move(request), options);
}

Result<void> Client::warm_up(const CallOptions& options) {
    const auto inside = impl_->enter();
    return impl_->warm_up(options);
}

void Client::drain(std::string_view region) {
    const auto inside = impl_->enter();
    impl_->set_draining(region, true);
}

void Client::resume(std::string_view region) {
    const auto inside = impl_->enter();
    impl_->set_draining(region, false);
}

void Client::force_open(std::string_view region) {
    const auto inside = impl_->enter();
    impl_->force_breaker(region, BreakerState::open);
}

void Client::force_close(std::string_view region) {
    const auto inside = impl_->enter();
    impl_->force_breaker(region, std::nullopt);
}

std::vector<RegionHealth> Client::probe(const CallOptions& options) {
    const auto inside = impl_->enter();
    return impl_->probe(options);
}

Stats Client::stats() const {
    const auto inside = impl_->enter();
    return impl_->stats();
}

CostLedger Client::ledger() const {
    const auto inside = impl_->enter();
    return impl_->ledger();
}

ModelCatalogue Client::catalogue() const {
    const auto inside = impl_->enter();
    return impl_->catalogue();
}

void Client::set_prices(const ModelCatalogue& prices) {
    const auto inside = impl_->enter();
    impl_->set_prices(prices);
}

}  // namespace v0
}  // namespace holysheep
