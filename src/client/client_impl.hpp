// The composition root: owns the threads and everything that calls share, in order of dependency.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <holysheep/client.hpp>

#include "accounting/ledger.hpp"
#include "accounting/shared_catalogue.hpp"
#include "client/active_call.hpp"
#include "client/callbacks.hpp"
#include "client/listener_queue.hpp"
#include "client/sinks.hpp"
#include "execution/driver.hpp"
#include "execution/keys.hpp"
#include "execution/router.hpp"
#include "health/prober.hpp"
#include "health/region_health_tracker.hpp"
#include "resilience/bulkhead.hpp"
#include "resilience/random.hpp"
#include "resilience/retry_budget.hpp"
#include "resilience/spending.hpp"
#include "runtime/completion.hpp"
#include "runtime/fork_guard.hpp"
#include "runtime/io_loop.hpp"
#include "runtime/occupancy.hpp"
#include "telemetry/log.hpp"
#include "telemetry/recorder.hpp"
#include "telemetry/redactor.hpp"
#include "transport/curl_transport.hpp"

namespace holysheep {
inline namespace v0 {

class Client::Impl {
  public:
    /// `options` must be normalised and valid.
    explicit Impl(ClientOptions options);
    ~Impl();
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    /// Returns a call with its request checked and encoded, or the reason why it cannot be made.
    Result<std::shared_ptr<client::ActiveCall>> prepare_chat(const ChatRequest& request, const CallOptions& options,
                                                             bool stream);
    Result<std::shared_ptr<client::ActiveCall>> prepare_raw(RawRequest request, const CallOptions& options);
    /// Returns an error if too many results wait for their callbacks, so that no further call with a callback is
    /// accepted.
    std::optional<Error> refuse_callback();
    /// Blocking functions check this first.
    std::optional<Error> refuse_to_block() const;

    /// Every function of Client holds this while it uses this object: the destructor waits for it.
    runtime::Occupancy::Visit enter() { return runtime::Occupancy::Visit(inside_); }

    /// Reports the error of a call that never began to its callback, on the callback thread.
    void refuse(client::CallbackSink& sink, Error error) const;
    /// The same on this thread, unless that would run a callback inside another.
    void refuse_at_once(client::CallbackSink& sink, Error error) const;

    Result<ChatCompletion> chat(const ChatRequest& request, const CallOptions& options);
    Result<RawResponse> request(RawRequest request, const CallOptions& options);
    std::unique_ptr<detail::StreamReader> stream(const ChatRequest& request, const CallOptions& options);
    Result<void> warm_up(const CallOptions& wanted);
    /// " at https://…" if the website of the gateway is known; else "".
    std::string where_keys_are_made() const;
    /// Removes secrets from errors that are made from an answer after its call is over.
    void scrub(Error& error, const CallOptions& options) const;
    std::vector<RegionHealth> probe(const CallOptions& options);
    void set_draining(std::string_view region, bool draining);
    void force_breaker(std::string_view region, std::optional<BreakerState> state);
    Stats stats() const;
    CostLedger ledger() const { return ledger_.snapshot(); }
    ModelCatalogue catalogue() const { return *catalogue_.get(); }
    void set_prices(const ModelCatalogue& prices) { catalogue_.amend(prices); }

    const std::shared_ptr<client::Callbacks>& callbacks() const { return callbacks_; }
    bool on_own_thread() const;
    /// Whether this is a child process after fork(): there are no threads to stop.
    bool orphaned() const { return fork_guard_.in_child(); }
    const ClientOptions& options() const { return options_; }

  private:
    class BlockingSink;
    struct ProbeRound;
    std::shared_ptr<Transport> make_transport();
    std::vector<std::shared_ptr<client::ListenerQueue>> make_listeners() const;
    /// Signals at the end of the current round, or at once outside of a round. I/O thread only.
    void signal_soon(runtime::Completion& completion);
    /// The same for the reader of a stream.
    void wake_soon(std::shared_ptr<execution::StreamQueue> queue);
    void wake_waiters();
    std::optional<Error> refuse_use() const;
    client::CallPlan make_plan(const CallOptions& options, bool stream, const ModelTraits& traits = {});
    void publish(CallRecord record);
    /// Queues the delivery for every listener.
    void announce(const client::ListenerQueue::Delivery& delivery);
    /// Calls the user's `key_source`, on its thread or through the executor.
    void fetch_key();
    void shut_down();
    /// Posts the function and waits until it has run. Not on the I/O thread.
    void run_on_clock(const std::function<void()>& function);
    /// From any thread. Logs exceptions of a user's clock, because the client's own background work does not depend on
    /// it.
    void post_quietly(std::function<void()> function);
    health::ProberHooks prober_hooks();
    HttpRequest probe_request(std::size_t region, bool deep) const;
    /// Schedules the delivery of region notices to the affected calls and listeners, after the current event is over.
    void schedule_notify();
    void tell();
    void refresh_facts(std::size_t region);
    template <class Function>
    void at_region(std::string_view region, Function function);

    const ClientOptions options_;
    runtime::ForkGuard fork_guard_;
    telemetry::Redactor redactor_;
    std::shared_ptr<const telemetry::Log> log_;
    std::vector<execution::Target> targets_;
    std::vector<std::size_t> all_regions_;
    bool keys_differ_ = false;
    std::atomic<bool> closing_{false};
    runtime::Occupancy inside_;
    std::atomic<std::uint64_t> next_seed_;

    struct Dropped {
        std::atomic<std::uint64_t> callback_calls{0};
        std::shared_ptr<std::atomic<std::uint64_t>> listener_records = std::make_shared<std::atomic<std::uint64_t>>(0);
        std::shared_ptr<std::atomic<std::uint64_t>> unread_streams = std::make_shared<std::atomic<std::uint64_t>>(0);
    } dropped_;
    std::shared_ptr<client::Callbacks> callbacks_;
    std::vector<std::shared_ptr<client::ListenerQueue>> listeners_;
    runtime::SerialExecutor key_thread_;
    std::shared_ptr<runtime::IoLoop> loop_;                         // unset if the user provides a clock
    std::vector<runtime::Completion*> to_signal_;                   // I/O thread
    std::vector<std::shared_ptr<execution::StreamQueue>> to_wake_;  // I/O thread
    std::shared_ptr<Clock> clock_;
    std::shared_ptr<Transport> transport_;
    health::RegionHealthTracker regions_;
    resilience::RetryBudget retry_budget_, hedge_budget_, canary_budget_;
    resilience::Bulkhead bulkhead_;
    resilience::Spending spending_;
    execution::Keys keys_;
    std::shared_ptr<execution::Keys*> keys_in_use_ =
        std::make_shared<execution::Keys*>(&keys_);  // released at the end; I/O thread
    telemetry::Recorder recorder_;
    accounting::SharedCatalogue catalogue_;
    accounting::Ledger ledger_;
    execution::Router router_;
    std::shared_ptr<const RetryPolicy> retry_policy_;
    execution::CallServices services_;
    client::CallRegistry registry_;
    health::Prober prober_;
    bool notifying_ = false, shut_ = false;  // I/O thread
};

}  // namespace v0
}  // namespace holysheep
