// Limits on the number of requests in flight in each region.
#include <future>
#include <vector>

#include "call_flow.hpp"

namespace holysheep::flow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(Concurrency, AFullRegionIsSkipped) {
    CallFlow flow({"us-west", "eu-central"}, {.concurrency = {.max_per_region = 1}}, CallFlow::kManual);
    flow.transport.reply("us-west", "a", {.first_byte = 1s}).reply("eu-central", "b", {.first_byte = 1s});
    auto first = flow.client.chat_async(a_question());
    auto second = flow.client.chat_async(a_question());
    flow.clock.advance(2s);
    EXPECT_EQ(first.get()->region, "us-west");
    EXPECT_EQ(second.get()->region, "eu-central");
}

TEST(Concurrency, CallsWaitWhenAllRegionsAreFull) {
    CallFlow flow({"us-west"}, {.concurrency = {.max_per_region = 1, .queue = 2}}, CallFlow::kManual);
    flow.transport.reply("us-west", "a", {.first_byte = 1s});
    auto first = flow.client.chat_async(a_question());
    auto second = flow.client.chat_async(a_question());
    auto third = flow.client.chat_async(a_question());
    flow.clock.advance(1s);
    flow.clock.advance(1s);
    flow.clock.advance(1s);
    EXPECT_EQ(first.get()->attempts[0].started, 0s);
    EXPECT_EQ(second.get()->attempts[0].started, 1s);
    EXPECT_EQ(third.get()->attempts[0].started, 2s);
}

TEST(Concurrency, AFullQueueRefusesACallAndNamesTheOption) {
    CallFlow flow({"us-west"}, {.concurrency = {.max_per_region = 1, .queue = 1}}, CallFlow::kManual);
    flow.transport.reply("us-west", "a", {.first_byte = 1s});
    auto first = flow.client.chat_async(a_question());
    auto second = flow.client.chat_async(a_question());
    auto third = flow.client.chat_async(a_question());
    flow.clock.advance(0s);
    const auto refused = third.get();
    ASSERT_THAT(refused, FailsWith(ErrorCode::rate_limited_locally));
    EXPECT_THAT(refused.error().message, HasSubstr("concurrency.max_per_region"));
    flow.clock.advance(1s);
    flow.clock.advance(1s);
    EXPECT_THAT(second.get(), IsOk());
    EXPECT_THAT(first.get(), IsOk());
}

TEST(Concurrency, AFailFastCallTakesNoQueueSlot) {
    CallFlow flow({"us-west"}, {.concurrency = {.max_per_region = 1, .queue = 1}}, CallFlow::kManual);
    flow.transport.reply("us-west", "a", {.first_byte = 1s});
    auto first = flow.client.chat_async(a_question());
    auto fail_fast = flow.client.chat_async(a_question(), {.fail_fast = true});
    auto second = flow.client.chat_async(a_question());
    flow.clock.advance(0s);
    ASSERT_TRUE(is_ready(fail_fast));
    const auto refused = fail_fast.get();
    ASSERT_THAT(refused, FailsWith(ErrorCode::rate_limited_locally));
    EXPECT_THAT(refused.error().message, HasSubstr("CallOptions::fail_fast"));
    flow.clock.advance(1s);
    flow.clock.advance(1s);
    EXPECT_THAT(first.get(), IsOk());
    EXPECT_THAT(second.get(), IsOk());
}

TEST(Concurrency, AWaiterThatTimesOutReleasesItsQueueSlot) {
    CallFlow flow({"us-west"}, {.concurrency = {.max_per_region = 1, .queue = 1}}, CallFlow::kManual);
    flow.transport.reply("us-west", "a", {.first_byte = 5s});
    auto first = flow.client.chat_async(a_question());
    auto second = flow.client.chat_async(a_question(), {.deadline = 1s});
    flow.clock.advance(1s);
    EXPECT_THAT(second.get(), FailsWith(ErrorCode::deadline_exceeded));
    auto third = flow.client.chat_async(a_question());
    flow.clock.advance(4s);
    flow.clock.advance(5s);
    EXPECT_THAT(third.get(), IsOk());
    EXPECT_THAT(first.get(), IsOk());
}

