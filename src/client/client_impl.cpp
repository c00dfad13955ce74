// Wiring, and the path of a call from the caller's thread to the I/O thread.
#include "client/client_impl.hpp"

#include <algorithm>
#include <atomic>
#include <future>
#include <random>
#include <utility>

#include <holysheep/version.hpp>

#include "call/request_builder.hpp"
#include "client/base_url.hpp"
#include "client/options_check.hpp"
#include "client/sinks.hpp"
#include "client/stream_reader.hpp"
#include "client/targets.hpp"
#include "routing/region_filter.hpp"
#include "wire/chat_encoder.hpp"

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

// A client's first hedges need no savings.
constexpr int kHedgesSavedUp = 5;

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
      loop_(options_.clock ? nullptr : std::make_shared<runtime::IoLoop>()),
      clock_(options_.clock ? options_.clock : loop_),
      transport_(options_.transport ? options_.transport : make_transport()),
      regions_(options_.regions, options_.health, options_.breaker, resilience::Random(next_seed_).next()),
      retry_budget_(options_.retry.budget_ratio, options_.retry.budget_capacity),
      hedge_budget_(options_.hedging.ratio, kHedgesSavedUp),
      bulkhead_(options_.regions.size(), options_.concurrency),
      spending_(options_.budget),
      keys_(options_.keys, client::region_accounts(options_, targets_),
            options_.key_source ? call::Keys::Fetch([this] { fetch_key(); }) : nullptr),
      recorder_(ids(options_.regions), clock_->now(), static_cast<std::size_t>(options_.stats.history)),
      catalogue_(known_models(options_)),
      router_(options_.regions, options_.selector, options_.custom_selector, regions_, *log_),
      services_{
          .clock = *clock_,
          .transport = *transport_,
          .targets = targets_,
          .regions = regions_,
          .router = router_,
          .budgets = {retry_budget_, hedge_budget_},
          .admission = {.bulkhead = bulkhead_, .keys = keys_, .spending = spending_, .limiter = make_limiter(options_)},
          .shared_clock = clock_,
          .recorder = recorder_,
          .catalogue = catalogue_,
          .ledger = ledger_,
          .redactor = redactor_,
          .log = *log_,
          .retry_policy = options_.retry_policy.get(),
          .on_refreshed =
              [this] {
                  for (std::size_t i = 0; i < targets_.size(); ++i) refresh_facts(i);
              },
          .on_notices = [this] { tell_soon(); }},
      registry_(services_, clock_,
                [this](int change) {
                    if (loop_) loop_->add_work(change);
                }),
      prober_(regions_, *clock_, *transport_, options_.health, prober_hooks()) {
    for (std::size_t i = 0; i < targets_.size(); ++i) refresh_facts(i);
    recorder_.on_budgets(retry_budget_.tokens(), hedge_budget_.tokens());
    if (options_.health.enabled) {
        services_.probe = [this](std::size_t region) { prober_.probe_now(region); };
        clock_->post([this] { prober_.start(); });
    }
    own_keys_ = client::keys_differ(targets_);
    if (!options_.listeners.empty()) {
        services_.on_record = [this](CallRecord record) { publish(std::move(record)); };
    }
}

/// Waits on the calling thread.
class Client::Impl::BlockingSink final : public call::CallSink {
  public:
    explicit BlockingSink(Impl& client) : client_(client) {}
    bool on_chunk(const ChatChunk&) override { return true; }
    void on_done(call::CallResult result) override {
        result_ = std::move(result);
        client_.signal_soon(done_);
    }
    /// Starts the call, on this very thread if the loop is free.
    call::CallResult run(client::ActiveCall& call, const std::stop_token& stop) {
        const auto begin = call.ready(*this, stop);
        if (!client_.loop_ || !client_.loop_->run_here(begin, [this] { return result_.has_value(); })) {
            client_.clock_->post(begin);
        }
        return wait();
    }
    call::CallResult wait() {
        done_.wait();
        return std::move(*result_);
    }

  private:
    Impl& client_;
    runtime::Completion done_;
    std::optional<call::CallResult> result_;
};

std::shared_ptr<Transport> Client::Impl::make_transport() {
    auto curl = std::make_shared<transport::CurlTransport>(
        *loop_, transport::CurlTransportOptions{.tls = options_.tls,
                                                .proxy = options_.proxy,
                                                .http2 = options_.http2,
                                                .user_agent = "holysheep-cpp/" HOLYSHEEP_VERSION});
    // The handlers are read on the loop's thread only, so that is where they are set.
    loop_->post([this, transport = curl.get()] {
        loop_->set_socket_handler([transport](int fd, runtime::Readiness ready) { transport->on_socket(fd, ready); });
        loop_->set_round_handler([this, transport] {
            transport->flush();
            wake_waiters();
        });
    });
    return curl;
}

