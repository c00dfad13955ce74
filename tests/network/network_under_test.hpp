// Fixture of the tests on a simulated network: two regions, each a gateway in its own network namespace, and a client
// that prefers the first.
// Client ⇄ NetworkSimulator ⇄ [NginxFront: TLS, HTTP/2] ⇄ GatewaySimulator
#pragma once

#include <cstdlib>
#include <functional>
#include <future>
#include <holysheep/testing/network_simulator.hpp>
#include <map>
#include <memory>
#include <thread>

#include "gateway_under_test.hpp"
#include "nginx_front.hpp"

namespace holysheep::network {

using namespace std::chrono_literals;
using holysheep::loopback::Certificates;
using holysheep::loopback::Counter;
using holysheep::loopback::kTestTimeout;
using holysheep::loopback::NginxFront;
using holysheep::loopback::question;
using holysheep::loopback::ScratchFolder;
using holysheep::testing::GatewaySimulator;
using holysheep::testing::IsOk;
using holysheep::testing::NetworkSimulator;
using holysheep::testing::PathConditions;
using holysheep::testing::PathDirection;
using Kind = holysheep::testing::Fault::Kind;

/// The protocol between the client and the regions.
enum class Protocol { http1, tls_http1, tls_http2 };
inline std::string to_string(Protocol protocol) {
    switch (protocol) {
        case Protocol::http1: return "http1";
        case Protocol::tls_http1: return "tls_http1";
        case Protocol::tls_http2: break;
    }
    return "tls_http2";
}

inline const std::string kNear = "us-west", kFar = "eu-central";

/// Polls `condition` for up to 30 s. Returns whether it became true.
inline bool eventually(const std::function<bool()>& condition) {
    for (int i = 0; i < 3'000 && !condition(); ++i) std::this_thread::sleep_for(10ms);
    return condition();
}

/// Both regions with their gateways, and the paths between them and the client.
class Regions {
  public:
    explicit Regions(Protocol protocol, std::chrono::microseconds round_trip = 20ms)
        : protocol_(protocol), network_({kNear, kFar}), round_trip_(round_trip) {
        for (const auto& id : {kNear, kFar}) {
            restore_path(id);
            network_.inside(id, [&] { open(id); });
        }
    }

    NetworkSimulator& network() { return network_; }
    GatewaySimulator& gateway(const std::string& id) { return *backends_.at(id).gateway; }
    const NginxFront& nginx(const std::string& id) const { return *backends_.at(id).nginx; }
    std::uint64_t requests(const std::string& id) { return chat_requests(id).size(); }
    /// Completion requests that arrived there, without probes.
    std::vector<holysheep::testing::SeenRequest> chat_requests(const std::string& id) {
        auto seen = gateway(id).seen(id);
        std::erase_if(seen, [](const auto& request) { return request.path.find("chat") == std::string::npos; });
        return seen;
    }

    /// Returns false on timeout.
    bool wait_for_chat_requests(const std::string& id, std::size_t count) {
        return eventually([&] { return requests(id) >= count; });
    }
    /// Starts `count` calls; all are in flight when this returns. They start in small batches: handshakes delayed by a
    /// lack of CPU time would move calls to the other region.
    std::vector<std::future<Result<ChatCompletion>>> start_concurrent_calls(Client& client, std::size_t count) {
        const auto arrived = [&] { return requests(kNear) + requests(kFar); };
        const auto before = arrived();
        std::vector<std::future<Result<ChatCompletion>>> calls;
        while (calls.size() < count) {
            for (int i = 0; i < 10; ++i) calls.push_back(client.chat_async(question()));
            EXPECT_TRUE(eventually([&] { return arrived() >= before + calls.size(); }));
        }
        return calls;
    }

    void restore_path(const std::string& id) { network_.set_path(id, {.delay = round_trip_ / 2}); }
    void cut_path(const std::string& id, PathDirection direction = PathDirection::both) {
        network_.set_path(id, {.drop = true}, direction);
    }

    ClientOptions options() const {
        ClientOptions options;
        options.api_key = loopback::kKey;
        for (int tier = 0; const auto& id : {kNear, kFar}) {
            options.regions.push_back({.id = id, .base_url = backends_.at(id).url, .tier = tier++});
        }
        options.tls = {.ca_file = certificates_ ? certificates_->path("ca.crt") : "", .allow_plaintext = true};
        options.http2 = protocol_ == Protocol::tls_http2;
        options.timeouts.total = kTestTimeout;
        options.log.level = LogLevel::off;
        options.seed = 7;
        return options;
    }

  private:
    struct Backend {
        std::string url{};
        std::unique_ptr<GatewaySimulator> gateway{};
        std::unique_ptr<ScratchFolder> folder{};
        std::unique_ptr<NginxFront> nginx{};
    };

    void open(const std::string& id) {
        auto& backend = backends_[id];
        const auto host = network_.address(id);
        const bool direct = protocol_ == Protocol::http1;
        backend.gateway = std::make_unique<GatewaySimulator>(
            std::vector{holysheep::testing::SimulatedRegion{.id = id, .host = direct ? host : "127.0.0.1"}});
        backend.url = backend.gateway->base_url(id);
        if (direct) return;
        if (!certificates_) {
            certificates_.emplace(folder_);
            certificates_->issue("good", "IP:" + network_.address(kNear) + ",IP:" + network_.address(kFar));
        }
        backend.folder = std::make_unique<ScratchFolder>();
        backend.nginx = std::make_unique<NginxFront>(
            *backend.folder, std::vector{id},
            [&](const NginxFront& nginx) {
                return "server { listen " + nginx.address(id) +
                       (protocol_ == Protocol::tls_http2 ? " ssl http2" : " ssl") + "; ssl_certificate " +
                       certificates_->path("good.crt") + "; ssl_certificate_key " + certificates_->path("good.key") +
                       "; http2_max_concurrent_streams 512; location / { proxy_pass http://127.0.0.1:" +
                       std::to_string(backend.gateway->port(id)) +
                       "; proxy_http_version 1.1; proxy_buffering off; proxy_read_timeout 60s; } }\n";
            },
            host);
        backend.url = backend.nginx->region(id).base_url;
    }

    Protocol protocol_;
    NetworkSimulator network_;
    std::chrono::microseconds round_trip_;
    ScratchFolder folder_;
    std::optional<Certificates> certificates_;
    std::map<std::string, Backend> backends_;
};

/// Skips if network namespaces are unavailable; fails instead if HOLYSHEEP_NETWORK_TESTS is "required".
class NetworkTest : public ::testing::Test {
  protected:
    void SetUp() override {
        const auto why = NetworkSimulator::unavailable();
        if (!why) return;
        const char* wanted = std::getenv("HOLYSHEEP_NETWORK_TESTS");
        if (wanted != nullptr && std::string(wanted) == "required") FAIL() << *why;
        GTEST_SKIP() << *why;
    }
};

class ProtocolTest : public NetworkTest, public ::testing::WithParamInterface<Protocol> {};
inline const auto kProtocolNames = [](const auto& info) { return to_string(info.param); };

inline std::vector<AttemptKind> kinds(const std::vector<AttemptRecord>& attempts) {
    std::vector<AttemptKind> kinds;
    for (const auto& attempt : attempts) kinds.push_back(attempt.kind);
    return kinds;
}

/// Waits until the client has measured a probe of the first region.
inline bool wait_until_probed(const Client& client) {
    return eventually([&] { return client.stats().regions[0].health.probe.has_value(); });
}

/// Sends calls until `region` answers one. Returns false on timeout.
inline bool answers_come_from(Client& client, const std::string& region) {
    return eventually([&] {
        const auto answer = client.chat(question());
        return answer && answer->region == region;
    });
}

}  // namespace holysheep::network
