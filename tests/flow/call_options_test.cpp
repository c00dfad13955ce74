// Checks the effect of each call option.
#include "call_flow.hpp"

namespace holysheep::flow {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

TEST(CallOptions, AttemptsAreNumberedAndShareTheirIdempotencyKey) {
    CallFlow flow({"us-west", "eu-central", "ap-southeast"});
    flow.transport.reply_raw("us-west", 503, {}, "")
        .fail("eu-central", ErrorCode::transport_failed)
        .reply("ap-southeast", "a");
    EXPECT_THAT(flow.client.chat(a_question(), {.idempotency_key = "order-7"}), IsOk());
    const auto requests = flow.requests();
    ASSERT_THAT(requests, SizeIs(3));
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(header(requests[i], "X-Holysheep-Attempt"), std::to_string(i + 1));
        EXPECT_EQ(header(requests[i], "Idempotency-Key"), "order-7");
        EXPECT_EQ(requests[i].body, requests[0].body);
    }
}

TEST(CallOptions, WithoutAnIdempotencyKeyNoneIsSent) {
    CallFlow flow({"us-west"});
    flow.transport.reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    const auto request = flow.requests()[0];
    for (const auto& [name, value] : request.headers) EXPECT_NE(name, "Idempotency-Key");
}

TEST(CallOptions, HeadersReplaceTheClientsByName) {
    CallFlow flow({"us-west"}, {.headers = {{"X-Team", "wool"}, {"X-Other", "1"}}});
    flow.transport.reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question(), {.headers = {{"x-team", "milk"}, {"X-New", "2"}}}), IsOk());
    EXPECT_EQ(header(flow.requests()[0], "X-Team"), "milk");
    EXPECT_EQ(header(flow.requests()[0], "X-Other"), "1");
    EXPECT_EQ(header(flow.requests()[0], "X-New"), "2");
}

TEST(CallOptions, ExtraJsonIsMergedOverTheBodyLast) {
    CallFlow flow({"us-west"});
    flow.transport.reply("us-west", "hello");
    auto request = a_question();
    request.temperature = 0.1;
    request.extra_json = R"({"temperature":0.2,"a":1})";
    EXPECT_THAT(flow.client.chat(request, {.extra_json = R"({"temperature":0.3,"b":2})"}), IsOk());
    EXPECT_THAT(flow.requests()[0].body, AllOf(HasSubstr(R"("temperature":0.3)"), HasSubstr(R"("a":1)"),
                                               HasSubstr(R"("b":2)"), Not(HasSubstr("0.1")), Not(HasSubstr("0.2"))));
}

TEST(CallOptions, ExtraJsonThatIsNotAnObjectIsRefused) {
    CallFlow flow({"us-west"});
    for (const auto* text : {"[1]", "{broken", "7"}) {
        const auto reply = flow.client.chat(a_question(), {.extra_json = text});
        ASSERT_FALSE(reply) << text;
        EXPECT_THAT(reply.error().message, HasSubstr("extra_json"));
    }
    EXPECT_THAT(flow.attempts(), IsEmpty());
}

TEST(CallOptions, RetryReplacesTheClientsOptions) {
    CallFlow flow({"us-west", "eu-central"});
    flow.transport.reply_raw("us-west", 503, {}, "").reply("eu-central", "hello");
    EXPECT_THAT(flow.client.chat(a_question(), {.retry = RetryOptions{.max_attempts = 1}}),
                FailsWith(ErrorCode::server_failed));
    EXPECT_THAT(flow.attempts(), ElementsAre("us-west"));
}

TEST(CallOptions, CostSafeDoesNotRetryWhatMayHaveBeenBilled) {
    CallFlow lost({"us-west", "eu-central"});
    lost.transport.fail("us-west", ErrorCode::transport_failed, false).reply("eu-central", "no");
    const auto reply = lost.client.chat(a_question(), {.cost_safe = true});
    ASSERT_THAT(reply, FailsWith(ErrorCode::transport_failed));
    EXPECT_THAT(reply.error().message, HasSubstr("cost_safe"));
    EXPECT_THAT(lost.attempts(), ElementsAre("us-west"));
    CallFlow refused({"us-west", "eu-central"});
    refused.transport.fail("us-west", ErrorCode::transport_failed).reply("eu-central", "yes");
    EXPECT_THAT(refused.client.chat(a_question(), {.cost_safe = true}), IsOk());
}

TEST(CallOptions, AnAttemptThatMayBeADuplicateIsMarked) {
    CallFlow flow({"us-west", "eu-central"});
    flow.transport.fail("us-west", ErrorCode::transport_failed, false).reply("eu-central", "hello");
    const auto reply = flow.client.chat(a_question());
    EXPECT_FALSE(reply->attempts[0].maybe_duplicated);
    EXPECT_TRUE(reply->attempts[1].maybe_duplicated);
}

TEST(CallOptions, EveryErrorNamesItsOption) {
    struct Row {
        CallOptions options;
        const char* named;
    };
    const Row rows[] = {
        {{.regions = {"mars"}}, "regions: \"mars\""},
        {{.exclude_regions = {"venus"}}, "exclude_regions: \"venus\""},
        {{.regions = {"us-west"}, .exclude_regions = {"us-west"}}, "leaves no region"},
        {{.idempotency_key = "a\nb"}, "idempotency_key"},
        {{.skip_malformed_chunks = -1}, "skip_malformed_chunks"},
        {{.retry = RetryOptions{.max_attempts = -1}}, "retry.max_attempts"},
        {{.retry = RetryOptions{.max_wait = -1ms}}, "retry.max_wait"},
        {{.timeouts = TimeoutOptions{.stall = -1ms}}, "timeouts.stall"},
        {{.headers = {{"a b", "c"}}}, "headers: \"a b\""},
        {{.headers = {{"X-A", "b\r\nX-B: c"}}}, "headers"},
        {{.headers = {{"Content-Length", "7"}}}, "headers"},
    };
    CallFlow flow({"us-west", "eu-central"});
    for (const auto& row : rows) {
        const auto reply = flow.client.chat(a_question(), row.options);
        ASSERT_THAT(reply, FailsWith(ErrorCode::invalid_options)) << row.named;
        EXPECT_THAT(reply.error().message, HasSubstr(row.named));
    }
    EXPECT_THAT(flow.attempts(), IsEmpty());
}

TEST(CallOptions, AllProblemsAreReportedAtOnce) {
    CallFlow flow({"us-west"});
    const auto reply = flow.client.chat(a_question(), {.timeouts = TimeoutOptions{.connect = -1ms},
                                                       .regions = {"mars"},
                                                       .retry = RetryOptions{.max_attempts = -1},
                                                       .idempotency_key = "\n"});
    ASSERT_THAT(reply, FailsWith(ErrorCode::invalid_options));
    EXPECT_THAT(reply.error().message, AllOf(HasSubstr("mars"), HasSubstr("idempotency_key"), HasSubstr("max_attempts"),
                                             HasSubstr("timeouts.connect")));
}

}  // namespace
}  // namespace holysheep::flow
