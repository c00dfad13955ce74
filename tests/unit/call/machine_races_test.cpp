// Attempts sent beside a waiting one: silence on the wire, a dead region, hedges; trials and panic.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "call/machine.hpp"
#include "call_script.hpp"

namespace holysheep::call {
namespace {

using namespace std::chrono_literals;
using health::FailureClass;
using testing::ElementsAre;
using testing::IsEmpty;

/// Teaches the tracker a constant round trip of 20 ms to region `a`.
void learn_round_trip(MachineRun& run, std::size_t region = 0) {
    for (int i = 0; i < 40; ++i) run.regions.on_rtt(region, 20ms, run.now);
}

// ---- late connections ----

TEST(ConnectionRace, BeginsOnceAConnectionIsLateByTheRegionsMeasurements) {
    MachineRun run(2);
    for (int i = 0; i < 40; ++i) run.regions.on_connect_time(0, 60ms);
    run.start();
    EXPECT_THAT(run.pass(90ms - 1ns), IsEmpty());
    EXPECT_THAT(run.pass(1ms), ElementsAre("start #2 b race"));
}

TEST(ConnectionRace, BeginsOneRoundTripAnd30MsAfterAnUnansweredHandshake) {
    MachineRun run(2);
    learn_round_trip(run);
    for (int i = 0; i < 40; ++i) run.regions.on_connect_time(0, 300ms);  // TLS handshakes are slow
    run.evidence = PathEvidence{.unacked_for = 45ms};
    run.start();
    EXPECT_THAT(run.pass(54ms), IsEmpty());
    run.evidence->unacked_for = 50ms;
    EXPECT_THAT(run.pass(2ms), ElementsAre("start #2 b race"));
    EXPECT_THAT(run.pass(1s), IsEmpty()) << "only once";
}

TEST(ConnectionRace, AnAnsweredHandshakeHasTheRegionsUsualConnectTime) {
    MachineRun run(2);
    learn_round_trip(run);
    for (int i = 0; i < 40; ++i) run.regions.on_connect_time(0, 300ms);
    run.evidence = PathEvidence{.srtt = 20ms};
    run.start();
    EXPECT_THAT(run.pass(329ms), IsEmpty());
    EXPECT_THAT(run.pass(2ms), ElementsAre("start #2 b race"));
}

TEST(ConnectionRace, OnFirstContactAnAnsweringHostHasASecondForTls) {
    MachineRun run(2);
    run.evidence = PathEvidence{.srtt = 180ms};
    run.start();
    EXPECT_THAT(run.pass(999ms), IsEmpty());
    EXPECT_THAT(run.pass(2ms), ElementsAre("start #2 b race"));
}

TEST(ConnectionRace, OnFirstContactASilentHostHas250Ms) {
    for (const auto& evidence : {std::optional<PathEvidence>{}, std::optional{PathEvidence{.unacked_for = 250ms}}}) {
        MachineRun run(2);
        run.evidence = evidence;
        run.start();
        EXPECT_THAT(run.pass(249ms), IsEmpty());
        EXPECT_THAT(run.pass(2ms), ElementsAre("start #2 b race"));
    }
}

TEST(ConnectionRace, AProxysHandshakeIsNoEvidenceOfTheRegion) {
    MachineRun run(2);
    learn_round_trip(run);
    for (int i = 0; i < 40; ++i) run.regions.on_connect_time(0, 300ms);
    run.evidence = PathEvidence{.unacked_for = 80ms, .via_proxy = true};
    run.start();
    EXPECT_THAT(run.pass(329ms), IsEmpty());
}

TEST(ConnectionRace, ThreeLostRacesMakeARegionUnusable) {
    MachineRun seed(2);
    health::RegionHealthTracker regions(make_regions(2), {}, {}, 7);
    for (int i = 0; i < 3; ++i) {
        auto token = regions.on_dispatch(0, 0, health::Awaited::plain, seed.now);
        regions.on_late(token, seed.now);
        regions.on_outcome(token, FailureClass::none, seed.now);
    }
    EXPECT_FALSE(regions.usable(0, 0, seed.now));
}

TEST(ConnectionRace, TheWinnerIsRacedAgainWhenItsRegionIsLost) {
    MachineRun run(2);
    learn_round_trip(run);
    for (int i = 0; i < 40; ++i) run.regions.on_connect_time(0, 60ms);
    run.start();
    EXPECT_THAT(run.pass(90ms), ElementsAre("start #2 b race"));
    run.connect(1);
    EXPECT_THAT(run.region_down(0), ElementsAre("late #1", "start #3 b rescue duplicated"))
        << "b never got the request";
}

// ---- unacknowledged requests ----

TEST(LostPath, StartsARaceOneRoundTripAnd45MsAfterTheRequestWasSent) {
    MachineRun run(2);
    learn_round_trip(run);
    run.evidence = PathEvidence{.unacked_for = 65ms, .srtt = 20ms};
    run.start();
    run.connect(1);
    EXPECT_THAT(run.pass(64ms), IsEmpty());
    EXPECT_THAT(run.pass(2ms), ElementsAre("late #1", "start #2 b race duplicated"));
    run.evidence->unacked_for.reset();
    run.connect(2);
    EXPECT_THAT(run.pass(10s), IsEmpty()) << "raced once and kept";
    EXPECT_THAT(run.end(1, {.answered = true}), ElementsAre("cancel #2", "finish #1 answered"));
}

TEST(LostPath, AHeadBeforeTheRequestArrivedChangesNothing) {
    MachineRun run(2);
    learn_round_trip(run);
    run.evidence = PathEvidence{.unacked_for = 65ms, .srtt = 20ms};
    run.start();
    run.connect(1);
    run.first_byte(1);
    EXPECT_THAT(run.pass(65ms), ElementsAre("late #1", "start #2 b race duplicated"));
}

TEST(LostPath, AnAcknowledgedRequestIsNotRaced) {
    MachineRun run(2);
    learn_round_trip(run);
    run.evidence = PathEvidence{.srtt = 20ms};
    run.start();
    run.connect(1);
    EXPECT_THAT(run.pass(20s), IsEmpty());
}

TEST(LostPath, IsCheckedAgainWhenTheRequestWasSentLate) {
    MachineRun run(2);
    learn_round_trip(run);
    run.evidence = PathEvidence{.unacked_for = 30ms, .srtt = 20ms};
    run.start();
    run.connect(1);
    EXPECT_THAT(run.pass(90ms), IsEmpty());
    run.evidence->unacked_for = 66ms;
    EXPECT_THAT(run.pass(15ms), ElementsAre("late #1", "start #2 b race duplicated"));
}

TEST(LostPath, AProxysAcknowledgementProvesNothing) {
    MachineRun run(2);
    learn_round_trip(run);
    run.evidence = PathEvidence{.unacked_for = 10s, .srtt = 1ms, .via_proxy = true};
    run.start();
    run.connect(1);
    EXPECT_THAT(run.pass(20s), IsEmpty());
}

TEST(LostPath, CostSafeCallsOnlyRecordTheFailure) {
    MachineRun run(2);
    learn_round_trip(run);
    run.policy.cost_safe = true;
    run.evidence = PathEvidence{.unacked_for = 70ms, .srtt = 20ms};
    run.start();
    run.connect(1);
    EXPECT_THAT(run.pass(20s), ElementsAre("late #1"));
}

TEST(LostPath, ARaceToAFailingRegionTakesAToken) {
    for (const int tokens : {0, 1}) {
        MachineRun run(2);
        learn_round_trip(run);
        run.budget = {0.2, tokens};
        for (int i = 0; i < 20; ++i) run.other_call_ends(1, FailureClass::gateway);
        run.evidence = PathEvidence{.unacked_for = 70ms, .srtt = 20ms};
        run.start();
        run.connect(1);
        const auto seen = run.pass(1s);
        EXPECT_EQ(seen.size(), static_cast<std::size_t>(1 + tokens)) << tokens;
        EXPECT_EQ(run.budget.tokens(), 0);
    }
}

TEST(LostPath, ARaceWithoutASocketKeepsTheFirstAttempt) {
    MachineRun run(2);
    learn_round_trip(run);
    run.evidence = PathEvidence{.unacked_for = 70ms, .srtt = 20ms};
    run.start();
    run.connect(1);
    EXPECT_THAT(run.pass(100ms), ElementsAre("late #1", "start #2 b race duplicated"));
    EXPECT_THAT(run.end(2, {.error = ErrorCode::descriptors_exhausted, .certainly_not_delivered = true}), IsEmpty());
    EXPECT_THAT(run.end(1, {.answered = true}), ElementsAre("finish #1 answered"));
}

// ---- silent regions ----

TEST(SignOfLife, IsRequestedForMovableCallsAndForPinnedStreams) {
    struct Row {
        std::size_t regions, plan;
        bool stream, wanted;
    };
    for (const Row row :
         {Row{2, 2, false, true}, Row{2, 1, false, false}, Row{2, 1, true, true}, Row{1, 1, true, false}}) {
        MachineRun run(row.regions, row.stream);
        run.plan_only(row.plan);
        run.policy.sign_of_life = 1s;
        EXPECT_EQ(run.machine().wants_sign_of_life(), row.wanted) << row.regions << row.plan << row.stream;
    }
}

TEST(Rescue, TheLoserOfAConnectionRaceRescuedNothing) {
    MachineRun run(2);
    run.start();
    EXPECT_THAT(run.region_down(0), ElementsAre("late #1", "start #2 b rescue"));
    run.connect(1);
    EXPECT_THAT(run.region_down(0), ElementsAre("late #1", "start #3 b rescue duplicated"));
    run.connect(3);
    EXPECT_THAT(run.region_down(0), IsEmpty());
}

TEST(Rescue, AWaitingAttemptIsRacedWhenItsRegionIsFoundDead) {
    MachineRun run(3);
    run.start();
    run.connect(1);
    EXPECT_THAT(run.region_down(0), ElementsAre("late #1", "start #2 b rescue duplicated"));
    EXPECT_THAT(run.region_down(0), IsEmpty()) << "only once";
    EXPECT_THAT(run.content(2), ElementsAre("cancel #1", "commit #2"));
}

TEST(Rescue, AnUnsentRequestIsNotADuplicate) {
    MachineRun run(2);
    run.start();
    EXPECT_THAT(run.region_down(0), ElementsAre("late #1", "start #2 b rescue"));
}

TEST(Rescue, AHeadDoesNotCountAsContent) {
    for (const bool stream : {false, true}) {
        MachineRun run(2, stream);
        run.start();
        run.connect(1);
        run.first_byte(1);
        run.progress(1);
        EXPECT_THAT(run.region_down(0), ElementsAre("late #1", "start #2 b rescue duplicated"));
    }
}

TEST(Rescue, TheNextRegionMayBeFoundDeadToo) {
    MachineRun run(3);
    run.start();
    run.connect(1);
    run.region_down(0);
    run.connect(2);
    EXPECT_THAT(run.region_down(1), ElementsAre("late #2", "start #3 c rescue duplicated"));
}

/// Two probes of region `a` were not answered, and nothing else came from there for two seconds.
void find_dead(MachineRun& run) {
    for (int i = 0; i < 2; ++i) {
        run.now += 1s;
        run.regions.take_probe(0, run.now);
        run.regions.on_probe_end(0, {}, run.now);
    }
}

TEST(Rescue, AStreamWithContentEndsAsStalledWhenItsRegionIsFoundDead) {
    MachineRun run(2, true);
    run.start();
    run.regions.on_alive(0, run.now);
    run.commit();
    find_dead(run);
    EXPECT_THAT(run.region_down(0), ElementsAre("cancel #1 silence"));
    EXPECT_THAT(run.end(1, {.error = ErrorCode::stream_stalled, .limit = Limit::silence}),
                ElementsAre("finish #1 interrupted"));
}

TEST(Rescue, AStreamWithContentIsRecoveredIfConfigured) {
    MachineRun run(2, true);
    run.policy.recovery = StreamRecovery::restart;
    run.start();
    run.regions.on_alive(0, run.now);
    run.commit();
    find_dead(run);
    EXPECT_THAT(run.region_down(0), ElementsAre("cancel #1 silence"));
    EXPECT_THAT(run.end(1, {.error = ErrorCode::stream_stalled, .limit = Limit::silence}),
                ElementsAre("recover #1", "start #2 b failover duplicated"));
}

TEST(Rescue, ARecoverableStreamIsLeftAfterTwoMissedProbesAndOthersLater) {
    for (const auto recovery : {StreamRecovery::terminate, StreamRecovery::restart}) {
        MachineRun run(2, true);
        run.policy.recovery = recovery;
        run.start();
        run.regions.on_alive(0, run.now);
        run.commit();
        auto watched = run.regions.on_dispatch(0, run.model, health::Awaited::stream, run.now);
        run.regions.watch(watched, run.now);
        run.now += 1s;
        for (int i = 0; i < 2; ++i) {
            run.regions.take_probe(0, run.now);
            run.now += 50ms;
            run.regions.on_probe_end(0, {}, run.now);
        }
        EXPECT_EQ(run.region_down(0).empty(), recovery == StreamRecovery::terminate);
    }
}

TEST(Rescue, AStreamThatReceivesBytesIsNotEnded) {
    MachineRun run(2, true);
    run.start();
    run.commit();
    find_dead(run);
    run.regions.on_alive(0, run.now);
    EXPECT_THAT(run.region_down(0), IsEmpty());
}

TEST(Rescue, OneUnansweredProbeDoesNotEndAStream) {
    MachineRun run(2, true);
    run.start();
    run.regions.on_alive(0, run.now);
    run.commit();
    run.now += 2s;
    run.regions.take_probe(0, run.now);
    run.regions.on_probe_end(0, {}, run.now);
    EXPECT_THAT(run.region_down(0), IsEmpty());
}

TEST(Rescue, AnotherRegionsDeathIsIgnored) {
    MachineRun run(3);
    run.start();
    run.connect(1);
    EXPECT_THAT(run.region_down(2), IsEmpty());
}

TEST(Rescue, AFailedRescueMovesToTheThirdRegion) {
    MachineRun run(3);
    run.start();
    run.connect(1);
    run.region_down(0);
    run.connect(2);
    EXPECT_THAT(run.end(2, overloaded()), ElementsAre("start #3 c failover")) << "the first attempt is late";
    EXPECT_THAT(run.answer(3), ElementsAre("cancel #1", "finish #3 answered"));
}

TEST(Rescue, WaitsForTheNextReportWhenNoRegionIsUsable) {
    MachineRun run(2);
    run.regions.limit_until(1, run.model, run.now + 3s);
    run.start();
    run.connect(1);
    EXPECT_THAT(run.region_down(0), ElementsAre("late #1"));
    run.pass(3s);
    EXPECT_THAT(run.region_down(0), ElementsAre("late #1", "start #2 b rescue duplicated"));
}

// ---- hedges ----

struct HedgedRun : MachineRun {
    explicit HedgedRun(std::size_t count) : MachineRun(count, true) {
        policy.hedge = true;
        policy.hedge_after = 300ms;
        for (std::size_t i = 0; i < count; ++i) other_call_ends(i, FailureClass::success);
    }
};

TEST(Hedge, IsSentWhenTheFirstIsSlowAndTheFirstContentWins) {
    HedgedRun run(2);
    run.start();
    run.connect(1);
    EXPECT_THAT(run.pass(300ms - 1ns), IsEmpty());
    EXPECT_THAT(run.pass(1ns), ElementsAre("start #2 b hedge duplicated"));
    EXPECT_EQ(run.hedges.tokens(), 4);
    EXPECT_EQ(run.budget.tokens(), 20) << "hedges have a separate budget";
    run.connect(2);
    EXPECT_THAT(run.content(1), ElementsAre("cancel #2", "commit #1"));
}

TEST(Hedge, IsNotSentWhereForbiddenOrPointless) {
    struct Row {
        const char* when;
        std::function<void(HedgedRun&)> prepare;
    };
    const Row rows[] = {
        {"its budget is empty",
         [](HedgedRun& run) {
             run.hedges = {0.05, 0};
         }},
        {"the call is cost-safe", [](HedgedRun& run) { run.policy.cost_safe = true; }},
        {"max_attempts is 1", [](HedgedRun& run) { run.policy.retry.max_attempts = 1; }},
        {"the other region is failing",
         [](HedgedRun& run) {
             for (int i = 0; i < 3; ++i) run.other_call_ends(1, FailureClass::gateway);
         }},
        {"the other region is limited", [](HedgedRun& run) { run.regions.limit_until(1, run.model, run.now + 10s); }},
        {"the other region is draining", [](HedgedRun& run) { run.regions.set_draining(1, true, run.now); }},
    };
    for (const auto& row : rows) {
        HedgedRun run(2);
        row.prepare(run);
        run.start();
        run.connect(1);
        EXPECT_THAT(run.pass(1s), IsEmpty()) << row.when;
    }
}

TEST(Hedge, IsSentAfterTheHeadToo) {
    HedgedRun run(2);
    run.start();
    run.connect(1);
    run.pass(200ms);
    run.first_byte(1);
    EXPECT_THAT(run.pass(100ms), ElementsAre("start #2 b hedge duplicated"));
}

TEST(Hedge, IsNotSentOnceThereIsContent) {
    HedgedRun run(2);
    run.start();
    run.commit();
    EXPECT_THAT(run.pass(10s), IsEmpty());
}

// ---- backups ----

struct BackedUpRun : MachineRun {
    explicit BackedUpRun(std::size_t count, bool stream = true) : MachineRun(count, stream) {
        policy.deadline = now + 3s;
        policy.usual = 400ms;
        for (std::size_t i = 0; i < count; ++i) other_call_ends(i, FailureClass::success);
    }
};

TEST(Backup, IsSentWhileAnotherRegionCanMeetTheDeadline) {
    for (const bool head : {false, true}) {
        BackedUpRun run(2);
        run.start();
        run.connect(1);
        if (head) run.first_byte(1);
        EXPECT_THAT(run.pass(2200ms - 1ns), IsEmpty());
        EXPECT_THAT(run.pass(1ns), ElementsAre("start #2 b backup duplicated"));
        EXPECT_EQ(run.budget.tokens(), 19);
        run.connect(2);
        EXPECT_THAT(run.content(2), ElementsAre("cancel #1", "commit #2"));
    }
}

TEST(Backup, IsSentAtHalfOfTheDeadlineWithoutMeasurements) {
    BackedUpRun run(2);
    run.policy.usual.reset();
    run.start();
    run.connect(1);
    EXPECT_THAT(run.pass(1500ms - 1ns), IsEmpty());
    EXPECT_THAT(run.pass(1ns), ElementsAre("start #2 b backup duplicated"));
}

TEST(Backup, IsTheOnlyAttemptThatOneMomentAsksFor) {
    BackedUpRun run(3);
    run.policy.usual.reset();
    run.policy.deadline = run.now + 500ms;  // a backup is due after 250 ms, when the connection is late as well
    run.policy.connect_race = 250ms;
    run.start();
    run.now += 250ms;
    const auto commands = run.machine().on_wake(run.now);
    ASSERT_EQ(commands.size(), 1U);
    EXPECT_EQ(describe(commands[0], run.machine()), "acquire #2 b beside #1 shared");
}

TEST(Backup, IsSentBeforeTheUsersFirstContentLimit) {
    BackedUpRun run(2);
    run.policy.deadline.reset();
    run.policy.first_content = 2s;
    run.policy.user_set_first_content = true;
    run.start();
    run.connect(1);
    run.first_byte(1);
    EXPECT_THAT(run.pass(1500ms), ElementsAre("start #2 b backup duplicated"));
}

TEST(Backup, IsNotSentWhereForbiddenOrPointless) {
    struct Row {
        const char* when;
        std::function<void(BackedUpRun&)> prepare;
    };
    const Row rows[] = {
        {"the retry budget is empty",
         [](BackedUpRun& run) {
             run.budget = {0.2, 0};
         }},
        {"the call is cost-safe", [](BackedUpRun& run) { run.policy.cost_safe = true; }},
        {"max_attempts is 1", [](BackedUpRun& run) { run.policy.retry.max_attempts = 1; }},
        {"the other region is draining", [](BackedUpRun& run) { run.regions.set_draining(1, true, run.now); }},
        {"the call is pinned to its region", [](BackedUpRun& run) { run.plan_only(1); }},
        {"there is no deadline", [](BackedUpRun& run) { run.policy.deadline.reset(); }},
    };
    for (const auto& row : rows) {
        BackedUpRun run(2);
        row.prepare(run);
        run.start();
        run.connect(1);
        EXPECT_THAT(run.pass(2900ms), IsEmpty()) << row.when;
    }
}

TEST(Backup, IsTriedAgainWhenNoRegionWasUsable) {
    BackedUpRun run(2);
    run.regions.limit_until(1, run.model, run.now + 2300ms);
    run.start();
    run.connect(1);
    EXPECT_THAT(run.pass(2600ms), ElementsAre("start #2 b backup duplicated"));
}

TEST(Backup, ATrialIsBackedUpAfterTheUsualTimeOfOthers) {
    BackedUpRun run(2);
    for (int i = 0; i < 3; ++i) run.other_call_ends(0, FailureClass::gateway);  // a bad error rate
    run.start();
    run.connect(1);
    EXPECT_THAT(run.pass(400ms - 1ns), IsEmpty());
    EXPECT_THAT(run.pass(1ns), ElementsAre("start #2 b backup duplicated"));
    EXPECT_EQ(run.budget.tokens(), 20) << "a move to a healthy region is free";
}

TEST(Backup, ATrialIsNotBackedUpByAnotherTrial) {
    BackedUpRun run(2);
    run.policy.deadline.reset();
    for (int i = 0; i < 3; ++i) {
        run.other_call_ends(0, FailureClass::gateway);
        run.other_call_ends(1, FailureClass::gateway);
    }
    run.start();
    run.connect(1);
    EXPECT_THAT(run.pass(10s), IsEmpty());
}

TEST(Backup, AnExplorationIsBackedUpByARegionInUse) {
    for (const bool in_use : {true, false}) {
        BackedUpRun run(2);
        run.regions.on_alive(0, run.now);
        run.now += 31s;
        run.policy.deadline.reset();
        if (in_use) run.other_call_ends(1, FailureClass::success);
        run.start();
        run.connect(1);
        const auto seen = run.pass(400ms);
        EXPECT_EQ(seen, in_use ? Lines{"start #2 b backup duplicated"} : Lines{});
    }
}

TEST(Backup, AFailedBackupKeepsTheFirstAttempt) {
    BackedUpRun run(2);
    run.start();
    run.connect(1);
    run.pass(2500ms);
    run.connect(2);
    EXPECT_THAT(run.end(2, overloaded()), IsEmpty());
    EXPECT_THAT(run.answer(1), ElementsAre("finish #1 answered"));
}

TEST(Hedge, AFailedHedgeKeepsTheFirstAttempt) {
    HedgedRun run(3);
    run.start();
    run.connect(1);
    run.pass(300ms);
    EXPECT_THAT(run.end(2, overloaded()), IsEmpty()) << "the first is still running";
    EXPECT_THAT(run.answer(1), ElementsAre("finish #1 answered"));
}

TEST(Hedge, ARegionThatLacksTheModelDoesNotEndTheCall) {
    HedgedRun run(2);
    run.start();
    run.connect(1);
    run.pass(300ms);
    run.connect(2);
    EXPECT_THAT(run.end(2, failed_with(ErrorCode::model_not_found, 404)), IsEmpty()) << "the first may still answer";
    EXPECT_THAT(run.answer(1), ElementsAre("finish #1 answered"));
}

// ---- breakers in the plan ----

/// Three regions, the first of which has just failed three times.
struct OpenBreaker : MachineRun {
    explicit OpenBreaker(std::size_t count) : MachineRun(count, false, BreakerOptions{}) { open(0); }
    void open(std::size_t region) {
        for (int i = 0; i < 3; ++i) other_call_ends(region, FailureClass::transport);
    }
};

TEST(BreakerInThePlan, AnOpenRegionIsSkipped) {
    OpenBreaker run(3);
    EXPECT_THAT(run.start(), ElementsAre("start #1 b first"));
    EXPECT_THAT(run.end(1, refused_connection()), ElementsAre("start #2 c failover"));
}

TEST(BreakerInThePlan, AfterAllOthersFailedABlockedRegionIsTriedAtOnce) {
    OpenBreaker run(2);
    EXPECT_THAT(run.start(), ElementsAre("start #1 b first"));
    EXPECT_THAT(run.end(1, overloaded()), ElementsAre("start #2 a failover panic"));
}

TEST(BreakerInThePlan, WithEveryRegionOpenEachIsTriedByACanary) {
    OpenBreaker run(2);
    run.open(1);
    const auto started_with = run.start();
    ASSERT_EQ(started_with.size(), 1U);
    EXPECT_THAT(started_with[0], testing::AnyOf("start #1 a first panic", "start #1 b first panic"));
    EXPECT_TRUE(run.machine().planner().outage());
    const auto next = run.end(1, refused_connection());
    EXPECT_THAT(next,
                ElementsAre(started_with[0][9] == 'a' ? "start #2 b failover panic" : "start #2 a failover panic"))
        << "the other region is tried before the call fails";
}

TEST(BreakerInThePlan, WhileOneRegionPausesABlockedOneIsTriedAtOnce) {
    OpenBreaker run(2);
    run.regions.limit_until(1, run.model, run.now + 5s);
    EXPECT_THAT(run.start(), ElementsAre("start #1 a first panic"));
    EXPECT_THAT(run.end(1, refused_connection()), IsEmpty());
    EXPECT_THAT(run.pass(5s), testing::Contains("start #2 a retry panic")) << "tried again after the pause";
}

TEST(BreakerInThePlan, AModelMissingInEveryRegionIsStillTried) {
    MachineRun run(2);
    for (const std::size_t region : {0U, 1U}) run.regions.on_model_missing(region, run.model, run.now);
    EXPECT_THAT(run.start(), ElementsAre("start #1 a first")) << "not as a panic attempt";
}

TEST(BreakerInThePlan, ACallDoesNotWaitForAnotherCallsTrial) {
    OpenBreaker run(2);
    run.now += 3s;
    auto trial = run.regions.on_dispatch(0, run.model, health::Awaited::plain, run.now);
    EXPECT_THAT(run.start(), ElementsAre("start #1 b first"));
    run.regions.on_outcome(trial, FailureClass::none, run.now);
}

}  // namespace
}  // namespace holysheep::call