TEST(Concurrency, AFailoverWaitsForAPermit) {
    CallFlow flow({"us-west", "eu-central"}, {.concurrency = {.max_per_region = 1, .queue = 1}}, CallFlow::kManual);
    flow.transport.reply_raw("us-west", 503, {}, "", {.first_byte = 100ms})
        .reply("eu-central", "b", {.first_byte = 1s});
    auto holder = flow.client.chat_async(a_question(), {.regions = {"eu-central"}});
    auto call = flow.client.chat_async(a_question());
    for (int i = 0; i < 40; ++i) flow.clock.advance(100ms);
    EXPECT_THAT(holder.get(), IsOk());
    const auto reply = call.get();
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->region, "eu-central");
}

TEST(Concurrency, AFailoverIsWokenByAFreePermitAndServedByItsAge) {
    CallFlow flow({"us-west", "eu-central"}, {.concurrency = {.max_per_region = 1, .queue = 1}}, CallFlow::kManual);
    flow.transport.reply_raw("us-west", 503, {{"Retry-After", "5"}}, "", {.first_byte = 100ms})
        .reply("eu-central", "b", {.first_byte = 1s});
    auto holder = flow.client.chat_async(a_question(), {.regions = {"eu-central"}});
    auto older = flow.client.chat_async(a_question());
    flow.clock.advance(10ms);
    auto younger = flow.client.chat_async(a_question(), {.regions = {"eu-central"}});
    flow.clock.advance(90ms);
    auto youngest = flow.client.chat_async(a_question(), {.regions = {"eu-central"}});
    flow.clock.advance(0ms);
    EXPECT_THAT(youngest.get(), FailsWith(ErrorCode::rate_limited_locally)) << "the queue holds one new call";
    for (int i = 0; i < 300; ++i) flow.clock.advance(10ms);
    EXPECT_THAT(holder.get(), IsOk());
    const auto reply = older.get();
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->attempts.back().region, "eu-central");
    EXPECT_EQ(reply->attempts.back().started, 1s) << "when the permit is released, not at the next poll";
    EXPECT_THAT(younger.get(), IsOk());
}

TEST(Concurrency, AFailFastCallDoesNotWaitForAPermitAfterAFailure) {
    CallFlow flow({"us-west", "eu-central"}, {.concurrency = {.max_per_region = 1, .queue = 1}}, CallFlow::kManual);
    flow.transport.reply_raw("us-west", 503, {}, "", {.first_byte = 100ms})
        .reply("eu-central", "b", {.first_byte = 1s});
    auto holder = flow.client.chat_async(a_question(), {.regions = {"eu-central"}});
    auto fail_fast =
        flow.client.chat_async(a_question(), {.retry = RetryOptions{.initial_backoff = 10s}, .fail_fast = true});
    for (int i = 0; i < 20; ++i) flow.clock.advance(10ms);
    ASSERT_TRUE(is_ready(fail_fast));
    const auto reply = fail_fast.get();
    ASSERT_THAT(reply, FailsWith(ErrorCode::server_failed));
    EXPECT_THAT(reply.error().message, HasSubstr("CallOptions::fail_fast"));
    flow.clock.advance(1s);
    EXPECT_THAT(holder.get(), IsOk());
}

TEST(Concurrency, ACallThatWaitedForTheRateLimitIsNotRefusedForAFullQueue) {
    // When the rate limit lets the call go, the region is full, and so is its queue.
    CallFlow flow({"us-west"},
                  {.rate_limit = {.requests = 2, .per = 1s}, .concurrency = {.max_per_region = 2, .queue = 1}},
                  CallFlow::kManual);
    flow.transport.reply("us-west", "a", {.first_byte = 10ms});
    auto first = flow.client.chat_async(a_question());
    auto second = flow.client.chat_async(a_question());
    flow.clock.advance(20ms);
    auto waits = flow.client.chat_async(a_question());
    flow.clock.advance(10ms);
    flow.transport.clear("us-west").reply("us-west", "long", {.first_byte = 2s});
    std::vector<std::future<Result<ChatCompletion>>> others;
    for (const auto* model : {"x", "y", "z"}) {  // other models have their own limits
        others.push_back(flow.client.chat_async({.model = model, .messages = {user("hello?")}}));
        flow.clock.advance(10ms);
    }
    for (int i = 0; i < 100; ++i) flow.clock.advance(100ms);
    EXPECT_THAT(waits.get(), IsOk());
    for (auto& other : others) EXPECT_THAT(other.get(), IsOk());
}

}  // namespace
}  // namespace holysheep::flow
