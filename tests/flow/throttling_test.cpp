// Quotas and hints: when a region asks for a pause, every call respects it.
#include "call_flow.hpp"

namespace holysheep::flow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(Throttling, RetryAfterIsWaitedOutInTheOnlyRegion) {
    CallFlow flow({"us-west"});
    flow.transport.reply_raw("us-west", 429, {{"Retry-After", "7"}}, "").reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(flow.elapsed(), 7s);
}

TEST(Throttling, MorePreciseHeadersTakePrecedence) {
    CallFlow flow({"us-west"});
    flow.transport.reply_raw("us-west", 429, {{"Retry-After", "7"}, {"retry-after-ms", "350"}}, "")
        .reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(flow.elapsed(), 350ms);
}

TEST(Throttling, OtherCallsAvoidTheRegionForItsRetryAfter) {
    CallFlow flow({"us-west", "eu-central"});
    flow.transport.reply_raw("us-west", 429, {{"Retry-After", "30"}}, "")
        .reply("us-west", "back")
        .reply("eu-central", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(flow.client.chat(a_question())->region, "eu-central");
    EXPECT_EQ(flow.client.stats().regions[0].health.limited_for, 30s);
    flow.clock.advance(30s);
    EXPECT_EQ(flow.client.chat(a_question())->region, "us-west");
    EXPECT_EQ(flow.client.stats().regions[0].health.limited_for, std::nullopt);
    EXPECT_THAT(flow.attempts(), ElementsAre("us-west", "eu-central", "eu-central", "us-west"));
}

TEST(Throttling, ThrottlingOfOneModelDoesNotAffectOthers) {
    CallFlow flow({"us-west", "eu-central"});
    flow.transport.reply_raw("us-west", 429, {{"Retry-After", "30"}}, "")
        .reply("us-west", "hi")
        .reply("eu-central", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(flow.client.chat("another-model", "hello?")->region, "us-west");
}

TEST(Throttling, ACallWaitsForTheShortestPause) {
    CallFlow flow({"us-west", "eu-central"});
    flow.transport.reply_raw("us-west", 429, {{"Retry-After", "20"}}, "").reply("us-west", "a");
    flow.transport.reply_raw("eu-central", 429, {{"Retry-After", "10"}}, "").reply("eu-central", "b");
    EXPECT_THAT(flow.client.chat(a_question(), {.retry = RetryOptions{.max_attempts = 2}}),
                FailsWith(ErrorCode::rate_limited));
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->region, "eu-central");
    EXPECT_EQ(reply->attempts[0].started, 10s);
}

TEST(Throttling, ARetryAfterBeyondMaxWaitIsReportedAtOnce) {
    CallFlow flow({"us-west"});
    flow.transport.reply_raw("us-west", 429, {{"Retry-After", "61"}}, "");
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, FailsWith(ErrorCode::rate_limited));
    EXPECT_EQ(reply.error().retry_after, 61s);
    EXPECT_EQ(flow.elapsed(), 0s);
    const auto next = flow.client.chat(a_question());
    ASSERT_THAT(next, FailsWith(ErrorCode::rate_limited));
    EXPECT_EQ(next.error().retry_after, 61s) << "known without another request";
    EXPECT_THAT(flow.attempts(), SizeIs(1));
}

TEST(Throttling, MaxWaitCanBeRaised) {
    CallFlow flow({"us-west"}, {.retry = {.max_wait = 120s}});
    flow.transport.reply_raw("us-west", 429, {{"Retry-After", "61"}}, "").reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(flow.elapsed(), 61s);
}

TEST(Throttling, ARetryAfterBeyondTheDeadlineIsReportedAtOnce) {
    CallFlow flow({"us-west"});
    flow.transport.reply_raw("us-west", 429, {{"Retry-After", "5"}}, "");
    const auto reply = flow.client.chat(a_question(), {.deadline = 5s});
    ASSERT_THAT(reply, FailsWith(ErrorCode::rate_limited));
    EXPECT_EQ(reply.error().retry_after, 5s);
    EXPECT_THAT(reply.error().message, HasSubstr("deadline"));
    EXPECT_EQ(flow.elapsed(), 0s);
}

TEST(Throttling, ARateLimitErrorInA200IsThrottling) {
    CallFlow flow({"us-west"});
    flow.transport.reply_raw("us-west", 200, {{"Retry-After", "3"}}, error_body("rate_limit_exceeded"))
        .reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(flow.elapsed(), 3s);
}

TEST(Throttling, ARetryAfterOnASuccessfulAnswerIsIgnored) {
    CallFlow flow({"us-west", "eu-central"});
    flow.transport.reply_raw(
        "us-west", 200, {{"Retry-After", "30"}},
        R"({"id":"x","model":"m","choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}]})");
    EXPECT_EQ(flow.client.chat(a_question())->region, "us-west");
    EXPECT_EQ(flow.client.chat(a_question())->region, "us-west");
}

TEST(Throttling, ARetryAfterOfA5xxDelaysARetryInTheOnlyRegionByAtMostFiveSeconds) {
    CallFlow flow({"us-west"});
    flow.transport.reply_raw("us-west", 503, {{"Retry-After", "30"}}, "").reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_GE(flow.elapsed(), 5s);
    EXPECT_LE(flow.elapsed(), 5100ms);
}

TEST(Throttling, ARetryAfterOfA5xxKeepsOtherCallsAwayInFull) {
    CallFlow flow({"us-west", "eu-central"});
    flow.transport.reply_raw("us-west", 503, {{"Retry-After", "30"}}, "").reply("eu-central", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    flow.clock.advance(29s);
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_THAT(flow.attempts(), ElementsAre("us-west", "eu-central", "eu-central"));
}

TEST(Throttling, TwoHundredCallsWaitOutTheSamePause) {
    CallFlow flow({"us-west"}, {}, CallFlow::kManual);
    flow.transport.reply_raw("us-west", 429, {{"Retry-After", "10"}}, "").reply("us-west", "hello");
    auto first = flow.client.chat_async(a_question());
    std::vector<std::future<Result<ChatCompletion>>> rest;
    for (int i = 0; i < 200; ++i) rest.push_back(flow.client.chat_async(a_question()));
    EXPECT_THAT(flow.attempts(), SizeIs(1)) << "no call uses a paused region";
    flow.clock.advance(10s);
    EXPECT_THAT(first.get(), IsOk());
    for (auto& answer : rest) ASSERT_THAT(answer.get(), IsOk());
    EXPECT_THAT(flow.attempts(), SizeIs(202));
}

}  // namespace
}  // namespace holysheep::flow
