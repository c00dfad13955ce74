// Wires the objects of a client, and moves a call from the caller's thread to the I/O thread.
#include "client/client_impl.hpp"

#include <algorithm>
#include <atomic>
#include <future>
#include <random>
#include <utility>

#include <holysheep/version.hpp>

#include "client/base_url.hpp"
#include "client/call_check.hpp"
#include "client/guarded_extensions.hpp"
#include "client/options_check.hpp"
#include "client/sinks.hpp"
#include "client/stream_reader.hpp"
#include "client/targets.hpp"
#include "routing/region_filter.hpp"

namespace holysheep {
inline namespace v0 {

namespace {

using namespace std::chrono_literals;

std::uint64_t seed_from(std::uint64_t configured) {
    if (configured != 0) return configured;
    std::random_device device;
    return (std::uint64_t{device()} << 32U) | device();
}

std::vector<std::string> ids(const std::vector<Region>& regions) {
    std::vector<std::string> names;
    for (const auto& region : regions) names.push_back(region.id);
    return names;
}

std::shared_ptr<RateLimiter::Impl> make_limiter(const ClientOptions& options) {
    if (options.limiter) return options.limiter->impl();
    if (options.rate_limit.requests == 0 && options.rate_limit.tokens_per_minute == 0) return nullptr;
    return RateLimiter(options.rate_limit).impl();
}

// A new client may send this many hedges before it has saved up tokens.
constexpr int kHedgesSavedUp = 5;
// Canary tokens per call beyond its first attempt, while no region is usable.
constexpr double kCanariesPerCall = 0.25;
constexpr int kCanariesSavedUp = 3;

ModelCatalogue known_models(const ClientOptions& options) {
    auto catalogue = ModelCatalogue::built_in();
    for (const auto& [name, traits] : options.models) catalogue.amend(name, traits);
    return catalogue;
}

telemetry::Redactor make_redactor(const ClientOptions& options) {
    telemetry::Redactor redactor;
    client::collect_secrets(options, redactor);
    return redactor;
}

}  // namespace

Client::Impl::Impl(ClientOptions options)
    : options_(std::move(options)),
      redactor_(make_redactor(options_)),
      log_(std::make_shared<telemetry::Log>(options_.log, redactor_)),
      targets_(client::make_targets(options_)),
      all_regions_(routing::allowed_regions(options_.regions, {})),
      next_seed_(seed_from(options_.seed)),
      callbacks_(std::make_shared<client::Callbacks>(options_.callback_executor, log_, options_.clock == nullptr)),
      listeners_(make_listeners()),  // before the loop, whose rounds wake them
      key_thread_([log = log_] { telemetry::log_exception(*log, "key_source"); }),
      loop_(options_.clock ? nullptr : std::make_shared<runtime::IoLoop>()),
      clock_(options_.clock ? std::make_shared<client::GuardedClock>(options_.clock, log_)
                            : std::static_pointer_cast<Clock>(loop_)),
      transport_(options_.transport ? std::make_shared<client::GuardedTransport>(options_.transport, clock_, log_)
                                    : make_transport()),
      regions_(options_.regions, options_.health, options_.breaker, resilience::Random(next_seed_).next()),
      retry_budget_(options_.retry.budget_ratio, options_.retry.budget_capacity),
      hedge_budget_(options_.hedging.ratio, kHedgesSavedUp),
      canary_budget_(kCanariesPerCall, kCanariesSavedUp),
      bulkhead_(options_.regions.size(), options_.concurrency, resilience::Random(~next_seed_).next()),
      spending_(options_.budget),
      keys_(options_.keys, client::region_accounts(options_, targets_),
            options_.key_source ? execution::Keys::Fetch([this] { fetch_key(); }) : nullptr),
      recorder_(ids(options_.regions), clock_->now(), static_cast<std::size_t>(options_.stats.history)),
      catalogue_(known_models(options_)),
      router_(options_.regions, options_.selector, options_.custom_selector, regions_, bulkhead_, *log_),
      retry_policy_(options_.retry_policy
                        ? std::make_shared<const client::GuardedRetryPolicy>(options_.retry_policy, log_)
                        : nullptr),
      services_{
          .clock = *clock_,
          .transport = *transport_,
          .targets = targets_,
          .regions = regions_,
          .router = router_,
          .budgets = {retry_budget_, hedge_budget_, canary_budget_},
          .admission = {.bulkhead = bulkhead_, .keys = keys_, .spending = spending_, .limiter = make_limiter(options_)},
          .shared_clock = clock_,
          .recorder = recorder_,
          .catalogue = catalogue_,
          .ledger = ledger_,
          .redactor = redactor_,
          .log = *log_,
          .retry_policy = retry_policy_.get(),
          .unread_streams = dropped_.unread_streams,
          .on_refreshed =
              [this] {
                  for (std::size_t i = 0; i < targets_.size(); ++i) refresh_facts(i);
              },
          .on_notices = [this] { schedule_notify(); }},
      registry_(services_, clock_,
                [this](int change) {
                    if (loop_) loop_->add_work(change);
                }),
      prober_(regions_, *clock_, *transport_, options_.health, prober_hooks()) {
    for (std::size_t i = 0; i < targets_.size(); ++i) refresh_facts(i);
    recorder_.on_budgets(retry_budget_.tokens(), hedge_budget_.tokens());
    if (options_.health.enabled) {
        services_.on_watch = [this](std::size_t region) { prober_.on_watch(region); };
        post_quietly([this] { prober_.start(); });
    }
    keys_differ_ = client::keys_differ(targets_);
    if (!options_.listeners.empty()) {
        services_.on_record = [this](CallRecord record) { publish(std::move(record)); };
    }
}

/// A sink for calls that wait on the calling thread.
class Client::Impl::BlockingSink final : public execution::CallSink {
  public:
    explicit BlockingSink(Impl& client) : client_(client) {}
    bool on_chunk(const ChatChunk&) override { return true; }
    void on_done(execution::CallResult result) override {
        result_ = std::move(result);
        client_.signal_soon(done_);
    }
    /// Starts the call, on this thread if the loop is free.
    execution::CallResult run(client::ActiveCall& call, const std::stop_token& stop) {
        const auto begin = call.ready(*this, stop);
        if (!client_.loop_ || !client_.loop_->run_here(begin, [this] { return result_.has_value(); })) {
            call.post(begin);
        }
        return wait();
    }
    execution::CallResult wait() {
        done_.wait();
        return std::move(*result_);
    }

  private:
    Impl& client_;
    runtime::Completion done_;
    std::optional<execution::CallResult> result_;
};

std::shared_ptr<Transport> Client::Impl::make_transport() {
    loop_->set_exception_handler([log = log_] { telemetry::log_exception(*log, "a function of the I/O thread"); });
    auto curl = std::make_shared<transport::CurlTransport>(
        *loop_, transport::CurlTransportOptions{.tls = options_.tls,
                                                .proxy = options_.proxy,
                                                .http2 = options_.http2,
                                                .max_connection_age = options_.max_connection_age,
                                                .seed = resilience::Random(next_seed_).next(),
                                                .user_agent = "holysheep-cpp/" HOLYSHEEP_VERSION});
    // The handlers are read on the loop's thread only, so they are set there.
    loop_->post([this, transport = curl.get()] {
        loop_->set_socket_handler([transport](int fd, runtime::Readiness ready) { transport->on_socket(fd, ready); });
        loop_->set_round_handler([this, transport] {
            transport->flush();
            wake_waiters();
            return callbacks_->owes_wakeup();
        });
        loop_->set_sleep_handler([this] { callbacks_->wake(); });
    });
    return curl;
}

std::vector<std::shared_ptr<client::ListenerQueue>> Client::Impl::make_listeners() const {
    std::vector<std::shared_ptr<client::ListenerQueue>> queues;
    for (const auto& listener : options_.listeners) {
        queues.push_back(std::make_shared<client::ListenerQueue>(
            listener, callbacks_, static_cast<std::size_t>(options_.queues.listener_records),
            dropped_.listener_records));
    }
    return queues;
}

void Client::Impl::signal_soon(runtime::Completion& completion) {
    if (loop_) {
        to_signal_.push_back(&completion);
    } else {
        completion.signal();
    }
}

void Client::Impl::wake_soon(std::shared_ptr<execution::StreamQueue> queue) {
    if (loop_) {
        to_wake_.push_back(std::move(queue));
    } else {
        queue->wake();
    }
}

void Client::Impl::wake_waiters() {
    // Done at the end of a round: a thread woken in the middle of it would compete for the core with answers that are
    // still to be read.
    for (auto* completion : to_signal_) completion->signal();
    to_signal_.clear();
    for (const auto& queue : to_wake_) queue->wake();
    to_wake_.clear();
    for (const auto& listener : listeners_) listener->wake();
}

Client::Impl::~Impl() {
    closing_ = true;
    if (loop_) {
        loop_->post([this] { shut_down(); });
    } else {
        run_on_clock([this] { shut_down(); });
    }
    // Threads inside get the results of their calls, which end as `cancelled`, as do calls posted from now on: the loop
    // runs until the last thread has left.
    inside_.wait_until_empty();
    if (loop_) {
        loop_->stop();
    } else {
        run_on_clock([] {});  // runs everything that those threads posted
    }
    callbacks_->finish();  // runs the callbacks of cancelled calls while everything that they may use still exists
    for (const auto& listener : listeners_) {
        if (!listener->finish()) {
            log_->write(LogLevel::warning, "a listener hangs: the client goes without it, and what waited is dropped");
        }
    }
    key_thread_.finish_or_leave(milliseconds{0}, milliseconds{0});
}

void Client::Impl::run_on_clock(const std::function<void()>& function) {
    // Shared, because a clock may run it after it has thrown.
    struct State {
        std::promise<void> done;
        std::atomic_flag run = ATOMIC_FLAG_INIT;
    };
    const auto state = std::make_shared<State>();
    const auto once = [state, &function] {
        if (state->run.test_and_set()) return;
        try {
            function();
        } catch (...) {
        }
        state->done.set_value();
    };
    try {
        clock_->post(once);
    } catch (...) {
        once();
    }
    state->done.get_future().wait();
}

void Client::Impl::post_quietly(std::function<void()> function) {
    try {
        clock_->post(std::move(function));
    } catch (...) {
        telemetry::log_exception(*log_, "the clock's post");
    }
}

void Client::Impl::shut_down() {
    shut_ = true;
    keys_in_use_.reset();
    registry_.shut_down();
    prober_.shut_down();
}

std::optional<Error> Client::Impl::refuse_use() const {
    if (orphaned()) {
        return Error{.code = ErrorCode::invalid_request,
                     .message =
                         "this client was made before fork(): its threads do not exist in the child process; make a "
                         "new client here"};
    }
    if (closing_) return Error{.code = ErrorCode::cancelled, .message = "the client is being destroyed"};
    return std::nullopt;
}

void Client::Impl::refuse(client::CallbackSink& sink, Error error) const {
    if (orphaned()) {
        sink.refuse_here(std::move(error));  // the callback thread exists only in the parent process
    } else {
        sink.refuse(std::move(error));
    }
}

void Client::Impl::refuse_at_once(client::CallbackSink& sink, Error error) const {
    if (callbacks_->on_own_thread()) {
        refuse(sink, std::move(error));  // if a callback retries, an immediate callback would recurse without end
    } else {
        sink.refuse_here(std::move(error));
    }
}

std::optional<Error> Client::Impl::refuse_callback() {
    if (callbacks_->waiting_results.load(std::memory_order_relaxed) < options_.queues.callbacks) return std::nullopt;
    dropped_.callback_calls.fetch_add(1, std::memory_order_relaxed);
    return Error{.code = ErrorCode::rate_limited_locally,
                 .message = std::to_string(options_.queues.callbacks) +
                            " results wait for their callbacks already (queues.callbacks): one of these hangs, or they "
                            "are slower than the calls"};
}

std::optional<Error> Client::Impl::refuse_to_block() const {
    if (!on_own_thread()) return std::nullopt;
    return Error{.code = ErrorCode::invalid_request,
                 .message =
                     "a blocking call from inside a callback of the same client would hold up its thread; use the "
                     "asynchronous form"};
}

bool Client::Impl::on_own_thread() const {
    return (loop_ && loop_->on_loop_thread()) || callbacks_->on_own_thread() || key_thread_.on_own_thread() ||
           std::ranges::any_of(listeners_, [](const auto& listener) { return listener->on_own_thread(); });
}

Result<ChatCompletion> Client::Impl::chat(const ChatRequest& request, const CallOptions& options) {
    if (auto error = refuse_to_block()) return std::move(*error);
    auto call = prepare_chat(request, options, false);
    if (!call) return std::move(call).error();
    BlockingSink sink(*this);
    return client::as_completion(sink.run(**call, options.stop));
}

Result<RawResponse> Client::Impl::request(RawRequest request, const CallOptions& options) {
    if (auto error = refuse_to_block()) return std::move(*error);
    auto call = prepare_raw(std::move(request), options);
    if (!call) return std::move(call).error();
    BlockingSink sink(*this);
    return client::as_response(sink.run(**call, options.stop));
}

std::unique_ptr<detail::StreamReader> Client::Impl::stream(const ChatRequest& request, const CallOptions& options) {
    auto error = refuse_to_block();
    if (!error) {
        auto call = prepare_chat(request, options, true);
        if (call)
            return std::make_unique<detail::StreamReader>(std::move(*call), options.stop,
                                                          [this](auto queue) { wake_soon(std::move(queue)); });
        error = std::move(call).error();
    }
    return std::make_unique<detail::StreamReader>(std::move(*error));
}

Result<void> Client::Impl::warm_up(const CallOptions& wanted) {
    if (auto error = refuse_to_block()) return std::move(*error);
    if (auto error = client::check_call(wanted, options_)) return std::move(*error);
    std::vector<std::pair<std::shared_ptr<client::ActiveCall>, std::unique_ptr<BlockingSink>>> calls;
    std::optional<Error> refused;
    RetryOptions once = options_.retry;
    once.max_attempts = 1;
    auto options = wanted;
    options.retry = once;
    options.exclude_regions.clear();
    if (!options.deadline && options_.timeouts.connect.count() > 0) options.deadline = options_.timeouts.connect;
    for (const auto index : routing::allowed_regions(options_.regions, {wanted.regions, wanted.exclude_regions})) {
        options.regions = {options_.regions[index].id};
        auto call = prepare_raw({.method = "GET", .path = "/models"}, options);
        if (!call) {
            refused = std::move(call).error();
            break;
        }
        calls.emplace_back(std::move(*call), std::make_unique<BlockingSink>(*this));
        calls.back().first->submit(*calls.back().second, options.stop);
    }
    // Any HTTP answer suffices, because the connection is open then.
    Error failure{.code = ErrorCode::all_regions_unavailable, .message = "no region answered"};
    bool answered = false;
    for (auto& [call, sink] : calls) {
        auto result = client::as_response(sink->wait());
        if (result || result.error().http_status != 0) {
            answered = true;
            continue;
        }
        auto& error = result.error();
        failure.message += (failure.attempts.empty() ? ": " : "; ") + error.message;
        if (!failure.cause) failure.cause = error.code;
        failure.attempts.insert(failure.attempts.end(), error.attempts.begin(), error.attempts.end());
    }
    if (refused) return std::move(*refused);
    if (answered) return {};
    return failure;
}

std::string Client::Impl::where_keys_are_made() const {
    const bool ours = std::ranges::any_of(options_.regions, [&](const Region& region) {
        const auto url = client::parse_base_url(region.base_url, true);
        return url.parts && url.parts->host == client::kDefaultHost;
    });
    return ours ? " at " + std::string(client::kHomepage) : std::string();
}

void Client::Impl::scrub(Error& error, const CallOptions& options) const {
    auto redactor = redactor_;
    redactor.add(options.headers);
    redactor.scrub(error);
}

Stats Client::Impl::stats() const {
    const auto now = clock_->now();
    auto stats = recorder_.snapshot(now);
    if (services_.admission.limiter) stats.limits = services_.admission.limiter->levels(now);
    stats.dropped = {.listener_records = dropped_.listener_records->load(std::memory_order_relaxed),
                     .callback_calls = dropped_.callback_calls.load(std::memory_order_relaxed),
                     .unread_streams = dropped_.unread_streams->load(std::memory_order_relaxed)};
    return stats;
}

void Client::Impl::fetch_key() {
    // An executor may run this late, and a source that hangs is abandoned: it holds no reference to the client's state.
    auto ask = [source = options_.key_source, clock = std::weak_ptr<Clock>(clock_),
                limiter = services_.admission.limiter, keys = std::weak_ptr<execution::Keys*>(keys_in_use_)] {
        std::string key, problem;
        try {
            key = source();
            problem = client::problem_of_key(key);
        } catch (const std::exception& error) {
            problem = std::string("it threw: ") + error.what();
        } catch (...) {
            problem = "it threw";
        }
        if (!problem.empty()) problem = "key_source gave none that can be used: " + problem;
        // The limiter may be shared with a client that has this key as its `api_key`.
        if (limiter && problem.empty()) limiter->merge_accounts(execution::kFetchedAccount, execution::account_of(key));
        const auto alive = clock.lock();
        if (!alive) return;
        alive->post([keys, key = std::move(key), problem = std::move(problem)] {
            if (const auto in_use = keys.lock()) (*in_use)->on_key(key, problem);
        });
    };
    if (callbacks_->has_executor()) {
        callbacks_->run(std::move(ask), true);
    } else {
        key_thread_.post(std::move(ask));
    }
}

void Client::Impl::publish(CallRecord record) {
    const auto shared = std::make_shared<const CallRecord>(std::move(record));
    announce([shared](EventListener& listener) {
        for (const auto& attempt : shared->attempts) listener.on_attempt(attempt);
        listener.on_call(*shared);
    });
}

void Client::Impl::announce(const client::ListenerQueue::Delivery& delivery) {
    for (const auto& listener : listeners_) listener->push(delivery);
}

}  // namespace v0
}  // namespace holysheep
