// The silent kinds need packets that are dropped, and therefore network namespaces; the others use plain sockets on
// loopback.
#include "faulty_regions.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <holysheep/testing/gateway_simulator.hpp>
#include <holysheep/testing/network_simulator.hpp>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "early_head_server.hpp"

namespace holysheep::bench {

namespace {

using namespace std::chrono_literals;
using testing::Fault;
using testing::GatewaySimulator;
using testing::NetworkSimulator;
using testing::PathConditions;

constexpr auto kForever = 120s;

ClientOptions options_for(std::string near_url, std::string far_url) {
    ClientOptions options;
    options.api_key = "sk-bench";
    options.regions = {{.id = std::string(kNear), .base_url = std::move(near_url), .tier = 0},
                       {.id = std::string(kFar), .base_url = std::move(far_url), .tier = 1}};
    options.tls.allow_plaintext = true;
    options.log.level = LogLevel::off;
    options.timeouts.total = 30s;
    return options;
}

/// Breaks every connection that it accepts: at once, or after the client has sent something.
class FaultyServer {
  public:
    explicit FaultyServer(bool after_first_bytes) : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size) != 0 || ::listen(listener_, 64) != 0)
            throw std::runtime_error("cannot listen on loopback");
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        thread_ = std::jthread([this, after_first_bytes] {
            for (;;) {
                const int client = ::accept(listener_, nullptr, nullptr);
                if (client < 0) return;
                if (after_first_bytes) {  // as a server without TLS answers input that it does not understand
                    std::array<char, 4096> hello{};
                    constexpr std::string_view kAnswer = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
                    ::recv(client, hello.data(), hello.size(), 0);
                    ::send(client, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL);
                    ::close(client);
                    continue;
                }
                const linger at_once{.l_onoff = 1, .l_linger = 0};
                ::setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
                ::close(client);
            }
        });
    }
    ~FaultyServer() {
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
    }
    FaultyServer(const FaultyServer&) = delete;
    FaultyServer& operator=(const FaultyServer&) = delete;
    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/v1"; }

  private:
    int listener_;
    std::uint16_t port_ = 0;
    std::jthread thread_;
};

class LoopbackRegions final : public FaultyRegions {
  public:
    explicit LoopbackRegions(FaultKind kind) : FaultyRegions(kind), faulty_server_(kind == FaultKind::tls_failure) {}
    ClientOptions options() const override {
        auto near_url = answers_before_fault() ? gateway_.base_url(kNear) : faulty_server_.url();
        if (kind() == FaultKind::tls_failure) near_url.insert(4, "s");
        return options_for(std::move(near_url), gateway_.base_url(kFar));
    }
    void inject_fault() override {
        switch (kind()) {
            case FaultKind::refused: gateway_.set_fault(kNear, {.kind = Fault::Kind::refuse}); break;
            case FaultKind::reset_after_request:
                gateway_.set_fault(kNear, {.kind = Fault::Kind::reset_before_headers});
                break;
            case FaultKind::status_503: gateway_.set_fault(kNear, {.kind = Fault::Kind::status, .status = 503}); break;
            case FaultKind::status_429:
                gateway_.set_fault(kNear,
                                   {.kind = Fault::Kind::status, .status = 429, .headers = {{"retry-after", "1"}}});
                break;
            default: break;  // broken from the start
        }
    }
    void recover() override { gateway_.revive(kNear); }
    bool answers_before_fault() const override {
        return kind() != FaultKind::reset && kind() != FaultKind::tls_failure;
    }

  private:
    GatewaySimulator gateway_{{{.id = std::string(kNear)}, {.id = std::string(kFar)}}, {.record = false}};
    FaultyServer faulty_server_;
};

