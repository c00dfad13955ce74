// The timers inside a call: late connections, limits of an attempt, back-off, the deadline.
#include "call/machine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "call_script.hpp"

namespace holysheep::call {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

// ---- connections race, requests do not ----

TEST(CallMachineTiming, ALateConnectionIsRacedByTheNextRegion) {
    MachineRun run(3);
    run.start();
    EXPECT_THAT(run.pass(250ms - 1ns), IsEmpty());
    EXPECT_THAT(run.pass(1ns), ElementsAre("start #2 b race"));
    EXPECT_THAT(run.pass(250ms), ElementsAre("start #3 c race")) << "the second is late too";
    EXPECT_THAT(run.pass(2s), IsEmpty()) << "each late connection is raced once";
}

TEST(CallMachineTiming, TheFirstReadyConnectionGetsTheRequest) {
    MachineRun second_wins(2);
    second_wins.start();
    second_wins.pass(250ms);
    EXPECT_THAT(second_wins.connect(2), ElementsAre("late #1", "cancel #1")) << "the lost race is recorded";
    EXPECT_THAT(second_wins.connect(1), ElementsAre("rejected #1"));
    EXPECT_THAT(second_wins.answer(2), ElementsAre("finish #2 answered"));

    MachineRun first_wins(2);
    first_wins.start();
    first_wins.pass(250ms);
    EXPECT_THAT(first_wins.connect(1), ElementsAre("cancel #2"));
    EXPECT_THAT(first_wins.answer(1), ElementsAre("finish #1 answered"));
}

TEST(CallMachineTiming, ARaceCostsNoToken) {
    MachineRun run(2);
    run.budget = {0.2, 0};
    run.start();
    EXPECT_THAT(run.pass(250ms), ElementsAre("start #2 b race"));
}

TEST(CallMachineTiming, AReadyConnectionIsNotRaced) {
    MachineRun run(2);
    run.start();
    run.connect(1);
    EXPECT_THAT(run.pass(10s), IsEmpty());
}

TEST(CallMachineTiming, WhenTheLateConnectionFailsItsRivalIsTheNextAttempt) {
    MachineRun run(3);
    run.start();
    run.pass(250ms);
    EXPECT_THAT(run.end(1, refused_connection()), IsEmpty());
    EXPECT_THAT(run.end(2, refused_connection()), ElementsAre("start #3 c failover"));
}

TEST(CallMachineTiming, ALateRivalIsRacedToo) {
    MachineRun run(3);
    run.start();
    run.pass(250ms);
    run.end(1, refused_connection());
    EXPECT_THAT(run.pass(250ms), ElementsAre("start #3 c race"));
}

TEST(CallMachineTiming, LateConnectionsTimeOutInTurnAndAreRetried) {
    MachineRun run(2);
    run.start();
    EXPECT_THAT(run.pass(3s), ElementsAre("start #2 b race", "cancel #1 connect"));
    EXPECT_THAT(run.pass(250ms), ElementsAre("cancel #2 connect", "start #3 a retry"));
}

TEST(CallMachineTiming, OneAttemptIsNotRacedAndDoesNotSpin) {
    MachineRun run(2);
    run.policy.retry.max_attempts = 1;
    run.start();
    EXPECT_THAT(run.pass(2999ms), IsEmpty());
    EXPECT_THAT(run.pass(1ms), ElementsAre("cancel #1 connect", "finish #1 attempts_exhausted"));
}

TEST(CallMachineTiming, TheLastAttemptOfTheCapIsNotRacedAndDoesNotSpin) {
    MachineRun run(3);
    run.policy.retry.max_attempts = 2;
    run.start();
    run.end(1, overloaded());
    EXPECT_THAT(run.pass(2999ms), IsEmpty());
}

TEST(CallMachineTiming, ASingleRegionIsNotRaced) {
    MachineRun run(1);
    run.start();
    EXPECT_THAT(run.pass(2999ms), IsEmpty());
}

// ---- the limits of an attempt ----

TEST(CallMachineTiming, NoConnectionInTimeIsAFailure) {
    MachineRun run(1);
    run.start();
    EXPECT_THAT(run.pass(3s - 1ns), IsEmpty());
    EXPECT_THAT(run.pass(1ns), ElementsAre("cancel #1 connect"));
}

TEST(CallMachineTiming, WithoutAConnectLimitTheFirstByteLimitCounts) {
    MachineRun run(1);
    run.policy.connect = 0ns;
    run.policy.first_byte_last = 20s;
    run.start();
    EXPECT_THAT(run.pass(20s), ElementsAre("cancel #1 first_byte"));
}

TEST(CallMachineTiming, AMissingFirstByteFailsOver) {
    MachineRun run(2);
    run.start();
    run.connect(1);
    EXPECT_THAT(run.pass(300s - 1ns), IsEmpty());
    EXPECT_THAT(run.pass(1ns), ElementsAre("cancel #1 first_byte", "start #2 b failover duplicated"));
}

TEST(CallMachineTiming, TheLastRegionIsKeptDespiteSlowness) {
    MachineRun run(2);
    run.start();
    run.end(1, overloaded());
    run.connect(2);
    EXPECT_THAT(run.pass(599s), IsEmpty());
    EXPECT_THAT(run.pass(1s), ElementsAre("cancel #2", "finish #0 deadline"));
}

TEST(CallMachineTiming, AStreamsFirstByteHasALongerLimitOnTheLastRegion) {
    MachineRun run(2, true);
    run.start();
    run.connect(1);
    EXPECT_THAT(run.pass(60s), ElementsAre("cancel #1 first_byte", "start #2 b failover duplicated"));
    run.connect(2);
    EXPECT_THAT(run.pass(90s - 1ns), IsEmpty());
    EXPECT_THAT(run.pass(1ns), ElementsAre("cancel #2 first_byte", "start #3 a retry duplicated"));
}

TEST(CallMachineTiming, TheLastAttemptOfTheCapCountsAsTheLastRegion) {
    MachineRun run(3);
    run.policy.retry.max_attempts = 1;
    run.start();
    run.connect(1);
    EXPECT_THAT(run.pass(599s), IsEmpty());
}

TEST(CallMachineTiming, AStreamWithoutContentFailsOver) {
    MachineRun run(2, true);
    run.start();
    run.connect(1);
    run.first_byte(1);
    EXPECT_THAT(run.pass(120s - 1ns), IsEmpty());
    EXPECT_THAT(run.pass(1ns), ElementsAre("cancel #1 first_content", "start #2 b failover duplicated"));
}

TEST(CallMachineTiming, SilenceAfterContentIsFinal) {
    MachineRun run(2, true);
    run.start();
    run.commit();
    run.pass(59s);
    run.progress(1);
    EXPECT_THAT(run.pass(60s - 1ns), IsEmpty()) << "each piece restarts the timer";
    EXPECT_THAT(run.pass(1ns), ElementsAre("cancel #1 stall", "finish #1 interrupted"));
}

TEST(CallMachineTiming, ALearnedStallLimitAppliesToItsModelOnly) {
    for (const bool fallback : {false, true}) {
        MachineRun run(1, true);
        run.policy.learned_stall = 10s;
        run.policy.fallbacks = {{.name = "other", .id = run.regions.model_id("other")}};
        run.start();
        if (fallback) run.end(1, failed_with(ErrorCode::model_not_found, 404));
        const int last = fallback ? 2 : 1;
        run.commit(last);
        const auto limit = fallback ? 60s : 10s;
        EXPECT_EQ(run.machine().stall_limit(last), limit);
        EXPECT_THAT(run.pass(limit - 1ns), IsEmpty());
        EXPECT_THAT(run.pass(1ns), ::testing::Contains("cancel #" + std::to_string(last) + " stall"));
    }
}

TEST(CallMachineTiming, APlainBodyThatStallsHalfWayFailsOver) {
    MachineRun run(2);
    run.start();
    run.connect(1);
    run.first_byte(1);
    run.pass(30s);
    run.progress(1);
    EXPECT_THAT(run.pass(60s - 1ns), IsEmpty());
    EXPECT_THAT(run.pass(1ns), ElementsAre("cancel #1 stall", "start #2 b failover duplicated"));
}

TEST(CallMachineTiming, AnAttemptsTotalTimeCanBeLimited) {
    for (const bool content : {false, true}) {
        MachineRun run(2, true);
        run.policy.attempt = 5s;
        run.start();
        run.connect(1);
        run.first_byte(1);
        if (content) run.content(1);
        EXPECT_THAT(run.pass(5s - 1ns), IsEmpty());
        if (content) {
            EXPECT_THAT(run.pass(1ns), ElementsAre("cancel #1 attempt", "finish #1 interrupted"));
        } else {
            EXPECT_THAT(run.pass(1ns), ElementsAre("cancel #1 attempt", "start #2 b failover duplicated"));
        }
    }
}

TEST(CallMachineTiming, ZeroMeansNoLimit) {
    MachineRun run(1, true);
    run.policy.connect = run.policy.first_byte = run.policy.first_byte_last = 0ns;
    run.policy.first_content = run.policy.stall = run.policy.attempt = 0ns;
    run.policy.deadline.reset();
    run.start();
    EXPECT_EQ(run.machine().wake_at(run.now), std::nullopt);
    run.connect(1);
    EXPECT_EQ(run.machine().wake_at(run.now), std::nullopt);
    run.first_byte(1);
    EXPECT_EQ(run.machine().wake_at(run.now), std::nullopt);
    run.content(1);
    EXPECT_EQ(run.machine().wake_at(run.now), std::nullopt);
}

// ---- the deadline ----

TEST(CallMachineTiming, TheDeadlineEndsTheCallInEveryPhase) {
    const auto limited = [](MachineRun& run) -> MachineRun& {
        run.policy.deadline = run.now + 100ms;
        return run;
    };
    MachineRun connecting(1);
    limited(connecting).start();
    EXPECT_THAT(connecting.pass(100ms), ElementsAre("cancel #1", "finish #0 deadline"));

    MachineRun sent(1);
    limited(sent).start();
    sent.connect(1);
    EXPECT_THAT(sent.pass(100ms), ElementsAre("cancel #1", "finish #0 deadline"));

    MachineRun receiving(1, true);
    limited(receiving).start();
    receiving.connect(1);
    receiving.first_byte(1);
    EXPECT_THAT(receiving.pass(100ms), ElementsAre("cancel #1", "finish #0 deadline"));
}

TEST(CallMachineTiming, AWaitPastTheDeadlineIsNotBegun) {
    MachineRun run(1);
    run.policy.retry.initial_backoff = 1h;
    run.policy.retry.max_backoff = 1h;
    run.policy.deadline = run.now + 1ms;
    run.start();
    EXPECT_THAT(run.end(1, overloaded()), ElementsAre("finish #1 wait_too_long"));
}

TEST(CallMachineTiming, AFailureAtTheDeadlineIsNotFollowedByAnotherAttempt) {
    MachineRun run(2);
    run.policy.deadline = run.now + 1s;
    run.start();
    run.connect(1);
    run.now += 1s;
    EXPECT_THAT(run.end(1, lost_connection()), ElementsAre("finish #0 deadline"));
}

TEST(CallMachineTiming, AConnectionReadyAtTheDeadlineSendsNothing) {
    MachineRun run(1);
    run.policy.deadline = run.now + 1s;
    run.start();
    run.now += 1s;
    EXPECT_THAT(run.connect(1), ElementsAre("rejected #1"));
    // The transport's outcome must not look as if the caller had cancelled.
    EXPECT_THAT(run.end(1, {.error = ErrorCode::cancelled, .certainly_not_delivered = true}),
                ElementsAre("finish #0 deadline"));
}

TEST(CallMachineTiming, AStreamWithContentOutlivesTheDefaultDeadline) {
    MachineRun run(1, true);
    run.start();
    run.commit();
    for (int i = 0; i < 20; ++i) {
        EXPECT_THAT(run.pass(50s), IsEmpty());
        run.progress(1);
    }
    EXPECT_THAT(run.answer(1), ElementsAre("finish #1 answered"));
}

TEST(CallMachineTiming, ADeadlineSetByTheCallerCoversTheStream) {
    MachineRun run(1, true);
    run.policy = make_policy({}, {}, 10s, true, run.now);
    run.start();
    run.commit();
    EXPECT_THAT(run.pass(10s), ElementsAre("cancel #1", "finish #1 deadline"));
}

// ---- back-off ----

TEST(CallMachineTiming, TheWaitBeforeARetryIsRandomWithinItsCeiling) {
    std::set<nanoseconds> waits;
    nanoseconds longest{};
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        MachineRun run(1);
        run.policy.seed = seed;
        run.policy.retry.max_attempts = 4;
        run.policy.retry.outage_patience = 0ms;  // no patience to spread retries over
        run.start();
        nanoseconds ceiling = 50ms;
        for (int attempt = 1; attempt < 4; ++attempt, ceiling *= 2) {
            run.end(attempt, overloaded());
            const auto wait = *run.machine().wake_at(run.now) - run.now;
            EXPECT_GE(wait, 0ns);
            EXPECT_LT(wait, ceiling) << "attempt " << attempt;
            if (attempt == 1) waits.insert(wait);
            if (attempt == 3) longest = std::max(longest, wait);
            run.pass_until_something();
        }
    }
    EXPECT_GT(waits.size(), 190U) << "calls must not retry in step";
    EXPECT_LT(*waits.begin(), 5ms);
    EXPECT_GT(*waits.rbegin(), 45ms);
    EXPECT_GT(longest, 180ms) << "the ceiling doubles with each retry";
}

TEST(CallMachineTiming, ThrottlingWithoutAHintWaitsLonger) {
    nanoseconds longest{};
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        MachineRun run(1);
        run.policy.seed = seed;
        run.start();
        run.end(1, throttled());
        longest = std::max(longest, *run.machine().wake_at(run.now) - run.now);
    }
    EXPECT_GT(longest, 900ms);
    EXPECT_LT(longest, 1s);
}

TEST(CallMachineTiming, TheWaitStartsAtTheFailureOfTheRetriedRegion) {
    MachineRun run(2);
    run.policy.retry.initial_backoff = 10s;
    run.start();
    run.end(1, overloaded());
    run.connect(2);
    run.pass(100s);
    EXPECT_THAT(run.end(2, overloaded()), ElementsAre("start #3 a retry"));
}

TEST(CallMachineTiming, TheSameSeedGivesTheSameWait) {
    const auto wait = [](std::uint64_t seed) {
        MachineRun run(1);
        run.policy.seed = seed;
        run.start();
        run.end(1, overloaded());
        return run.machine().wake_at(run.now);
    };
    EXPECT_EQ(wait(42), wait(42));
    EXPECT_NE(wait(42), wait(43));
}

}  // namespace
}  // namespace holysheep::call