void Client::Impl::signal_soon(runtime::Completion& completion) {
    if (loop_) {
        to_signal_.push_back(&completion);
    } else {
        completion.signal();
    }
}

void Client::Impl::wake_soon(std::shared_ptr<call::StreamQueue> queue) {
    if (loop_) {
        to_wake_.push_back(std::move(queue));
    } else {
        queue->wake();
    }
}

void Client::Impl::wake_waiters() {
    // At the end of a round: a thread that is woken in the middle of it would take the core away from the answers that
    // are still to be read.
    for (auto* completion : to_signal_) completion->signal();
    to_signal_.clear();
    for (const auto& queue : to_wake_) queue->wake();
    to_wake_.clear();
    callbacks_->wake();
}

Client::Impl::~Impl() {
    closing_ = true;
    clock_->post([this] { shut_down(); });
    // Threads that are inside get the results of their calls, which end as `cancelled`, also the ones that are posted
    // from now on: the loop runs until the last thread has left.
    inside_.wait_until_empty();
    if (loop_) {
        loop_->stop();
    } else {
        run_on_clock([] {});  // what those threads posted has run
    }
    callbacks_->finish();  // what was cancelled is told to its callbacks while everything they may use is still here
}

void Client::Impl::run_on_clock(const std::function<void()>& function) {
    std::promise<void> done;
    clock_->post([&] {
        function();
        done.set_value();
    });
    done.get_future().wait();
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
        sink.refuse_here(std::move(error));  // the callback thread stayed with the parent
    } else {
        sink.refuse(std::move(error));
    }
}

std::optional<Error> Client::Impl::refuse_to_block() const {
    if (!on_own_thread()) return std::nullopt;
    return Error{.code = ErrorCode::invalid_request,
                 .message =
                     "a blocking call from inside a callback of the same client would hold up its thread; use the "
                     "asynchronous form"};
}

bool Client::Impl::on_own_thread() const { return (loop_ && loop_->on_loop_thread()) || callbacks_->on_own_thread(); }

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

