// An HTTP/2 server says that it did not process a request: the client may then send it again without risk.
#include <atomic>
#include <future>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "gateway_under_test.hpp"
#include "http2_server.hpp"
#include "nginx_front.hpp"
#include "transport/curl_handle.hpp"

namespace {

using namespace holysheep;
using namespace holysheep::loopback;

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Reply = Http2Server::Reply;

class Http2 : public ::testing::Test {
  protected:
    void SetUp() override {
        if (transport::drops_paused_http2(curl_version_info(CURLVERSION_NOW)->version_num)) {
            GTEST_SKIP() << "HTTP/2 is not spoken with libcurl 8.5.0: any other version would enable it";
        }
        HOLYSHEEP_SKIP_WITHOUT("openssl");
        certificates.emplace(folder);
        certificates->issue("good", "DNS:localhost,IP:127.0.0.1");
    }
    void serve(Http2Server::Decide decide) {
        server.emplace(certificates->path("good.crt"), certificates->path("good.key"), std::move(decide));
    }
    ClientOptions client_options() const {
        auto options = options_for({server->region("a")});
        options.tls.ca_file = certificates->path("ca.crt");
        options.http2 = true;
        return options;
    }
    /// Makes `count` cost-safe calls at once, each with its own name.
    std::vector<Result<ChatCompletion>> ask(Client& client, int count, const std::string& name) {
        std::vector<std::future<Result<ChatCompletion>>> calls;
        for (int i = 0; i < count; ++i) {
            CallOptions options;
            options.cost_safe = true;
            options.idempotency_key = name + std::to_string(i);
            calls.push_back(client.chat_async(question(), options));
        }
        std::vector<Result<ChatCompletion>> answers;
        for (auto& call : calls) answers.push_back(call.get());
        return answers;
    }
    /// Each request was processed exactly once, and no attempt record marks it as possibly duplicated.
    void expect_each_done_once(const std::vector<Result<ChatCompletion>>& answers) {
        for (const auto& answer : answers) {
            ASSERT_TRUE(answer) << answer.error();
            for (const auto& attempt : answer->attempts) EXPECT_FALSE(attempt.maybe_duplicated);
        }
        std::map<std::string, int> times;
        for (const auto& name : server->processed()) ++times[name];
        for (const auto& [name, count] : times) EXPECT_EQ(count, 1) << name;
    }

