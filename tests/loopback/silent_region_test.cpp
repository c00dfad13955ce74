// A region freezes at each moment of an answer, and its probes with it. Over each protocol, direct and through proxies,
// the other region answers the call, or the stream ends, long before any of its timeouts.
// Client ⇄ [proxy] ⇄ [nginx: TLS, HTTP/2] ⇄ GatewaySimulator
#include <chrono>
#include <cstdlib>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "gateway_under_test.hpp"
#include "nginx_front.hpp"
#include "real_proxy.hpp"
#include "transport/curl_handle.hpp"

namespace {

using namespace holysheep;
using namespace holysheep::loopback;
using holysheep::testing::FreezeAt;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using Clock = std::chrono::steady_clock;

/// How the client reaches its regions.
enum class Route { http1, tls_http1, tls_http2, http1_by_proxy, tls_http2_by_tunnel };

std::string to_string(Route route) {
    switch (route) {
        case Route::http1: return "http1";
        case Route::tls_http1: return "tls_http1";
        case Route::tls_http2: return "tls_http2";
        case Route::http1_by_proxy: return "http1_by_proxy";
        case Route::tls_http2_by_tunnel: break;
    }
    return "tls_http2_by_tunnel";
}

const std::string kFar = "far";
// One region for each form of a call, because a frozen region answers no other call.
const std::vector<std::string> kForms{"plain", "raw", "stream", "restart"};

bool has_content(FreezeAt at) { return at >= FreezeAt::after_content; }

class SilentRegion : public ::testing::TestWithParam<std::tuple<Route, FreezeAt>> {
  protected:
    void SetUp() override {
        const auto route = std::get<Route>(GetParam());
        tls_ = route != Route::http1 && route != Route::http1_by_proxy;
        http2_ = route == Route::tls_http2 || route == Route::tls_http2_by_tunnel;
        if (route != Route::http1) {
            HOLYSHEEP_SKIP_WITHOUT("nginx");
        }
        if (tls_) {
            HOLYSHEEP_SKIP_WITHOUT("openssl");
        }
        if (route == Route::tls_http2_by_tunnel) {
            HOLYSHEEP_SKIP_WITHOUT_TOOL("tinyproxy");
        }
        if (http2_ && transport::drops_paused_http2(curl_version_info(CURLVERSION_NOW)->version_num))
            GTEST_SKIP() << "HTTP/2 is not spoken with libcurl 8.5.0: any other version would enable it";
        if (tls_) start_nginx();
        if (route == Route::http1_by_proxy) {
            proxy_ = std::make_unique<NginxFront>(proxy_folder_, std::vector<std::string>{"proxy"},
                                                  [](const NginxFront& nginx) {
                                                      return "server { listen " + nginx.address("proxy") +
                                                             "; location / { proxy_pass http://$http_host$request_uri; "
                                                             "proxy_http_version 1.1; proxy_buffering off; } }\n";
                                                  });
            proxy_url_ = "http://" + proxy_->address("proxy");
        }
        if (route == Route::tls_http2_by_tunnel) {
            tunnels_ = std::make_unique<RealProxy>(proxy_folder_, "tinyproxy", tinyproxy(proxy_folder_));
            proxy_url_ = "http://" + tunnels_->address();
        }
    }

    FreezeAt at() const { return std::get<FreezeAt>(GetParam()); }
    /// Comments continue for 1.6 s before the silence, so the limit is later.
    std::chrono::milliseconds adjusted_limit(std::chrono::milliseconds limit) const {
        return at() == FreezeAt::amid_comments ? limit + 1600ms : limit;
    }

