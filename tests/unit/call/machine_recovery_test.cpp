// A stream breaks after content, and the caller has asked for recovery.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "call/machine.hpp"
#include "call_script.hpp"

namespace holysheep::call {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

struct RecoveringRun : MachineRun {
    explicit RecoveringRun(std::size_t count, StreamRecovery recovery = StreamRecovery::restart)
        : MachineRun(count, true) {
        policy.recovery = recovery;
    }
    Outcome cut(bool resumable = true) const {
        auto outcome = failed_with(ErrorCode::stream_interrupted, 200);
        outcome.resumable = resumable;
        return outcome;
    }
};

TEST(MachineRecovery, AnotherRegionContinuesAndMayCommitAgain) {
    RecoveringRun run(2);
    run.start();
    run.commit();
    EXPECT_THAT(run.end(1, run.cut()), ElementsAre("recover #1", "start #2 b failover duplicated"));
    run.connect(2);
    run.first_byte(2);
    EXPECT_THAT(run.content(2), ElementsAre("commit #2"));
    EXPECT_THAT(run.answer(2), ElementsAre("finish #2 answered"));
}

TEST(MachineRecovery, AnAnswerThatCannotBeContinuedEndsTheCall) {
    RecoveringRun run(2, StreamRecovery::continue_prefix);
    run.start();
    run.commit();
    EXPECT_THAT(run.end(1, run.cut(false)), ElementsAre("finish #1 interrupted"));
    EXPECT_FALSE(run.machine().unrecovered()) << "no recovery was tried";
}

TEST(MachineRecovery, WithoutAnotherAttemptTheBreakEndsTheCall) {
    RecoveringRun run(2);
    run.policy.retry.max_attempts = 2;
    run.start();
    run.commit();
    run.end(1, run.cut());
    EXPECT_THAT(run.end(2, overloaded()), ElementsAre("finish #1 interrupted"));
    EXPECT_EQ(run.machine().unrecovered(), Ending::attempts_exhausted);
}

TEST(MachineRecovery, ASecondBreakIsRecoveredToo) {
    RecoveringRun run(3);
    run.start();
    run.commit();
    run.end(1, run.cut());
    run.commit(2);
    EXPECT_THAT(run.end(2, run.cut()), ElementsAre("recover #2", "start #3 c failover duplicated"));
    run.commit(3);
    EXPECT_THAT(run.answer(3), ElementsAre("finish #3 answered"));
}

TEST(MachineRecovery, OnlyADeadlineSetByTheCallerStillApplies) {
    for (const bool own : {false, true}) {
        RecoveringRun run(2);
        run.policy.deadline = run.now + 10s;
        run.policy.deadline_covers_stream = own;
        run.start();
        run.commit();
        EXPECT_THAT(run.pass(9s), IsEmpty());
        run.end(1, run.cut());
        run.connect(2);
        if (own) {
            EXPECT_THAT(run.pass(2s), ElementsAre("cancel #2", "finish #0 deadline"));
        } else {
            EXPECT_THAT(run.pass(2s), IsEmpty());
        }
    }
}

TEST(MachineRecovery, ARefusalIsNotRecovered) {
    RecoveringRun run(2);
    run.start();
    run.commit();
    EXPECT_THAT(run.end(1, failed_with(ErrorCode::insufficient_quota, 200)), ElementsAre("finish #1 interrupted"));
}

}  // namespace
}  // namespace holysheep::call
