// A bound on what is in flight in each region.
#include "call_flow.hpp"

namespace holysheep::flow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(Concurrency, AFullRegionIsPassedOver) {
    CallFlow flow({"us-west", "eu-central"}, {.concurrency = {.max_per_region = 1}}, CallFlow::kManual);
    flow.transport.reply("us-west", "a", {.first_byte = 1s}).reply("eu-central", "b", {.first_byte = 1s});
    auto first = flow.client.chat_async(a_question());
    auto second = flow.client.chat_async(a_question());
    flow.clock.advance(2s);
    EXPECT_EQ(first.get()->region, "us-west");
    EXPECT_EQ(second.get()->region, "eu-central");
}

TEST(Concurrency, WhereAllAreFullCallsWaitForRoom) {
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

TEST(Concurrency, AFullQueueRefusesWithBothNumbers) {
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

TEST(Concurrency, AWaiterThatGoesAwayLeavesItsSeat) {
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

TEST(Concurrency, AFailoverWaitsForRoomAlso) {
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

}  // namespace
}  // namespace holysheep::flow
