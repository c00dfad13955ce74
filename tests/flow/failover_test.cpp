// A call leaves a failing region at once, and does not fail over on errors that every region would return.
#include <functional>

#include "call_flow.hpp"

namespace holysheep::flow {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct Fault {
    const char* name;
    std::function<void(FakeTransport&)> script;
};

FakeTransport& answer(FakeTransport& transport, int status, std::string body = {},
                      FakeTransport::Headers headers = {}) {
    return transport.reply_raw("us-west", status, std::move(headers), std::move(body));
}

TEST(Failover, SecondRegionAnswersWhenFirstIsDown) {
    CallFlow flow({"us-west", "eu-central"});
    flow.transport.fail("us-west", ErrorCode::transport_failed).reply("eu-central", "hello");
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->region, "eu-central");
    EXPECT_EQ(reply->text(), "hello");
    EXPECT_THAT(flow.attempts(), ElementsAre("us-west", "eu-central"));
}

TEST(Failover, AnExplicitFailureFailsOverWithoutAWait) {
    const Fault faults[] = {
        {"refused", [](auto& t) { t.fail("us-west", ErrorCode::transport_failed); }},
        {"reset after it was sent", [](auto& t) { t.fail("us-west", ErrorCode::transport_failed, false); }},
        {"TLS", [](auto& t) { t.fail("us-west", ErrorCode::tls_failed); }},
        {"408", [](auto& t) { answer(t, 408); }},
        {"425", [](auto& t) { answer(t, 425); }},
        {"429", [](auto& t) { answer(t, 429, error_body("rate_limit_exceeded")); }},
        {"429 with Retry-After",
         [](auto& t) {
             answer(t, 429, {}, {{"Retry-After", "30"}});
         }},
        {"500", [](auto& t) { answer(t, 500); }},
        {"502 with HTML", [](auto& t) { answer(t, 502, "<html><title>Bad Gateway</title></html>"); }},
        {"503",
         [](auto& t) {
             answer(t, 503, {}, {{"Retry-After", "30"}});
         }},
        {"504", [](auto& t) { answer(t, 504); }},
        {"520", [](auto& t) { answer(t, 520); }},
        {"529", [](auto& t) { answer(t, 529); }},
        {"403 for the country", [](auto& t) { answer(t, 403, error_body("unsupported_country_region_territory")); }},
        {"404 for the model", [](auto& t) { answer(t, 404, error_body("model_not_found")); }},
        {"an empty 200", [](auto& t) { answer(t, 200); }},
        {"HTML in a 200", [](auto& t) { answer(t, 200, "<html><h1>Log in</h1></html>"); }},
        {"broken JSON in a 200", [](auto& t) { answer(t, 200, R"({"choices":[{"mess)"); }},
        {"a 200 without choices", [](auto& t) { answer(t, 200, R"({"id":"x","object":"chat.completion"})"); }},
        {"an error in a 200", [](auto& t) { answer(t, 200, error_body("server_error", "server_error")); }},
        {"throttling in a 200", [](auto& t) { answer(t, 200, error_body("rate_limit_exceeded")); }},
        {"a truncated body", [](auto& t) { t.stream("us-west", {"hello"}, {.end = StreamEnd::cut}); }},
    };
    for (const auto& fault : faults) {
        SCOPED_TRACE(fault.name);
        CallFlow flow({"us-west", "eu-central"});
        fault.script(flow.transport);
        flow.transport.reply("eu-central", "hello");
        const auto reply = flow.client.chat(a_question());
        ASSERT_THAT(reply, IsOk());
        EXPECT_EQ(reply->region, "eu-central");
        EXPECT_THAT(flow.attempts(), ElementsAre("us-west", "eu-central"));
        EXPECT_EQ(reply->attempts.back().started, 0ns) << "moved without a wait";
    }
}

TEST(Failover, ErrorsThatEveryRegionWouldReturnDoNotFailOver) {
    struct Row {
        const char* name;
        int status;
        std::string body;
        ErrorCode code;
    };
    const Row rows[] = {
        {"400", 400, error_body("", "invalid_request_error"), ErrorCode::invalid_request},
        {"401", 401, error_body("invalid_api_key"), ErrorCode::unauthenticated},
        {"402", 402, "", ErrorCode::insufficient_quota},
        {"403", 403, error_body("permission_denied"), ErrorCode::permission_denied},
        {"404 for a path", 404, "", ErrorCode::invalid_request},
        {"405", 405, "", ErrorCode::invalid_request},
        {"413", 413, "", ErrorCode::request_too_large},
        {"422", 422, "", ErrorCode::invalid_request},
        {"quota used up, as a 429", 429, error_body("insufficient_quota"), ErrorCode::insufficient_quota},
        {"too long", 400, error_body("context_length_exceeded"), ErrorCode::context_length_exceeded},
        {"content filter", 400, error_body("content_filter"), ErrorCode::content_filtered},
        {"501", 501, "", ErrorCode::server_failed},
        {"505", 505, "", ErrorCode::server_failed},
        {"an invalid request in a 200", 200, error_body("", "invalid_request_error"), ErrorCode::invalid_request},
        {"quota used up, in a 200", 200, error_body("insufficient_quota"), ErrorCode::insufficient_quota},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        CallFlow flow({"us-west", "eu-central"});
        flow.transport.reply_raw("us-west", row.status, {}, row.body).reply("eu-central", "hello");
        const auto reply = flow.client.chat(a_question());
        EXPECT_THAT(reply, FailsWith(row.code));
        EXPECT_THAT(flow.attempts(), ElementsAre("us-west"));
        if (row.status == 501 || row.status == 505) continue;  // these count as errors of the region
        EXPECT_EQ(flow.client.stats().regions[0].health.error_rate, 0.0);
    }
}

TEST(Failover, AttemptRecordsDescribeEveryAttempt) {
    CallFlow flow({"us-west", "eu-central", "ap-southeast"});
    flow.transport.fail("us-west", ErrorCode::tls_failed, true, {.connect = 12ms})
        .reply_raw("eu-central", 503, {{"x-request-id", "req-503"}}, error_body("overloaded"),
                   {.connect = 5ms, .first_byte = 20ms})
        .reply("ap-southeast", "hello", {.connect = 30ms, .first_byte = 200ms});
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, IsOk());
    ASSERT_THAT(reply->attempts, SizeIs(3));
    const auto& first = reply->attempts[0];
    EXPECT_EQ(first.number, 1);
    EXPECT_EQ(first.kind, AttemptKind::first);
    EXPECT_EQ(first.region, "us-west");
    EXPECT_EQ(first.error, ErrorCode::tls_failed);
    EXPECT_EQ(first.http_status, 0);
    EXPECT_EQ(first.timings.total, 12ms);
    EXPECT_FALSE(first.winner);
    const auto& second = reply->attempts[1];
    EXPECT_EQ(second.kind, AttemptKind::failover);
    EXPECT_EQ(second.http_status, 503);
    EXPECT_EQ(second.request_id, "req-503");
    EXPECT_EQ(second.started, 12ms);
    EXPECT_EQ(second.timings.sent, 5ms);
    EXPECT_EQ(second.timings.first_byte, 25ms);
    const auto& third = reply->attempts[2];
    EXPECT_EQ(third.region, "ap-southeast");
    EXPECT_EQ(third.model, "gpt-4.1");
    EXPECT_EQ(third.error, std::nullopt);
    EXPECT_EQ(third.http_status, 200);
    EXPECT_EQ(third.started, 37ms);
    EXPECT_EQ(third.timings.total, 230ms);
    EXPECT_TRUE(third.winner);
    EXPECT_EQ(flow.elapsed(), 267ms);
}

TEST(Failover, ALateConnectionIsRacedAndTheRequestIsSentOnce) {
    CallFlow flow({"us-west", "eu-central"});
    flow.transport.never_connects("us-west").reply("eu-central", "hello", {.connect = 20ms});
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->region, "eu-central");
    EXPECT_EQ(reply->attempts[1].kind, AttemptKind::race);
    EXPECT_EQ(reply->attempts[0].error, ErrorCode::cancelled);
    EXPECT_EQ(flow.elapsed(), 270ms);
    const auto seen = flow.transport.requests();
    EXPECT_FALSE(seen[0].sent);
    EXPECT_TRUE(seen[0].cancelled);
    EXPECT_TRUE(seen[1].sent);
}

