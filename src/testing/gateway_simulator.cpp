// Implements the public class: owns the loop thread, and runs every change on it.
// any thread → [GatewaySimulator] → loop thread → SimulatedGateway
#include <holysheep/testing/gateway_simulator.hpp>

#include <algorithm>
#include <stdexcept>

#include "libevent/loop_thread.hpp"
#include "testing/http_request_parser.hpp"
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
    libevent::LoopThread loop_;  // outlives the gateways, whose events belong to its base
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

void GatewaySimulator::set_late_head(std::string_view id, bool late_head) {
    impl_->change(id, [late_head](SimulatedGateway& gateway) { gateway.set_late_head(late_head); });
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
