// What is sent on a connection, how long it is kept, and that no request is silently sent twice.
#include <atomic>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include <holysheep/version.hpp>

#include "gateway_under_test.hpp"
#include "plain_server.hpp"

namespace {

using namespace holysheep;
using namespace holysheep::loopback;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class Connection : public ::testing::Test {
  protected:
    GatewaySimulator gateway{{SimulatedRegion{.id = "us-west"}}};
    ClientOptions options = options_for(gateway);
};

TEST_F(Connection, IsReusedBySequentialCalls) {
    Client client(options);
    for (int i = 0; i < 50; ++i) {
        const auto answer = client.chat(question());
        ASSERT_THAT(answer, IsOk());
        EXPECT_EQ(answer->attempts[0].connection_reused, i > 0);
    }
    EXPECT_EQ(gateway.connections("us-west"), 1u);
}

TEST_F(Connection, IsOpenedOncePerCallInFlightAndThenReused) {
    Client client(options);
    constexpr int kAtOnce = 32;
    for (int round = 0; round < 5; ++round) {
        std::vector<std::future<Result<ChatCompletion>>> calls;
        for (int i = 0; i < kAtOnce; ++i) calls.push_back(client.chat_async(question()));
        for (auto& call : calls) EXPECT_THAT(call.get(), IsOk());
    }
    EXPECT_LE(gateway.connections("us-west"), static_cast<std::uint64_t>(kAtOnce));
}

TEST_F(Connection, IsKeptAfterAnErrorWithABody) {
    gateway.set_fault("us-west", {.kind = Kind::status, .status = 400});
    Client client(options);
    for (int i = 0; i < 5; ++i) EXPECT_THAT(client.chat(question()), FailsWith(ErrorCode::invalid_request));
    EXPECT_EQ(gateway.connections("us-west"), 1u);
}

TEST_F(Connection, OfAFailedRegionIsKeptWhenItsErrorIsRead) {
    GatewaySimulator two({SimulatedRegion{.id = "us-west"}, SimulatedRegion{.id = "eu-central"}});
    two.set_fault("us-west", {.kind = Kind::status, .status = 503});
    Client client(options_for(two));
    for (int i = 0; i < 5; ++i) EXPECT_THAT(client.chat(question()), IsOk());
    EXPECT_EQ(two.connections("us-west"), 1u);
    EXPECT_EQ(two.connections("eu-central"), 1u);
}

TEST_F(Connection, ThatWasClosedWhileIdleFailsNoCall) {
    gateway.set_fault("us-west", {.kind = Kind::close_after_response});
    Client client(options);
    std::uint64_t attempts = 0;
    for (int i = 0; i < 200; ++i) {
        const auto answer = i % 2 == 0 ? client.chat(question()) : client.stream(question()).finish();
        ASSERT_THAT(answer, IsOk()) << "call " << i;
        attempts += answer->attempts.size();
    }
    EXPECT_LE(gateway.requests("us-west"), attempts) << "a request was sent that no attempt record shows";
}

TEST_F(Connection, ThatWasResetWhileIdleFailsNoCall) {
    Client client(options);
    for (int i = 0; i < 50; ++i) {
        ASSERT_THAT(client.chat(question()), IsOk());
        gateway.reset_connections("us-west");
    }
    EXPECT_EQ(gateway.requests("us-west"), 50u);
}

/// Answers the first request of a connection, then reads the second one and closes without an answer: libcurl would
/// resend that request by itself.
class ClosingServer {
  public:
    bool serve(int socket, const std::string& request) {
        const bool fresh = request.find("[first]") != std::string::npos || !used;
        if (!fresh) {
            used = false;
            return false;
        }
        used = true;
        return send_all(socket, http_answer("200 OK", "Content-Type: application/json\r\n", completion_json("wool")));
    }
    std::atomic<bool> used{false};
};

TEST(StaleConnection, ARetryIsRecordedAsAnAttempt) {
    ClosingServer closing;
    const PlainServer server([&](int socket, const std::string& request) { return closing.serve(socket, request); });
    Client client(options_for({server.region("a")}));
    ASSERT_THAT(client.chat(question("[first]")), IsOk());
    const auto answer = client.chat(question());
    ASSERT_THAT(answer, IsOk());
    ASSERT_THAT(outcomes(answer), ElementsAre("a transport_failed", "a ok"));
    EXPECT_TRUE(answer->attempts[0].connection_reused);
    EXPECT_FALSE(answer->attempts[1].connection_reused);
    EXPECT_TRUE(answer->attempts[1].maybe_duplicated);
    const auto requests = server.requests();
    ASSERT_THAT(requests, SizeIs(3));
    EXPECT_EQ(header_of(requests[1], "X-Holysheep-Attempt"), "1");
    EXPECT_EQ(header_of(requests[2], "X-Holysheep-Attempt"), "2");
}

TEST(StaleConnection, ACostSafeRequestIsNotSentTwice) {
    ClosingServer closing;
    const PlainServer server([&](int socket, const std::string& request) { return closing.serve(socket, request); });
    Client client(options_for({server.region("a")}));
    ASSERT_THAT(client.chat(question("[first]")), IsOk());
    EXPECT_THAT(client.chat(question(), {.cost_safe = true}), FailsWith(ErrorCode::transport_failed));
    EXPECT_THAT(server.requests(), SizeIs(2));
}

TEST(StaleConnection, AfterOneFailureCostSafeCallsReuseNoConnection) {
    ClosingServer closing;
    const PlainServer server([&](int socket, const std::string& request) { return closing.serve(socket, request); });
    Client client(options_for({server.region("a")}));
    int failed = 0;
    for (int i = 0; i < 100; ++i) {
        // The second request decides whether the server closes its connection.
        closing.used = i == 1;
        const auto answer = client.chat(question(), {.cost_safe = true});
        if (answer) continue;
        ++failed;
        EXPECT_THAT(answer.error().message, HasSubstr("cost_safe"));
        EXPECT_TRUE(answer.error().attempts[0].connection_reused);
    }
    EXPECT_EQ(failed, 1);
    EXPECT_THAT(server.requests(), SizeIs(100)) << "something was sent twice";
    ASSERT_THAT(client.chat(question()), IsOk());
}

TEST(StaleConnection, ACostSafeCallReusesOnlyARecentlyUsedConnection) {
    const PlainServer server(http_answer("200 OK", "Content-Type: application/json\r\n", completion_json("wool")));
    Client client(options_for({server.region("a")}));
    const auto reused = [&](bool cost_safe) {
        const auto answer = client.chat(question(), {.cost_safe = cost_safe});
        EXPECT_THAT(answer, IsOk());
        return answer && answer->attempts[0].connection_reused;
    };
    EXPECT_FALSE(reused(true));
    EXPECT_TRUE(reused(true));
    std::this_thread::sleep_for(2100ms);  // libcurl counts whole seconds
    EXPECT_FALSE(reused(true));
    EXPECT_TRUE(reused(false));
}

TEST(StaleConnection, MaxAttemptsOneSendsOneRequest) {
    ClosingServer closing;
    const PlainServer server([&](int socket, const std::string& request) { return closing.serve(socket, request); });
    auto options = options_for({server.region("a")});
    options.retry.max_attempts = 1;
    Client client(options);
    ASSERT_THAT(client.chat(question("[first]")), IsOk());
    EXPECT_THAT(client.chat(question()), FailsWith(ErrorCode::transport_failed));
    EXPECT_THAT(server.requests(), SizeIs(2));
}

TEST_F(Connection, CarriesTheRequiredHeadersAndNoOthers) {
    options.headers = {{"X-Team", "wool"}};
    options.regions[0].headers = {{"X-Zone", "us"}};
    Client client(options);
    CallOptions call;
    call.idempotency_key = "once-1";
    call.headers = {{"X-Call", "7"}, {"X-Team", "lamb"}};
    ASSERT_THAT(client.chat(question(), call), IsOk());
    ASSERT_THAT(client.stream(question()).finish(), IsOk());
    ASSERT_THAT(client.models(), IsOk());
    const auto seen = gateway.seen("us-west");
    ASSERT_THAT(seen, SizeIs(3));
    EXPECT_EQ(seen[0].header("User-Agent"), "holysheep-cpp/" HOLYSHEEP_VERSION);
    EXPECT_EQ(seen[0].header("Accept"), "*/*");
    EXPECT_EQ(seen[0].header("Content-Type"), "application/json");
    EXPECT_EQ(seen[0].header("Authorization"), "Bearer " + kKey);
    EXPECT_EQ(seen[0].header("X-Holysheep-Attempt"), "1");
    EXPECT_EQ(seen[0].header("Idempotency-Key"), "once-1");
    EXPECT_EQ(seen[0].header("X-Team"), "lamb") << "the call's header replaces the client's";
    EXPECT_EQ(seen[0].header("X-Zone"), "us");
    EXPECT_EQ(seen[0].header("X-Call"), "7");
    EXPECT_EQ(seen[1].header("Accept"), "text/event-stream");
    EXPECT_EQ(seen[1].header("X-Team"), "wool");
    EXPECT_THAT(seen[1].header("X-Call"), IsEmpty());
    EXPECT_THAT(seen[1].header("Idempotency-Key"), IsEmpty());
    EXPECT_EQ(seen[2].method, "GET");
    EXPECT_THAT(seen[2].header("Content-Type"), IsEmpty());
    EXPECT_THAT(seen[2].header("Content-Length"), IsEmpty());
    EXPECT_THAT(seen[2].body, IsEmpty());
    for (const auto& request : seen) {
        EXPECT_EQ(request.headers.size(), static_cast<std::size_t>(&request == &seen[0]   ? 12
                                                                   : &request == &seen[1] ? 10
                                                                                          : 8));
    }
}

TEST_F(Connection, CarriesALargeBodyWithoutExpectContinue) {
    Client client(options);
    ASSERT_THAT(client.chat(question(std::string(3'000'000, 'b'))), IsOk());
    const auto seen = gateway.seen("us-west");
    ASSERT_THAT(seen, SizeIs(1));
    EXPECT_THAT(seen[0].header("Expect"), IsEmpty());
    EXPECT_GT(std::stoul(std::string(seen[0].header("Content-Length"))), 3'000'000u);
}

TEST_F(Connection, ServesMixedMethods) {
    const PlainServer server([](int socket, const std::string& request) {
        const bool head = request.starts_with("HEAD");
        const auto answer = http_answer("200 OK", "Content-Type: application/json\r\n", completion_json("wool"));
        return send_all(socket, head ? answer.substr(0, answer.find("\r\n\r\n") + 4) : answer);
    });
    Client client(options_for({server.region("a")}));
    const std::vector<std::string> methods{"GET", "HEAD", "POST", "PUT", "HEAD", "DELETE", "PATCH", "GET", "POST"};
    for (const auto& method : methods) {
        RawRequest request{.method = method, .path = "/things"};
        if (method != "GET" && method != "HEAD") request.body_json = "{\"fleece\":\"" + method + "\"}";
        const auto answer = client.request(request);
        ASSERT_THAT(answer, IsOk()) << method;
        EXPECT_EQ(answer->body.empty(), method == "HEAD");
        ASSERT_THAT(client.chat(question()), IsOk()) << "after " << method;
    }
    const auto requests = server.requests();
    ASSERT_THAT(requests, SizeIs(2 * methods.size()));
    for (std::size_t i = 0; i < methods.size(); ++i) {
        EXPECT_TRUE(requests[2 * i].starts_with(methods[i] + " /v1/things HTTP/1.1\r\n")) << requests[2 * i];
        EXPECT_EQ(requests[2 * i].find("fleece") != std::string::npos, methods[i] != "GET" && methods[i] != "HEAD");
        EXPECT_TRUE(requests[2 * i + 1].starts_with("POST /v1/chat/completions HTTP/1.1\r\n"));
    }
}

TEST_F(Connection, SkipsInterimAnswers) {
    const PlainServer server("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" +
                             http_answer("200 OK", "X-Request-Id: r1\r\n", completion_json("wool")));
    Client client(options_for({server.region("a")}));
    const auto answer = client.chat(question());
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(answer->request_id, "r1");
    EXPECT_EQ(answer->attempts[0].http_status, 200);
}

TEST(DoneMarker, EndsAStreamBeforeTheEndOfItsBody) {
    // The announced length is longer than the body: the rest never comes.
    const PlainServer server(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 100000\r\n\r\n"
        "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"wool\"},"
        "\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n");
    Client client(options_for({server.region("a")}));
    const auto answer = client.stream(question()).finish();
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(answer->text(), "wool");
    EXPECT_FALSE(answer->done_marker_missing);
    EXPECT_LT(*answer->attempts[0].timings.total, 900ms) << "the client waited for the end of the body";
    EXPECT_THAT(client.stream(question()).finish(), IsOk());
}

TEST(Redirect, IsNotFollowedAndDoesNotLeakTheKey) {
    const PlainServer other(http_answer("200 OK", "", completion_json("stolen")));
    for (const auto* status :
         {"301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"}) {
        const PlainServer server(http_answer(
            status, "Location: http://127.0.0.1:" + std::to_string(other.port()) + "/v1/chat/completions\r\n", ""));
        Client client(options_for({server.region("a")}));
        const auto answer = client.chat(question());
        ASSERT_THAT(answer, FailsWith(ErrorCode::invalid_request));
        EXPECT_EQ(answer.error().http_status, std::stoi(status));
        EXPECT_THAT(answer.error().message, HasSubstr("base"));
        EXPECT_THAT(client.stream(question()).finish(), FailsWith(ErrorCode::invalid_request));
        EXPECT_THAT(server.requests(), SizeIs(2));
    }
    EXPECT_THAT(other.requests(), IsEmpty());
}

TEST_F(Connection, IsReplacedAtItsMaximumAgeEvenIfItIsNeverIdleForLong) {
    options.max_connection_age = 1s;
    Client client(options);
    const auto end = std::chrono::steady_clock::now() + 2500ms;  // libcurl counts whole seconds
    while (std::chrono::steady_clock::now() < end && gateway.connections("us-west") < 2) {
        const auto answer = client.chat(question());
        ASSERT_THAT(answer, IsOk());
        EXPECT_EQ(answer->attempts.size(), 1u);
        std::this_thread::sleep_for(20ms);
    }
    EXPECT_EQ(gateway.connections("us-west"), 2u);
}

TEST_F(Connection, WarmUpOpensOnePerRegionForTheFirstCall) {
    GatewaySimulator two({SimulatedRegion{.id = "us-west"}, SimulatedRegion{.id = "eu-central"}});
    Client client(options_for(two));
    ASSERT_THAT(client.warm_up({.deadline = kTestTimeout}),
                ::testing::ResultOf([](const auto& r) { return r.has_value(); }, true));
    EXPECT_EQ(two.connections("us-west"), 1u);
    EXPECT_EQ(two.connections("eu-central"), 1u);
    const auto answer = client.chat(question());
    ASSERT_THAT(answer, IsOk());
    EXPECT_TRUE(answer->attempts[0].connection_reused);
    two.set_fault("us-west", {.kind = Kind::refuse});
    two.set_fault("eu-central", {.kind = Kind::refuse});
    const auto cold = client.warm_up({.deadline = kTestTimeout});
    ASSERT_FALSE(cold);
    EXPECT_THAT(cold.error().message, AllOf(HasSubstr("us-west"), HasSubstr("eu-central")));
}

}  // namespace