TEST(Failover, AFrozenRegionIsAbandonedAfterTheFirstByteTimeout) {
    CallFlow flow({"us-west", "eu-central"});
    flow.transport.hang("us-west").reply("eu-central", "hello");
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(flow.elapsed(), 300s);
    EXPECT_TRUE(reply->attempts[1].maybe_duplicated);
}

TEST(Failover, ADeadPooledConnectionIsReplacedInTheSameRegion) {
    CallFlow flow({"us-west", "eu-central"});
    flow.transport.lose_reused_connection("us-west").reply("us-west", "hello").reply("eu-central", "no");
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->region, "us-west");
    const auto requests = flow.requests();
    EXPECT_FALSE(requests[0].fresh_connection);
    EXPECT_TRUE(requests[1].fresh_connection);
    EXPECT_EQ(flow.client.stats().regions[0].health.error_rate, 0) << "it says nothing about the region";
}

TEST(Failover, AMisdirectedRequestIsRetriedOnceOverANewConnection) {
    CallFlow flow({"us-west", "eu-central"});
    flow.transport.reply_raw("us-west", 421, {}, "").reply("us-west", "hello").reply("eu-central", "no");
    EXPECT_EQ(flow.client.chat(a_question())->region, "us-west");
    EXPECT_TRUE(flow.requests()[1].fresh_connection);
    CallFlow again({"us-west", "eu-central"});
    again.transport.reply_raw("us-west", 421, {}, "").reply("eu-central", "no");
    EXPECT_THAT(again.client.chat(a_question()), FailsWith(ErrorCode::invalid_request));
    EXPECT_THAT(again.attempts(), ElementsAre("us-west", "us-west"));
}

