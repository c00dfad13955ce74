// What the machine requests before a request is sent, and what follows a grant, a queue and a refusal.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "call_script.hpp"

namespace holysheep::call {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

/// A run in which the test answers each request for a permit itself.
struct AskedRun : MachineRun {
    explicit AskedRun(std::size_t count = 2) : MachineRun(count) { grants = false; }
};

TEST(MachineAdmission, StartsAnAttemptOnceItIsGranted) {
    AskedRun run;
    EXPECT_THAT(run.start(), ElementsAre("acquire #1 a"));
    EXPECT_THAT(run.granted(), ElementsAre("start #1 a first"));
}

TEST(MachineAdmission, AsksAgainWhenTheQueueAsksForIt) {
    AskedRun run;
    run.start();
    EXPECT_THAT(run.queued(300ms), IsEmpty());
    EXPECT_THAT(run.pass(299ms), IsEmpty());
    EXPECT_THAT(run.pass(1ms), ElementsAre("acquire #1 a"));
    EXPECT_THAT(run.granted(), ElementsAre("start #1 a first"));
}

TEST(MachineAdmission, AsksAgainAtOnceWhenAPermitIsReady) {
    AskedRun run;
    run.start();
    run.queued(1h);
    EXPECT_THAT(run.permit_ready(), ElementsAre("acquire #1 a"));
}

TEST(MachineAdmission, EndsTheCallWhenItIsRefused) {
    AskedRun run;
    run.start();
    EXPECT_THAT(run.refused(), ElementsAre("release", "finish #0 not_admitted"));
}

TEST(MachineAdmission, LeavesTheQueueWhenTheCallIsCancelled) {
    AskedRun run;
    run.start();
    run.queued(1h);
    EXPECT_THAT(run.cancel(), ElementsAre("release", "finish #0 cancelled"));
}

TEST(MachineAdmission, LeavesTheQueueAtTheDeadline) {
    AskedRun run;
    run.policy.deadline = run.now + 5s;
    run.start();
    run.queued(1h);
    EXPECT_THAT(run.pass(5s), ElementsAre("release", "finish #0 deadline"));
}

TEST(MachineAdmission, UsesARegionWithRoom) {
    AskedRun run;
    run.rooms.full = {0};
    EXPECT_THAT(run.start(), ElementsAre("acquire #1 b"));
}

TEST(MachineAdmission, WaitsForRoomWhenEveryRegionIsFull) {
    AskedRun run;
    run.rooms.full = {0, 1};
    EXPECT_THAT(run.start(), ElementsAre("await_room a b"));
    run.queued(100ms);
    run.rooms.full = {0};
    EXPECT_THAT(run.pass(100ms), ElementsAre("acquire #1 b"));
}

TEST(MachineAdmission, MovesOnlyToARegionWithRoom) {
    AskedRun run(3);
    run.start();
    run.granted();
    run.rooms.full = {1};
    EXPECT_THAT(run.end(1, refused_connection()), ElementsAre("acquire #2 c"));
    EXPECT_THAT(run.granted(), ElementsAre("start #2 c failover"));
}

TEST(MachineAdmission, ReportsTheFailureBeforeARefusal) {
    AskedRun run;
    run.start();
    run.granted();
    run.end(1, refused_connection());
    EXPECT_THAT(run.refused(), ElementsAre("release", "finish #1 not_admitted"));
    EXPECT_EQ(run.machine().first_failure(), 1);
}

TEST(MachineAdmission, SharesThePermitOfALateConnection) {
    AskedRun run;
    run.start();
    run.granted();
    EXPECT_THAT(run.pass_until_something(), ElementsAre("acquire #2 b beside #1 shared"));
    EXPECT_THAT(run.granted(), ElementsAre("start #2 b race"));
}

TEST(MachineAdmission, ContinuesWhenARaceIsRefused) {
    AskedRun run;
    run.start();
    run.granted();
    run.pass_until_something();
    EXPECT_THAT(run.refused(), IsEmpty());
    run.connect(1);
    EXPECT_THAT(run.answer(1), ElementsAre("finish #1 answered"));
}

TEST(MachineAdmission, TakesATokenForAHedgeOnlyOnceGranted) {
    AskedRun run;
    run.policy.hedge_after = 100ms;
    for (std::size_t region : {0U, 1U}) run.other_call_ends(region, health::FailureClass::success);
    run.start();
    run.granted();
    run.connect(1);
    const auto tokens = run.hedges.tokens();
    EXPECT_THAT(run.pass(100ms), ElementsAre("acquire #2 b beside #1"));
    EXPECT_EQ(run.hedges.tokens(), tokens);
    run.granted();
    EXPECT_EQ(run.hedges.tokens(), tokens - 1);
}

struct Never final : RetryPolicy {
    RetryVerdict decide(const RetryContext&) const override { return {.retry = false}; }
};

TEST(MachineAdmission, AsksTheUsersPolicyBeforeAMove) {
    MachineRun run(2);
    const Never never;
    run.retry_policy = &never;
    run.start();
    EXPECT_THAT(run.end(1, refused_connection()), ElementsAre("finish #1 refused"));
}

}  // namespace
}  // namespace holysheep::call