Result<void> Client::Impl::warm_up(milliseconds timeout) {
    if (auto error = refuse_to_block()) return std::move(*error);
    std::vector<std::pair<std::shared_ptr<client::ActiveCall>, std::unique_ptr<BlockingSink>>> calls;
    std::optional<Error> refused;
    RetryOptions once = options_.retry;
    once.max_attempts = 1;
    for (const auto& region : options_.regions) {
        CallOptions options{.deadline = timeout, .regions = {region.id}, .retry = once};
        auto call = prepare_raw({.method = "GET", .path = "/models"}, options);
        if (!call) {
            refused = std::move(call).error();
            break;
        }
        calls.emplace_back(std::move(*call), std::make_unique<BlockingSink>(*this));
        calls.back().first->submit(*calls.back().second, {});
    }
    // Any HTTP answer will do: the connection is open then.
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

// ---- regions ----

template <class Function>
void Client::Impl::at_region(std::string_view region, Function function) {
    if (orphaned()) return;
    for (std::size_t i = 0; i < options_.regions.size(); ++i) {
        if (options_.regions[i].id != region) continue;
        clock_->post([this, i, function] {
            function(i);
            refresh_facts(i);
            if (regions_.has_notices()) tell_soon();
        });
    }
}

void Client::Impl::set_draining(std::string_view region, bool draining) {
    at_region(region, [this, draining](std::size_t i) { regions_.set_draining(i, draining, clock_->now()); });
}

void Client::Impl::force_breaker(std::string_view region, std::optional<BreakerState> state) {
    at_region(region, [this, state](std::size_t i) { regions_.force_breaker(i, state, clock_->now()); });
}

std::vector<RegionHealth> Client::Impl::probe(const CallOptions& options) {
    const auto regions = routing::allowed_regions(options_.regions, {options.regions, options.exclude_regions});
    auto known = recorder_.healths(clock_->now());
    if (!orphaned() && !refuse_to_block()) {
        const auto timeout = std::clamp(options.deadline.value_or(options_.health.timeout), 0ms, call::kLongest);
        runtime::Completion done;
        const auto finish = [&] {
            known = recorder_.healths(clock_->now());  // here: the client may be gone once this thread is woken
            signal_soon(done);
        };
        clock_->post([&] { prober_.probe_all(regions, timeout, finish); });
        done.wait();
    }
    std::vector<RegionHealth> healths;
    for (const auto region : regions) healths.push_back(std::move(known[region]));
    return healths;
}

health::ProberHooks Client::Impl::prober_hooks() {
    return {.request = [this](std::size_t region, bool deep) { return probe_request(region, deep); },
            .on_end =
                [this](std::size_t region, const health::RegionHealthTracker::ProbeResult* result) {
                    if (result != nullptr && !result->unsent) {
                        recorder_.on_probe(region, result->good,
                                           result->took.count() < 0 ? std::nullopt : std::optional(result->took));
                    }
                    refresh_facts(region);
                    if (regions_.has_notices()) tell_soon();
                },
            .on_work =
                [this](int change) {
                    if (loop_) loop_->add_work(change);
                }};
}

HttpRequest Client::Impl::probe_request(std::size_t region, bool deep) const {
    const auto& target = targets_[region];
    call::Exchange exchange{.kind = call::ExchangeKind::raw, .raw = {.method = "GET", .path = "/models"}};
    if (deep) {
        const auto mapped = target.region.model_map.find(options_.health.model);
        const auto& model = mapped == target.region.model_map.end() ? options_.health.model : mapped->second;
        ChatRequest request{.model = model, .messages = {user("ping")}, .max_tokens = 1};
        exchange.kind = call::ExchangeKind::chat;
        exchange.chat = wire::encode_chat(request, false, {}).value();
        return call::build_request(exchange, target, {.sent = model, .usual = model},
                                   keys_.usual(region, clock_->now()), 1);
    }
    switch (options_.health.probe) {
        case HealthOptions::Probe::head: exchange.raw.method = "HEAD"; [[fallthrough]];
        case HealthOptions::Probe::path: exchange.raw.path = options_.health.path; break;
        case HealthOptions::Probe::models:
        case HealthOptions::Probe::completion: break;
    }
    const std::string none;
    return call::build_request(exchange, target, {.sent = none, .usual = none}, keys_.usual(region, clock_->now()), 1);
}

void Client::Impl::refresh_facts(std::size_t region) {
    recorder_.on_region(region, router_.facts(region, clock_->now()));
}

void Client::Impl::tell_soon() {
    if (shut_ || std::exchange(telling_, true)) return;
    clock_->post([this] { tell(); });
}

void Client::Impl::tell() {
    telling_ = false;
    if (shut_) return;
    const auto notices = regions_.take_notices();
    const auto now = clock_->now();
    for (const auto region : notices.changed) {
        refresh_facts(region);
        const auto health = values::to_health(options_.regions[region].id, router_.facts(region, now), now);
        const bool lost = health.liveness == Liveness::down || health.breaker == BreakerState::open;
        const auto level = lost ? LogLevel::warning : LogLevel::info;
        if (log_->enabled(level)) {
            log_->write(level, "region " + health.id + " is " + std::string(to_string(health.liveness)) + ", breaker " +
                                   std::string(to_string(health.breaker)) + ": " + health.reason);
        }
        for (const auto& listener : options_.listeners) {
            callbacks_->run([listener, health] { listener->on_region(health); }, true);
        }
    }
    for (const auto region : notices.dead) registry_.on_region_down(region);
    prober_.rearm();
}

Stats Client::Impl::stats() const {
    const auto now = clock_->now();
    auto stats = recorder_.snapshot(now);
    if (services_.admission.limiter) stats.limits = services_.admission.limiter->levels(now);
    return stats;
}

void Client::Impl::fetch_key() {
    // An executor may run this late, even after the client's end: it holds nothing of the client's.
    callbacks_->run(
        [source = options_.key_source, clock = std::weak_ptr<Clock>(clock_), limiter = services_.admission.limiter,
         keys = std::weak_ptr<call::Keys*>(keys_in_use_)] {
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
            // A client that has it as its `api_key` may share the limiter.
            if (limiter && problem.empty()) limiter->count_together(call::kFetchedAccount, call::account_of(key));
            const auto alive = clock.lock();
            if (!alive) return;
            alive->post([keys, key = std::move(key), problem = std::move(problem)] {
                if (const auto in_use = keys.lock()) (*in_use)->on_key(key, problem);
            });
        },
        true);
}

void Client::Impl::publish(CallRecord record) {
    const auto shared = std::make_shared<const CallRecord>(std::move(record));
    // One function each: a listener that throws does not silence the ones after it.
    for (const auto& listener : options_.listeners) {
        callbacks_->run(
            [listener, shared] {
                for (const auto& attempt : shared->attempts) listener->on_attempt(attempt);
                listener->on_call(*shared);
            },
            true);
    }
}

}  // namespace v0
}  // namespace holysheep
