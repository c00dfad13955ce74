// The public face: owns the loop's thread, and carries every change over to it.
// any thread → [GatewaySimulator] → loop thread → SimulatedGateway
#include <holysheep/testing/gateway_simulator.hpp>

#include <algorithm>
#include <csignal>
#include <functional>
#include <future>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "testing/http_request_parser.hpp"
#include "testing/libevent_handles.hpp"
#include "testing/simulated_gateway.hpp"

namespace holysheep {
inline namespace v0 {
namespace testing {
namespace {

void check_ids(const std::vector<SimulatedRegion>& regions) {
    if (regions.empty()) throw std::invalid_argument("gateway simulator: no region was given");
    for (const auto& region : regions) {
        if (region.id.empty()) throw std::invalid_argument("gateway simulator: a region has no id");
        if (std::count_if(regions.begin(), regions.end(), [&](const auto& other) { return other.id == region.id; }) > 1)
            throw std::invalid_argument("gateway simulator: two regions are called '" + region.id + "'");
    }
}

/// An event loop on a thread of its own, which runs functions that other threads hand it.
class LoopThread {
  public:
    LoopThread() : base_(event_base_new()) {
        if (!base_ || evutil_socketpair(AF_UNIX, SOCK_STREAM, 0, wake_) != 0)
            throw std::runtime_error("gateway simulator: no event loop");
        for (const evutil_socket_t end : wake_) {
            evutil_make_socket_nonblocking(end);
            evutil_make_socket_closeonexec(end);
        }
        waker_.reset(event_new(
            base_.get(), wake_[0], EV_READ | EV_PERSIST,
            [](evutil_socket_t, short, void* self) { static_cast<LoopThread*>(self)->run_tasks(); }, this));
        event_add(waker_.get(), nullptr);
    }
    ~LoopThread() {
        stop();
        waker_.reset();
        for (const evutil_socket_t end : wake_) evutil_closesocket(end);
    }
    LoopThread(const LoopThread&) = delete;
    LoopThread& operator=(const LoopThread&) = delete;

    event_base* base() { return base_.get(); }

    void start() {
        thread_ = std::jthread([base = base_.get()] {
            // A client that left must cost the simulator an error, not the process its life.
            sigset_t pipe;
            sigemptyset(&pipe);
            sigaddset(&pipe, SIGPIPE);
            pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
            event_base_loop(base, EVLOOP_NO_EXIT_ON_EMPTY);
        });
    }

    /// Runs the function on the loop's thread and returns when it ran; passes its exception on.
    void run(std::function<void()> function) {
        std::packaged_task<void()> task(std::move(function));
        std::future<void> done = task.get_future();
        {
            std::lock_guard lock(mutex_);
            tasks_.push_back(std::move(task));
        }
        const char one = 1;
        ::send(wake_[1], &one, 1, 0);
        done.get();
    }

    void stop() {
        if (!thread_.joinable()) return;
        run([base = base_.get()] { event_base_loopbreak(base); });
        thread_.join();
    }

  private:
    void run_tasks() {
        char drop[64];
        while (::recv(wake_[0], drop, sizeof drop, 0) > 0) {
        }
        std::vector<std::packaged_task<void()>> tasks;
        {
            std::lock_guard lock(mutex_);
            tasks.swap(tasks_);
        }
        for (auto& task : tasks) task();
    }

    EventBase base_;
    evutil_socket_t wake_[2] = {-1, -1};
    Event waker_;
    std::mutex mutex_;  // guards tasks_
    std::vector<std::packaged_task<void()>> tasks_;
    std::jthread thread_;
};

}  // namespace

class GatewaySimulator::Impl {
  public:
    Impl(std::vector<SimulatedRegion> regions, SimulatorOptions options) : options_(std::move(options)) {
        check_ids(regions);
        std::uint64_t seed = options_.seed;
        for (auto& region : regions)
            gateways_.push_back(std::make_unique<SimulatedGateway>(loop_.base(), std::move(region), options_, seed++));
        loop_.start();
    }
    ~Impl() {
        loop_.stop();
        gateways_.clear();
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    const std::vector<std::unique_ptr<SimulatedGateway>>& gateways() const { return gateways_; }

    SimulatedGateway& gateway(std::string_view id) const {
        for (const auto& gateway : gateways_)
            if (gateway->id() == id) return *gateway;
        throw std::out_of_range("gateway simulator: there is no region '" + std::string(id) + "'");
    }

    template <class Change>
    void change(std::string_view id, Change change) {
        SimulatedGateway& changed = gateway(id);
        loop_.run([&changed, &change] { change(changed); });
    }

  private:
    const SimulatorOptions options_;
    LoopThread loop_;  // outlives the gateways, whose events live in its base
    std::vector<std::unique_ptr<SimulatedGateway>> gateways_;
};

std::string_view SeenRequest::header(std::string_view name) const {
    for (const auto& [key, value] : headers)
        if (same_ignoring_case(key, name)) return value;
    return {};
}

GatewaySimulator::GatewaySimulator(std::vector<SimulatedRegion> regions, SimulatorOptions options)
    : impl_(std::make_unique<Impl>(std::move(regions), std::move(options))) {}
GatewaySimulator::~GatewaySimulator() = default;

std::uint16_t GatewaySimulator::port(std::string_view id) const { return impl_->gateway(id).port(); }

std::string GatewaySimulator::base_url(std::string_view id) const {
    const auto& gateway = impl_->gateway(id);
    return "http://" + gateway.host() + ":" + std::to_string(gateway.port()) + "/v1";
}

std::vector<Region> GatewaySimulator::regions() const {
    std::vector<Region> regions;
    for (const auto& gateway : impl_->gateways()) {
        Region region;
        region.id = gateway->id();
        region.base_url = base_url(gateway->id());
        regions.push_back(std::move(region));
    }
    return regions;
}

void GatewaySimulator::set_fault(std::string_view id, Fault fault) {
    impl_->change(id, [&fault](SimulatedGateway& gateway) { gateway.set_fault(std::move(fault)); });
}

void GatewaySimulator::revive(std::string_view id) { set_fault(id, {}); }

void GatewaySimulator::set_latency(std::string_view id, std::chrono::milliseconds latency) {
    impl_->change(id, [latency](SimulatedGateway& gateway) { gateway.set_latency(latency); });
}

void GatewaySimulator::set_thinking(std::string_view id, std::chrono::milliseconds thinking) {
    impl_->change(id, [thinking](SimulatedGateway& gateway) { gateway.set_thinking(thinking); });
}

void GatewaySimulator::set_stream(std::string_view id, int chunks, std::chrono::milliseconds between_chunks) {
    impl_->change(id, [=](SimulatedGateway& gateway) { gateway.set_stream(chunks, between_chunks); });
}

void GatewaySimulator::reset_connections(std::string_view id) {
    impl_->change(id, [](SimulatedGateway& gateway) { gateway.reset_connections(); });
}

std::vector<SeenRequest> GatewaySimulator::seen(std::string_view id) const {
    if (!id.empty()) return impl_->gateway(id).log().seen();
    std::vector<SeenRequest> all;
    for (const auto& gateway : impl_->gateways())
        for (auto& seen : gateway->log().seen()) all.push_back(std::move(seen));
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.when < b.when; });
    return all;
}

void GatewaySimulator::clear_seen() {
    for (const auto& gateway : impl_->gateways()) gateway->log().clear();
}

std::size_t GatewaySimulator::open_connections(std::string_view id) const {
    return impl_->gateway(id).log().counters().open;
}
std::uint64_t GatewaySimulator::connections(std::string_view id) const {
    return impl_->gateway(id).log().counters().connections;
}
std::uint64_t GatewaySimulator::requests(std::string_view id) const {
    return impl_->gateway(id).log().counters().requests;
}
std::uint64_t GatewaySimulator::early_closes(std::string_view id) const {
    return impl_->gateway(id).log().counters().early_closes;
}

bool GatewaySimulator::wait_for_requests(std::string_view id, std::uint64_t n,
                                         std::chrono::milliseconds timeout) const {
    return impl_->gateway(id).log().wait(timeout, [n](const auto& counters) { return counters.requests >= n; });
}
bool GatewaySimulator::wait_for_early_closes(std::string_view id, std::uint64_t n,
                                             std::chrono::milliseconds timeout) const {
    return impl_->gateway(id).log().wait(timeout, [n](const auto& counters) { return counters.early_closes >= n; });
}
bool GatewaySimulator::wait_until_closed(std::string_view id, std::chrono::milliseconds timeout) const {
    return impl_->gateway(id).log().wait(timeout, [](const auto& counters) { return counters.open == 0; });
}

}  // namespace testing
}  // namespace v0
}  // namespace holysheep
