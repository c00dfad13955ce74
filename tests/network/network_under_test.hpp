// What the tests on real packets share: two regions, each in a network namespace of its own with a gateway in it, and a
// client that prefers the first.
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
using holysheep::loopback::kPatience;
using holysheep::loopback::NginxFront;
using holysheep::loopback::question;
using holysheep::loopback::ScratchFolder;
using holysheep::loopback::story;
using holysheep::testing::GatewaySimulator;
using holysheep::testing::IsOk;
using holysheep::testing::NetworkSimulator;
using holysheep::testing::PathConditions;
using holysheep::testing::PathDirection;
using Kind = holysheep::testing::Fault::Kind;

/// What the client speaks with the regions.
enum class Wire { http1, tls_http1, tls_http2 };
inline std::string to_string(Wire wire) {
    switch (wire) {
        case Wire::http1: return "http1";
        case Wire::tls_http1: return "tls_http1";
        case Wire::tls_http2: break;
    }
    return "tls_http2";
}

inline const std::string kNear = "us-west", kFar = "eu-central";

/// Looks again and again; false if it did not come true in time.
inline bool comes_true(const std::function<bool()>& condition) {
    for (int i = 0; i < 3'000 && !condition(); ++i) std::this_thread::sleep_for(10ms);
    return condition();
}

class Regions {
  public:
    explicit Regions(Wire wire, std::chrono::microseconds round_trip = 20ms)
        : wire_(wire), network_({kNear, kFar}), round_trip_(round_trip) {
        for (const auto& id : {kNear, kFar}) {
            restore(id);
            network_.inside(id, [&] { open(id); });
        }
    }

    NetworkSimulator& network() { return network_; }
    GatewaySimulator& gateway(const std::string& id) { return *places_.at(id).gateway; }
    const NginxFront& nginx(const std::string& id) const { return *places_.at(id).nginx; }
    std::uint64_t requests(const std::string& id) { return chats(id).size(); }
    /// Requests for completions that got there, without probes.
    std::vector<holysheep::testing::SeenRequest> chats(const std::string& id) {
        auto seen = gateway(id).seen(id);
        std::erase_if(seen, [](const auto& request) { return request.path.find("chat") == std::string::npos; });
        return seen;
    }

    /// False if they did not come in time.
    bool wait_for_chats(const std::string& id, std::size_t count) {
        return comes_true([&] { return requests(id) >= count; });
    }
    /// That many calls at once, all of which wait for an answer when this returns; in small steps, since handshakes
    /// must not be late for lack of a processor. One that is goes to the other region.
    std::vector<std::future<Result<ChatCompletion>>> ask_at_once(Client& client, std::size_t count) {
        const auto arrived = [&] { return requests(kNear) + requests(kFar); };
        const auto before = arrived();
        std::vector<std::future<Result<ChatCompletion>>> calls;
        while (calls.size() < count) {
            for (int i = 0; i < 10; ++i) calls.push_back(client.chat_async(question()));
            EXPECT_TRUE(comes_true([&] { return arrived() >= before + calls.size(); }));
        }
        return calls;
    }

    void restore(const std::string& id) { network_.set_path(id, {.delay = round_trip_ / 2}); }
    void lose(const std::string& id, PathDirection direction = PathDirection::both) {
        network_.set_path(id, {.drop = true}, direction);
    }

    ClientOptions options() const {
        ClientOptions options;
        options.api_key = loopback::kKey;
        for (int tier = 0; const auto& id : {kNear, kFar}) {
            options.regions.push_back({.id = id, .base_url = places_.at(id).url, .tier = tier++});
        }
        options.tls = {.ca_file = certificates_ ? certificates_->path("ca.crt") : "", .allow_plaintext = true};
        options.http2 = wire_ == Wire::tls_http2;
        options.timeouts.total = kPatience;
        options.log.level = LogLevel::off;
        options.seed = 7;
        return options;
    }

  private:
    struct Place {
        std::string url{};
        std::unique_ptr<GatewaySimulator> gateway{};
        std::unique_ptr<ScratchFolder> folder{};
        std::unique_ptr<NginxFront> nginx{};
    };

    void open(const std::string& id) {
        auto& place = places_[id];
        const auto host = network_.address(id);
        const bool direct = wire_ == Wire::http1;
        place.gateway = std::make_unique<GatewaySimulator>(
            std::vector{holysheep::testing::SimulatedRegion{.id = id, .host = direct ? host : "127.0.0.1"}});
        place.url = place.gateway->base_url(id);
        if (direct) return;
        if (!certificates_) {
            certificates_.emplace(folder_);
            certificates_->issue("good", "IP:" + network_.address(kNear) + ",IP:" + network_.address(kFar));
        }
        place.folder = std::make_unique<ScratchFolder>();
        place.nginx = std::make_unique<NginxFront>(
            *place.folder, std::vector{id},
            [&](const NginxFront& nginx) {
                return "server { listen " + nginx.address(id) + (wire_ == Wire::tls_http2 ? " ssl http2" : " ssl") +
                       "; ssl_certificate " + certificates_->path("good.crt") + "; ssl_certificate_key " +
                       certificates_->path("good.key") +
                       "; http2_max_concurrent_streams 512; location / { proxy_pass http://127.0.0.1:" +
                       std::to_string(place.gateway->port(id)) +
                       "; proxy_http_version 1.1; proxy_buffering off; proxy_read_timeout 60s; } }\n";
            },
            host);
        place.url = place.nginx->region(id).base_url;
    }

    Wire wire_;
    NetworkSimulator network_;
    std::chrono::microseconds round_trip_;
    ScratchFolder folder_;
    std::optional<Certificates> certificates_;
    std::map<std::string, Place> places_;
};

/// Skips where namespaces cannot be had, unless the environment says that they must be (HOLYSHEEP_NETWORK_TESTS).
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

class OverEachWire : public NetworkTest, public ::testing::WithParamInterface<Wire> {};
inline const auto kWireNames = [](const auto& info) { return to_string(info.param); };

inline std::vector<AttemptKind> kinds(const std::vector<AttemptRecord>& attempts) {
    std::vector<AttemptKind> kinds;
    for (const auto& attempt : attempts) kinds.push_back(attempt.kind);
    return kinds;
}

/// Waits until the client has seen how long a probe of the first region takes.
inline bool probed(const Client& client) {
    return comes_true([&] { return client.stats().regions[0].health.probe.has_value(); });
}

/// Asks until the answer comes from there.
inline bool answers_come_from(Client& client, const std::string& region) {
    return comes_true([&] {
        const auto answer = client.chat(question());
        return answer && answer->region == region;
    });
}

}  // namespace holysheep::network
