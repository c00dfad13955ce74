// Every region is blocked: one attempt all the same, flagged; and errors that say of each region why.
#include "region_flow.hpp"

namespace holysheep::flow {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::SizeIs;

constexpr RetryOptions kOnce{.max_attempts = 1};

/// Both breakers are open, the second one for longer.
struct BlockedFlow : CallFlow {
    BlockedFlow() : CallFlow({kUs, kEu}, {.breaker = {.open_for = 30s}}) {
        for (const auto& id : {kUs, kEu}) {
            transport.fail(id, ErrorCode::transport_failed);
            for (int i = 0; i < 3; ++i) EXPECT_FALSE(client.chat(a_question(), {.regions = {id}, .retry = kOnce}));
            EXPECT_EQ(breaker_of(*this, id), BreakerState::open);
            clock.advance(10s);
        }
        transport.clear_requests();
    }
};

TEST(Panic, OneAttemptIsMadeWhereATrialIsDueFirst) {
    BlockedFlow flow;
    flow.transport.clear(kUs).reply(kUs, "back");
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->region, kUs);
    ASSERT_THAT(reply->attempts, SizeIs(1));
    EXPECT_TRUE(reply->attempts[0].panic);
    EXPECT_EQ(flow.client.stats().panics, 1U);
    EXPECT_EQ(breaker_of(flow, kUs), BreakerState::open) << "it was no trial";
}

TEST(Panic, AFailureNamesTheReasonOfEachRegion) {
    BlockedFlow flow;
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, FailsWith(ErrorCode::all_regions_unavailable));
    EXPECT_THAT(flow.attempts(), ElementsAre(kUs)) << "no second one, and no hedge";
    EXPECT_EQ(reply.error().cause, ErrorCode::transport_failed);
    EXPECT_TRUE(reply.error().attempts.at(0).panic);
    EXPECT_THAT(reply.error().message,
                AllOf(HasSubstr("first us-west: "),
                      HasSubstr("us-west: breaker opened: connections failed in a row, next trial in "),
                      HasSubstr("; eu-central: breaker opened: connections failed in a row, next trial in ")));
    EXPECT_EQ(flow.client.stats().panics, 1U);
}

TEST(Panic, NeverLeavesTheAllowList) {
    BlockedFlow flow;
    EXPECT_THAT(flow.client.chat(a_question(), {.exclude_regions = {kUs}}), Not(IsOk()));
    for (const auto& region : flow.attempts()) EXPECT_EQ(region, kEu);
}

TEST(Panic, ARegionThatIsFreeIsNotPassedOver) {
    CallFlow flow({kUs, kEu, kAp});
    flow.transport.reply(kUs, "no").reply(kEu, "no").reply(kAp, "hello");
    flow.client.force_open(kUs);
    flow.client.drain(kEu);
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->region, kAp);
    EXPECT_FALSE(reply->attempts[0].panic);
    EXPECT_EQ(flow.client.stats().panics, 0U);
}

TEST(Panic, DrainedRegionsAreNotAskedEvenThen) {
    CallFlow flow({kUs, kEu});
    flow.transport.reply(kUs, "no").reply(kEu, "no");
    flow.client.drain(kUs);
    flow.client.drain(kEu);
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, FailsWith(ErrorCode::all_regions_unavailable));
    EXPECT_THAT(reply.error().message, AllOf(HasSubstr("us-west: draining"), HasSubstr("eu-central: draining")));
    EXPECT_THAT(flow.attempts(), IsEmpty());
}

TEST(Panic, AMixOfReasonsIsTold) {
    CallFlow flow({kUs, kEu});
    flow.transport.reply_raw(kUs, 429, {{"retry-after", "500"}}, "").reply(kEu, "no");
    EXPECT_FALSE(flow.client.chat(a_question(), {.regions = {kUs}, .retry = kOnce}));
    flow.client.drain(kEu);
    flow.transport.clear_requests();
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, FailsWith(ErrorCode::rate_limited));
    EXPECT_THAT(reply.error().message, AllOf(HasSubstr("us-west: it asked for a pause, 500000 ms are left"),
                                             HasSubstr("eu-central: draining")));
    EXPECT_EQ(reply.error().retry_after, 500s);
    EXPECT_THAT(flow.attempts(), IsEmpty());
}

TEST(Panic, ARegionThatOneFailureLeavesAloneIsNamedToo) {
    CallFlow flow({kUs, kEu}, {.retry = {.budget_capacity = 0}});
    flow.transport.reply_raw(kUs, 503, {}, "").reply(kEu, "no");
    flow.client.force_open(kEu);
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, FailsWith(ErrorCode::all_regions_unavailable));
    EXPECT_EQ(reply.error().cause, ErrorCode::server_failed);
    EXPECT_THAT(reply.error().message, HasSubstr("kept away from eu-central: breaker set by hand"));
    EXPECT_THAT(flow.attempts(), ElementsAre(kUs));
}

}  // namespace
}  // namespace holysheep::flow
