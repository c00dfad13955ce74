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

constexpr auto kForEver = 120s;

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
class Spoiler {
  public:
    explicit Spoiler(bool after_hello) : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size) != 0 || ::listen(listener_, 64) != 0)
            throw std::runtime_error("no port for a server");
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        thread_ = std::jthread([this, after_hello] {
            for (;;) {
                const int client = ::accept(listener_, nullptr, nullptr);
                if (client < 0) return;
                if (after_hello) {  // as a server without TLS answers input that it does not understand
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
    ~Spoiler() {
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
    }
    Spoiler(const Spoiler&) = delete;
    Spoiler& operator=(const Spoiler&) = delete;
    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/v1"; }

  private:
    int listener_;
    std::uint16_t port_ = 0;
    std::jthread thread_;
};

class OnLoopback final : public FaultyRegions {
  public:
    explicit OnLoopback(FaultKind kind) : FaultyRegions(kind), spoiler_(kind == FaultKind::tls_failure) {}
    ClientOptions options() const override {
        auto near_url = can_be_warmed() ? gateway_.base_url(kNear) : spoiler_.url();
        if (kind() == FaultKind::tls_failure) near_url.insert(4, "s");
        return options_for(std::move(near_url), gateway_.base_url(kFar));
    }
    void break_it() override {
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
    void mend() override { gateway_.revive(kNear); }
    bool can_be_warmed() const override { return kind() != FaultKind::reset && kind() != FaultKind::tls_failure; }

  private:
    GatewaySimulator gateway_{{{.id = std::string(kNear)}, {.id = std::string(kFar)}}, {.record = false}};
    Spoiler spoiler_;
};

class InNamespaces final : public FaultyRegions {
  public:
    explicit InNamespaces(FaultKind kind) : FaultyRegions(kind), network_({std::string(kNear), std::string(kFar)}) {
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
        network_.inside(kNear, [&] { early_ = std::make_unique<EarlyHeadServer>(network_.address(kNear)); });
    }
    ClientOptions options() const override {
        return options_for(early_ ? early_->base_url() : gateways_[0]->base_url(kNear), gateways_[1]->base_url(kFar));
    }
    void break_it() override {
        switch (kind()) {
            case FaultKind::syn_black_hole:
                gateways_[0]->reset_connections(kNear);
                std::this_thread::sleep_for(2 * kRoundTrip);  // gives the resets time to arrive
                network_.set_path(kNear, {.delay = kRoundTrip / 2, .drop_syn = true});
                break;
            case FaultKind::path_black_hole: network_.set_path(kNear, {.drop = true}); break;
            case FaultKind::path_black_hole_after_head:
                early_->on_early_head([this] {
                    std::this_thread::sleep_for(kRoundTrip * 3 / 5);  // gives the head time to arrive
                    network_.set_path(kNear, {.drop = true});
                });
                break;
            case FaultKind::frozen_after_head:
                gateways_[0]->set_thinking(kNear, kForEver);
                gateways_[0]->set_fault(kNear, {.kind = Fault::Kind::hang, .path = "models"});
                break;
            case FaultKind::frozen_mid_stream:
                gateways_[0]->set_stream(kNear, 2, kForEver);
                gateways_[0]->set_fault(kNear, {.kind = Fault::Kind::hang, .path = "models"});
                break;
            default: gateways_[0]->set_fault(kNear, {.kind = Fault::Kind::hang});
        }
    }
    void mend() override {
        network_.set_path(kNear, {.delay = kRoundTrip / 2});
        gateways_[0]->revive(kNear);
        gateways_[0]->set_thinking(kNear, 0ms);
        gateways_[0]->set_stream(kNear, 8, 0ms);
        gateways_[0]->reset_connections(kNear);
        if (early_) early_->close_connections();
    }

  private:
    NetworkSimulator network_;
    std::array<std::unique_ptr<GatewaySimulator>, 2> gateways_;
    std::unique_ptr<EarlyHeadServer> early_;  // replaces the nearer region
};

struct Named {
    FaultKind kind;
    std::string_view name;
};
constexpr std::array kNamed{Named{FaultKind::refused, "refused"},
                            Named{FaultKind::reset, "reset"},
                            Named{FaultKind::reset_after_request, "reset_after_request"},
                            Named{FaultKind::status_503, "status_503"},
                            Named{FaultKind::status_429, "status_429"},
                            Named{FaultKind::tls_failure, "tls_failure"},
                            Named{FaultKind::syn_black_hole, "syn_black_hole"},
                            Named{FaultKind::path_black_hole, "path_black_hole"},
                            Named{FaultKind::frozen, "frozen"},
                            Named{FaultKind::frozen_after_head, "frozen_after_head"},
                            Named{FaultKind::frozen_mid_stream, "frozen_mid_stream"},
                            Named{FaultKind::path_black_hole_after_head, "path_black_hole_after_head"}};

}  // namespace

std::span<const FaultKind> all_faults() {
    static constexpr auto kinds = [] {
        std::array<FaultKind, kNamed.size()> all{};
        for (std::size_t i = 0; i < all.size(); ++i) all[i] = kNamed[i].kind;
        return all;
    }();
    return kinds;
}

std::string_view to_string(FaultKind kind) {
    for (const auto& named : kNamed) {
        if (named.kind == kind) return named.name;
    }
    return "";
}

bool silent(FaultKind kind) { return kind >= FaultKind::syn_black_hole; }
bool strikes_one(FaultKind kind) { return kind == FaultKind::path_black_hole_after_head; }

std::unique_ptr<FaultyRegions> FaultyRegions::make(FaultKind kind) {
    if (silent(kind)) return std::make_unique<InNamespaces>(kind);
    return std::make_unique<OnLoopback>(kind);
}

}  // namespace holysheep::bench