    ScratchFolder folder;
    std::optional<Certificates> certificates;
    std::optional<Http2Server> server;
};

TEST_F(Http2, ARefusedStreamIsRetriedSafely) {
    // Refuses every second request of each connection, but never the first one.
    serve([](int, int request) { return request % 2 == 1 ? Reply::refuse : Reply::answer; });
    Client client(client_options());
    for (int i = 0; i < 30; ++i) expect_each_done_once(ask(client, 1, "call-" + std::to_string(i) + "-"));
    EXPECT_EQ(client.stats().regions.at(0).health.breaker, BreakerState::closed);
}

TEST_F(Http2, AStreamAboveTheLastOneOfAGoawayIsRetriedSafely) {
    constexpr int kAtOnce = 30;
    // All requests use the first connection, which half of them close: requests after the last stream are lost there.
    serve([](int connection, int request) {
        if (connection > 0 || request == 0) return Reply::answer;
        return request <= kAtOnce / 2 ? Reply::hold : Reply::go_away;
    });
    Client client(client_options());
    expect_each_done_once(ask(client, 1, "first-"));
    expect_each_done_once(ask(client, kAtOnce, "call-"));
}

TEST_F(Http2, AnAcceptedStreamOfABrokenConnectionMayHaveBeenProcessed) {
    serve([](int connection, int request) {
        return connection == 0 && request == 1 ? Reply::break_connection : Reply::answer;
    });
    Client client(client_options());
    expect_each_done_once(ask(client, 1, "first-"));
    const auto lost = ask(client, 1, "call-");
    EXPECT_THAT(lost[0], FailsWith(ErrorCode::transport_failed));
    EXPECT_THAT(lost[0].error().message, HasSubstr("cost_safe"));
    EXPECT_THAT(server->processed(), ElementsAre("first-0", "call-0"));
}

TEST_F(Http2, AServerThatRequiresHttp1GetsItForAllLaterRequests) {
    serve([](int, int) { return Reply::require_http1; });
    Client client(client_options());
    for (int i = 0; i < 10; ++i) expect_each_done_once(ask(client, 1, "call-" + std::to_string(i) + "-"));
    EXPECT_EQ(server->http1_requests(), 10);
    EXPECT_LE(server->connections(), 3) << "HTTP/2 was tried again";
}

TEST_F(Http2, OldConnectionsOfAServerThatNowRequiresHttp1AreLeft) {
    std::atomic<bool> old{true};
    serve([&](int, int) { return old ? Reply::answer : Reply::require_http1; });
    Client client(client_options());
    expect_each_done_once(ask(client, 8, "early-"));
    old = false;
    for (int i = 0; i < 20; ++i) expect_each_done_once(ask(client, 1, "late-" + std::to_string(i) + "-"));
    EXPECT_EQ(server->http1_requests(), 20);
}

TEST_F(Http2, ABusyConnectionTakesNoRequestsBeyondItsMaximumAge) {
    // The first connection's second request is never answered, so that connection is never idle.
    serve([](int connection, int request) { return connection == 0 && request == 1 ? Reply::hold : Reply::answer; });
    auto options = client_options();
    options.max_connection_age = 1s;
    Client client(options);
    expect_each_done_once(ask(client, 1, "first-"));
    std::stop_source stop;
    auto held = client.chat_async(question(), {.stop = stop.get_token()});
    const auto end = std::chrono::steady_clock::now() + 2500ms;
    int calls = 0;
    while (std::chrono::steady_clock::now() < end && server->connections() < 2) {
        expect_each_done_once(ask(client, 1, "call-" + std::to_string(calls++) + "-"));
        std::this_thread::sleep_for(20ms);
    }
    EXPECT_EQ(server->connections(), 2);
    for (int i = 0; i < 5; ++i) expect_each_done_once(ask(client, 1, "late-" + std::to_string(i) + "-"));
    EXPECT_EQ(server->connections(), 2) << "the new connection is shared";
    EXPECT_EQ(held.wait_for(0s), std::future_status::timeout) << "the request in flight was interrupted";
    stop.request_stop();
    EXPECT_THAT(held.get(), FailsWith(ErrorCode::cancelled));
}

TEST_F(Http2, ARegionThatRefusesEveryStreamFailsOver) {
    serve([](int, int) { return Reply::refuse; });
    const GatewaySimulator other({SimulatedRegion{.id = "b"}});
    auto options = client_options();
    options.regions.push_back(other.regions()[0]);
    options.regions.back().tier = 1;
    Client client(options);
    const auto answers = ask(client, 1, "call-");
    ASSERT_THAT(answers[0], IsOk());
    EXPECT_EQ(answers[0]->region, "b");
    EXPECT_FALSE(answers[0]->attempts.back().maybe_duplicated);
    EXPECT_THAT(answers[0]->attempts[0].detail, HasSubstr("REFUSED_STREAM"));
    EXPECT_THAT(server->processed(), IsEmpty());
}

TEST_F(Http2, NginxThatRecyclesItsConnectionsFailsNoCostSafeCall) {
    HOLYSHEEP_SKIP_WITHOUT("nginx");
    GatewaySimulator gateway({SimulatedRegion{.id = "us-west"}});
    const NginxFront nginx(folder, {"brief"}, [&](const NginxFront& front) {
        return "keepalive_requests 5; server { listen " + front.address("brief") + " ssl http2; ssl_certificate " +
               folder.path("good.crt") + "; ssl_certificate_key " + folder.path("good.key") +
               "; location / { proxy_pass http://127.0.0.1:" + std::to_string(gateway.port("us-west")) + "; } }\n";
    });
    auto options = options_for({nginx.region("brief")});
    options.tls.ca_file = certificates->path("ca.crt");
    options.http2 = true;
    Client client(options);
    for (int round = 0; round < 40; ++round) {
        for (const auto& answer : ask(client, 8, "call-" + std::to_string(round) + "-")) ASSERT_THAT(answer, IsOk());
    }
    std::map<std::string, int> times;
    for (const auto& seen : gateway.seen()) ++times[std::string(seen.header("Idempotency-Key"))];
    EXPECT_EQ(times.size(), 320u);
    for (const auto& [name, count] : times) EXPECT_EQ(count, 1) << name;
}

}  // namespace