class NamespaceRegions final : public FaultyRegions {
  public:
    explicit NamespaceRegions(FaultKind kind) : FaultyRegions(kind), network_({std::string(kNear), std::string(kFar)}) {
        for (std::size_t i = 0; const auto id : {kNear, kFar}) {
            network_.set_path(id, {.delay = kRoundTrip / 2});
            network_.inside(id, [&] {
                gateways_[i] = std::make_unique<GatewaySimulator>(
                    std::vector{testing::SimulatedRegion{.id = std::string(id), .host = network_.address(id)}},
                    testing::SimulatorOptions{.record = false});
            });
            ++i;
        }
        if (kind != FaultKind::path_black_hole_after_head) return;
        network_.inside(kNear, [&] { early_server_ = std::make_unique<EarlyHeadServer>(network_.address(kNear)); });
    }
    ClientOptions options() const override {
        return options_for(early_server_ ? early_server_->base_url() : gateways_[0]->base_url(kNear),
                           gateways_[1]->base_url(kFar));
    }
    void inject_fault() override {
        switch (kind()) {
            case FaultKind::syn_black_hole:
                gateways_[0]->reset_connections(kNear);
                std::this_thread::sleep_for(2 * kRoundTrip);  // gives the resets time to arrive
                network_.set_path(kNear, {.delay = kRoundTrip / 2, .drop_syn = true});
                break;
            case FaultKind::path_black_hole: network_.set_path(kNear, {.drop = true}); break;
            case FaultKind::path_black_hole_after_head:
                early_server_->on_early_head([this] {
                    std::this_thread::sleep_for(kRoundTrip * 3 / 5);  // gives the head time to arrive
                    network_.set_path(kNear, {.drop = true});
                });
                break;
            case FaultKind::frozen_after_head:
                gateways_[0]->set_thinking(kNear, kForever);
                gateways_[0]->set_fault(kNear, {.kind = Fault::Kind::hang, .path = "models"});
                break;
            case FaultKind::frozen_mid_stream:
                gateways_[0]->set_stream(kNear, 2, kForever);
                gateways_[0]->set_fault(kNear, {.kind = Fault::Kind::hang, .path = "models"});
                break;
            default: gateways_[0]->set_fault(kNear, {.kind = Fault::Kind::hang});
        }
    }
    void recover() override {
        network_.set_path(kNear, {.delay = kRoundTrip / 2});
        gateways_[0]->revive(kNear);
        gateways_[0]->set_thinking(kNear, 0ms);
        gateways_[0]->set_stream(kNear, 8, 0ms);
        gateways_[0]->reset_connections(kNear);
        if (early_server_) early_server_->close_connections();
    }

  private:
    NetworkSimulator network_;
    std::array<std::unique_ptr<GatewaySimulator>, 2> gateways_;
    std::unique_ptr<EarlyHeadServer> early_server_;  // replaces the nearer region
};

struct KindName {
    FaultKind kind;
    std::string_view name;
};
constexpr std::array kKindNames{KindName{FaultKind::refused, "refused"},
                                KindName{FaultKind::reset, "reset"},
                                KindName{FaultKind::reset_after_request, "reset_after_request"},
                                KindName{FaultKind::status_503, "status_503"},
                                KindName{FaultKind::status_429, "status_429"},
                                KindName{FaultKind::tls_failure, "tls_failure"},
                                KindName{FaultKind::syn_black_hole, "syn_black_hole"},
                                KindName{FaultKind::path_black_hole, "path_black_hole"},
                                KindName{FaultKind::frozen, "frozen"},
                                KindName{FaultKind::frozen_after_head, "frozen_after_head"},
                                KindName{FaultKind::frozen_mid_stream, "frozen_mid_stream"},
                                KindName{FaultKind::path_black_hole_after_head, "path_black_hole_after_head"}};

}  // namespace

std::span<const FaultKind> all_faults() {
    static constexpr auto kinds = [] {
        std::array<FaultKind, kKindNames.size()> all{};
        for (std::size_t i = 0; i < all.size(); ++i) all[i] = kKindNames[i].kind;
        return all;
    }();
    return kinds;
}

std::string_view to_string(FaultKind kind) {
    for (const auto& named : kKindNames) {
        if (named.kind == kind) return named.name;
    }
    return "";
}

bool silent(FaultKind kind) { return kind >= FaultKind::syn_black_hole; }
bool hits_single_call(FaultKind kind) { return kind == FaultKind::path_black_hole_after_head; }

std::unique_ptr<FaultyRegions> FaultyRegions::make(FaultKind kind) {
    if (silent(kind)) return std::make_unique<NamespaceRegions>(kind);
    return std::make_unique<LoopbackRegions>(kind);
}

}  // namespace holysheep::bench