    ClientOptions options(const std::string& near) const {
        const auto region = [&](const std::string& id) {
            return nginx_ ? nginx_->region(id) : Region{.id = id, .base_url = gateway_.base_url(id)};
        };
        auto options = options_for({region(near), region(kFar)});
        options.health.enabled = true;
        options.http2 = http2_;
        options.proxy.url = proxy_url_;
        if (certificates_) options.tls.ca_file = certificates_->path("ca.crt");
        return options;
    }
    /// Returns a client that has used this region, which will freeze at the next call.
    std::unique_ptr<Client> client_before_the_freeze(const std::string& near) {
        auto client = std::make_unique<Client>(options(near));
        const auto answer = client->chat(question());
        EXPECT_EQ(answer ? answer->region : answer.error().message, near);
        // If no probe was ever answered, unanswered probes would prove nothing.
        const auto probed = [&] { return client->stats().regions[0].health.probe.has_value(); };
        for (int i = 0; i < 3'000 && !probed(); ++i) std::this_thread::sleep_for(10ms);
        EXPECT_TRUE(probed());
        gateway_.set_fault(near, {.kind = Kind::freeze, .at = at(), .path = "chat"});
        return client;
    }

    template <class Answer>
    void expect_rescue(const Result<Answer>& answer, Clock::duration took) {
        ASSERT_THAT(answer, IsOk());
        EXPECT_EQ(answer->region, kFar);
        EXPECT_LE(took, adjusted_limit(4s)) << describe(answer->attempts);
        ASSERT_EQ(answer->attempts.size(), 2U) << describe(answer->attempts);
        EXPECT_THAT(answer->attempts[0].left, StartsWith("silent ")) << describe(answer->attempts);
        // A busy machine may deliver the kernel's acknowledgement late; then that starts the second attempt.
        EXPECT_THAT(answer->attempts[0].left,
                    AnyOf(HasSubstr("; no answer to a probe"), HasSubstr("; nothing was acknowledged")));
        EXPECT_TRUE(answer->attempts[1].maybe_duplicated);
    }

    void ask_plain() {
        const auto client = client_before_the_freeze("plain");
        const auto began = Clock::now();
        const auto answer = client->chat(question());
        expect_rescue(answer, Clock::now() - began);
    }
    void ask_raw() {
        const auto client = client_before_the_freeze("raw");
        const auto began = Clock::now();
        const auto answer = client->request(
            {.method = "POST",
             .path = "/chat/completions",
             .body_json = R"({"model":"gpt-4.1","messages":[{"role":"user","content":"hello sheep"}]})"});
        expect_rescue(answer, Clock::now() - began);
    }
    void stream() {
        const auto client = client_before_the_freeze("stream");
        const auto began = Clock::now();
        const auto result = client->stream_to(question(), [](const ChatChunk&) {});
        const auto took = Clock::now() - began;
        if (!has_content(at())) {
            expect_rescue(result, took);
            return;
        }
        ASSERT_THAT(result, FailsWith(ErrorCode::stream_stalled));
        EXPECT_LE(took, 3s);
        ASSERT_TRUE(result.error().partial);
        EXPECT_THAT(result.error().partial->text(), Not(IsEmpty()));
        EXPECT_THAT(result.error().attempts[0].left, StartsWith("silent in mid-answer for "));
        EXPECT_EQ(result.error().attempts.size(), 1U);
    }
    void stream_and_restart() {
        const auto client = client_before_the_freeze("restart");
        CallOptions call;
        call.stream_recovery = StreamRecovery::restart;
        bool restarted = false;
        const auto began = Clock::now();
        const auto result = client->stream_to(question(), call, [&](const ChatChunk& chunk) {
            restarted = restarted || chunk.event == ChunkEvent::restarted;
        });
        const auto took = Clock::now() - began;
        ASSERT_THAT(result, IsOk());
        EXPECT_THAT(result->text(), StartsWith("[far] hello sheep"));
        EXPECT_LE(took, adjusted_limit(3s)) << describe(result->attempts);
        EXPECT_EQ(restarted, has_content(at()));
    }

    GatewaySimulator& gateway() { return gateway_; }

  private:
    void start_nginx() {
        certificates_ = std::make_unique<Certificates>(folder_);
        certificates_->issue("good", "IP:127.0.0.1");
        auto ids = kForms;
        ids.push_back(kFar);
        nginx_ = std::make_unique<NginxFront>(folder_, ids, [&](const NginxFront& nginx) {
            std::string servers;
            for (const auto& id : ids) {
                servers += "server { listen " + nginx.address(id) + (http2_ ? " ssl http2" : " ssl") +
                           "; ssl_certificate " + folder_.path("good.crt") + "; ssl_certificate_key " +
                           folder_.path("good.key") +
                           "; location / { proxy_pass http://127.0.0.1:" + std::to_string(gateway_.port(id)) +
                           "; proxy_http_version 1.1; proxy_buffering off; } }\n";
            }
            return servers;
        });
    }

    bool tls_ = false, http2_ = false;
    std::string proxy_url_;
    ScratchFolder folder_, proxy_folder_;
    GatewaySimulator gateway_{{SimulatedRegion{.id = "plain"}, SimulatedRegion{.id = "raw"},
                               SimulatedRegion{.id = "stream"}, SimulatedRegion{.id = "restart"},
                               SimulatedRegion{.id = kFar}}};
    std::unique_ptr<Certificates> certificates_;
    std::unique_ptr<NginxFront> nginx_, proxy_;
    std::unique_ptr<RealProxy> tunnels_;
};

INSTANTIATE_TEST_SUITE_P(Routes, SilentRegion,
                         ::testing::Combine(::testing::Values(Route::http1, Route::tls_http1, Route::tls_http2,
                                                              Route::http1_by_proxy, Route::tls_http2_by_tunnel),
                                            ::testing::ValuesIn(holysheep::testing::kFreezeMoments)),
                         [](const auto& tested) {
                             return to_string(std::get<Route>(tested.param)) + "_" +
                                    std::string(to_string(std::get<FreezeAt>(tested.param)));
                         });

/// Tests all forms at once, since each waits for its own silence.
TEST_P(SilentRegion, IsLeftByCallsOfEveryForm) {
    std::vector<std::future<void>> forms;
    forms.push_back(std::async(std::launch::async, [this] { ask_plain(); }));
    forms.push_back(std::async(std::launch::async, [this] { ask_raw(); }));
    forms.push_back(std::async(std::launch::async, [this] { stream(); }));
    forms.push_back(std::async(std::launch::async, [this] { stream_and_restart(); }));
    for (auto& form : forms) form.get();
}

}  // namespace