TEST(Failover, AConflictIsRetriedOnceInTheSameRegion) {
    CallFlow flow({"us-west", "eu-central"});
    flow.transport.reply_raw("us-west", 409, {}, "").reply("us-west", "hello").reply("eu-central", "no");
    EXPECT_EQ(flow.client.chat(a_question())->region, "us-west");
    CallFlow again({"us-west", "eu-central"});
    again.transport.reply_raw("us-west", 409, {}, "").reply("eu-central", "no");
    EXPECT_THAT(again.client.chat(a_question()), FailsWith(ErrorCode::conflict));
    EXPECT_THAT(again.attempts(), ElementsAre("us-west", "us-west"));
}

TEST(Failover, AModelThatNoRegionHasIsRequestedOncePerRegion) {
    CallFlow flow({"us-west", "eu-central"});
    for (const auto* region : {"us-west", "eu-central"}) {
        flow.transport.reply_raw(region, 404, {}, error_body("model_not_found"));
    }
    EXPECT_THAT(flow.client.chat(a_question()), FailsWith(ErrorCode::model_not_found));
    EXPECT_THAT(flow.attempts(), ElementsAre("us-west", "eu-central"));
}

TEST(Failover, TheShouldRetryHeaderIsObeyed) {
    CallFlow forbidden({"us-west", "eu-central"});
    forbidden.transport.reply_raw("us-west", 503, {{"x-should-retry", "false"}}, "").reply("eu-central", "no");
    EXPECT_THAT(forbidden.client.chat(a_question()), FailsWith(ErrorCode::server_failed));
    EXPECT_THAT(forbidden.attempts(), ElementsAre("us-west"));
    CallFlow wanted({"us-west", "eu-central"});
    wanted.transport.reply_raw("us-west", 400, {{"x-should-retry", "true"}}, "").reply("eu-central", "hello");
    EXPECT_THAT(wanted.client.chat(a_question()), IsOk());
}

TEST(Failover, OneHealthyRegionAnswersEveryCallOfALongOutage) {
    CallFlow flow({"us-west", "eu-central", "ap-southeast"});
    flow.transport.reply_raw("us-west", 500, {}, "")
        .fail("eu-central", ErrorCode::transport_failed)
        .reply("ap-southeast", "hello");
    for (int i = 0; i < 200; ++i) ASSERT_THAT(flow.client.chat(a_question()), IsOk()) << i;
    EXPECT_EQ(flow.client.stats().succeeded, 200U);
}

TEST(Failover, ExtraAttemptsAreBoundedWhenAllRegionsAreDown) {
    CallFlow flow({"us-west", "eu-central", "ap-southeast"});
    for (const auto* region : {"us-west", "eu-central", "ap-southeast"}) {
        flow.transport.fail(region, ErrorCode::transport_failed);
    }
    constexpr int kCalls = 400;
    for (int i = 0; i < kCalls; ++i) {
        const auto reply = flow.client.chat(a_question());
        ASSERT_FALSE(reply);
    }
    EXPECT_LE(flow.attempts().size(), kCalls * 1.25 + 25);
}

}  // namespace
}  // namespace holysheep::flow
