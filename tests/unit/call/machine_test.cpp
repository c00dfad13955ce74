// What follows each event of a call: failover, retries, ends. The timers are in machine_timing_test.cpp.
#include "call/machine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "call_script.hpp"

namespace holysheep::call {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

// ---- start ----

TEST(CallMachine, BeginsWithTheFirstRegionOfThePlan) {
    MachineRun run(3);
    EXPECT_THAT(run.start(), ElementsAre("start #1 a first"));
}

TEST(CallMachine, AnAnswerEndsTheCall) {
    MachineRun run(2);
    run.start();
    run.connect(1);
    run.first_byte(1);
    EXPECT_THAT(run.answer(1), ElementsAre("finish #1 answered"));
    EXPECT_TRUE(run.machine().finished());
    EXPECT_EQ(run.machine().wake_at(run.now), std::nullopt);
}

TEST(CallMachine, BeginsWithTheFirstRegionThatMayBeUsed) {
    MachineRun run(4);
    run.regions.set_draining(0, true, run.now);
    run.regions.limit_until(1, run.model, run.now + 10s);
    run.regions.limit_until(2, run.regions.model_id("another model"), run.now + 10s);
    EXPECT_THAT(run.start(), ElementsAre("start #1 c first"));
}

TEST(CallMachine, WithEveryRegionDrainingNoneIsAvailable) {
    MachineRun run(2);
    run.regions.set_draining(0, true, run.now);
    run.regions.set_draining(1, true, run.now);
    EXPECT_THAT(run.start(), ElementsAre("finish #0 no_region"));
}

TEST(CallMachine, WithEveryRegionPausedItWaitsForTheFirstPauseToEnd) {
    MachineRun run(3);
    run.regions.limit_until(0, run.model, run.now + 30s);
    run.regions.limit_until(1, run.model, run.now + 10s);
    run.regions.limit_until(2, run.model, run.now + 20s);
    EXPECT_THAT(run.start(), IsEmpty());
    EXPECT_EQ(run.machine().wake_at(run.now), run.now + 10s);
    EXPECT_THAT(run.pass(10s - 1ns), IsEmpty());
    EXPECT_THAT(run.pass(1ns), ElementsAre("start #1 b first"));
}

TEST(CallMachine, APauseBeyondTheLongestWaitFailsAtOnceAndReportsTheWait) {
    MachineRun run(2);
    run.regions.limit_until(0, run.model, run.now + 90s);
    run.regions.limit_until(1, run.model, run.now + 61s);
    EXPECT_THAT(run.start(), ElementsAre("finish #0 wait_too_long"));
    EXPECT_EQ(run.machine().planner().quota_clock(), run.now + 61s);
}

TEST(CallMachine, RemembersTheFirstQuotaThatReturnsAndNoHintOfAnOverloadedRegion) {
    MachineRun run(3);
    run.start();
    run.end(1, overloaded(1s));
    EXPECT_EQ(run.machine().planner().quota_clock(), std::nullopt);
    run.end(2, throttled(8s));
    EXPECT_EQ(run.machine().planner().quota_clock(), run.now + 8s);
    const auto expected = run.now + 3s;
    run.end(3, throttled(3s));
    EXPECT_EQ(run.machine().planner().quota_clock(), expected);
}

TEST(CallMachine, APauseBeyondTheDeadlineFailsAtOnceAndReportsTheWait) {
    MachineRun run(1);
    run.policy.deadline = run.now + 5s;
    run.regions.limit_until(0, run.model, run.now + 5s);
    EXPECT_THAT(run.start(), ElementsAre("finish #0 wait_too_long"));
    EXPECT_EQ(run.machine().planner().quota_clock(), run.now + 5s);
}

TEST(CallMachine, AfterTheDeadlineNothingIsDispatched) {
    MachineRun run(1);
    run.policy.deadline = run.now;
    EXPECT_THAT(run.start(), ElementsAre("finish #0 deadline"));
}

TEST(CallMachine, ARegionDrainedDuringTheWaitIsNotUsed) {
    MachineRun run(2);
    run.regions.limit_until(0, run.model, run.now + 10s);
    run.regions.limit_until(1, run.model, run.now + 20s);
    EXPECT_THAT(run.start(), IsEmpty());
    run.regions.set_draining(0, true, run.now);
    EXPECT_THAT(run.pass(10s), IsEmpty());
    EXPECT_THAT(run.pass(10s), ElementsAre("start #1 b first"));
}

TEST(CallMachine, WithAllRegionsDrainedDuringTheWaitNoneIsAvailable) {
    MachineRun run(1);
    run.regions.limit_until(0, run.model, run.now + 10s);
    run.start();
    run.regions.set_draining(0, true, run.now);
    EXPECT_THAT(run.pass(10s), ElementsAre("finish #0 no_region"));
}

// ---- failover ----

TEST(CallMachine, TheSecondRegionIsTriedAtOnceAfterARefusal) {
    MachineRun run(2);
    run.start();
    EXPECT_THAT(run.end(1, refused_connection()), ElementsAre("start #2 b failover"));
    run.connect(2);
    EXPECT_THAT(run.answer(2), ElementsAre("finish #2 answered"));
}

TEST(CallMachine, EachRegionIsVisitedOnceBeforeAnyIsVisitedTwice) {
    MachineRun run(4);
    run.start();
    EXPECT_THAT(run.end(1, overloaded()), ElementsAre("start #2 b failover"));
    EXPECT_THAT(run.end(2, {.error = ErrorCode::tls_failed, .certainly_not_delivered = true}),
                ElementsAre("start #3 c failover"));
    EXPECT_THAT(run.end(3, throttled()), ElementsAre("start #4 d failover"));
    EXPECT_THAT(run.end(4, overloaded()), IsEmpty()) << "now it has to wait";
}

TEST(CallMachine, AfterEveryRegionTwoMoreAttemptsAreMade) {
    MachineRun run(2);
    run.start();
    run.end(1, overloaded());
    EXPECT_THAT(run.end_and_wait(2, overloaded()), ElementsAre("start #3 a retry"));
    EXPECT_THAT(run.end_and_wait(3, overloaded()), ElementsAre("start #4 b retry"));
    EXPECT_THAT(run.end(4, overloaded()), ElementsAre("finish #4 regions_exhausted"));
    EXPECT_EQ(run.machine().first_failure(), 1);
    EXPECT_TRUE(run.machine().planner().regions_exhausted());
}

TEST(CallMachine, ASingleRegionIsTriedAgainAfterAWait) {
    MachineRun run(1);
    run.start();
    EXPECT_THAT(run.end(1, failed_with(ErrorCode::server_failed, 500)), IsEmpty());
    EXPECT_THAT(run.pass_until_something(), ElementsAre("start #2 a retry duplicated"));
}

TEST(CallMachine, AnErrorThatEveryRegionWouldGiveIsFinal) {
    for (const auto code : {ErrorCode::invalid_request, ErrorCode::unauthenticated, ErrorCode::permission_denied,
                            ErrorCode::context_length_exceeded, ErrorCode::request_too_large,
                            ErrorCode::content_filtered, ErrorCode::insufficient_quota}) {
        MachineRun run(3);
        run.start();
        EXPECT_THAT(run.end(1, failed_with(code, 400)), ElementsAre("finish #1 refused")) << code;
    }
}

TEST(CallMachine, ARefusalAfterAFailoverIsFinalToo) {
    MachineRun run(3);
    run.start();
    run.end(1, refused_connection());
    EXPECT_THAT(run.end(2, failed_with(ErrorCode::invalid_request, 400)), ElementsAre("finish #2 refused"));
    EXPECT_EQ(run.machine().first_failure(), 1);
}

TEST(CallMachine, PausedRegionsAreSkipped) {
    MachineRun run(3);
    run.regions.limit_until(1, run.model, run.now + 10s);
    run.start();
    EXPECT_THAT(run.end(1, overloaded()), ElementsAre("start #2 c failover"));
}

TEST(CallMachine, DrainingRegionsAreSkipped) {
    MachineRun run(3);
    run.start();
    run.regions.set_draining(1, true, run.now);
    EXPECT_THAT(run.end(1, overloaded()), ElementsAre("start #2 c failover"));
}

TEST(CallMachine, ARegionDrainedDuringTheBackOffIsNotUsed) {
    MachineRun run(2);
    run.start();
    run.end(1, overloaded());
    EXPECT_THAT(run.end(2, overloaded()), IsEmpty());
    run.regions.set_draining(0, true, run.now);
    EXPECT_THAT(run.pass_until_something(), ElementsAre("start #3 b retry"));
}

// ---- connections that died while they were idle ----

TEST(CallMachine, ADeadPooledConnectionIsReplacedAtTheSameRegion) {
    MachineRun run(2);
    run.budget = {0.2, 0};  // the retry needs no token
    run.start();
    EXPECT_THAT(run.end(1, stale_connection()), ElementsAre("start #2 a retry fresh duplicated"));
    EXPECT_THAT(run.answer(2), ElementsAre("finish #2 answered"));
}

TEST(CallMachine, ADeadPooledConnectionIsReplacedOnlyOnce) {
    MachineRun run(3);
    run.start();
    run.end(1, stale_connection());
    EXPECT_THAT(run.end(2, stale_connection()), ElementsAre("start #3 b failover duplicated"));
    EXPECT_THAT(run.end(3, stale_connection()), ElementsAre("start #4 c failover duplicated"));
}

TEST(CallMachine, AnUnsentRequestIsNoDuplicate) {
    MachineRun run(1);
    run.start();
    auto stale = stale_connection();
    stale.certainly_not_delivered = true;
    EXPECT_THAT(run.end(1, stale), ElementsAre("start #2 a retry fresh"));
}

// ---- conflicts ----

TEST(CallMachine, AConflictIsRetriedOnceAtTheSameRegionAfterAWait) {
    MachineRun run(3);
    run.start();
    EXPECT_THAT(run.end(1, failed_with(ErrorCode::conflict, 409)), IsEmpty());
    EXPECT_GT(*run.machine().wake_at(run.now), run.now);
    EXPECT_THAT(run.pass_until_something(), ElementsAre("start #2 a retry"));
    EXPECT_THAT(run.end(2, failed_with(ErrorCode::conflict, 409)), ElementsAre("finish #2 refused"));
}

// ---- failures that only another region can avoid ----

TEST(CallMachine, AModelMissingInARegionIsTriedOnlyInOthers) {
    for (const auto code : {ErrorCode::model_not_found, ErrorCode::region_not_supported}) {
        MachineRun run(2);
        run.start();
        EXPECT_THAT(run.end(1, failed_with(code, 404)), ElementsAre("start #2 b failover")) << code;
        EXPECT_THAT(run.end(2, failed_with(code, 404)), ElementsAre("finish #2 refused")) << code;
        MachineRun alone(1);
        alone.start();
        EXPECT_THAT(alone.end(1, failed_with(code, 404)), ElementsAre("finish #1 refused")) << code;
    }
}

TEST(CallMachine, ARefusedKeyIsTriedElsewhereOnlyWhereKeysDiffer) {
    MachineRun run(2);
    run.policy.keys_differ = true;
    run.start();
    EXPECT_THAT(run.end(1, failed_with(ErrorCode::unauthenticated, 401)), ElementsAre("start #2 b failover"));
    EXPECT_THAT(run.end(2, failed_with(ErrorCode::unauthenticated, 401)), ElementsAre("finish #2 refused"));
}

// ---- the gateway's x-should-retry ----

TEST(CallMachine, TheGatewayMayForbidARetry) {
    MachineRun run(2);
    run.start();
    auto outcome = overloaded();
    outcome.should_retry = false;
    EXPECT_THAT(run.end(1, outcome), ElementsAre("finish #1 refused"));
}

TEST(CallMachine, TheGatewayMayAskForARetry) {
    MachineRun run(1);
    run.start();
    auto outcome = failed_with(ErrorCode::invalid_request, 400);
    outcome.should_retry = true;
    EXPECT_THAT(run.end(1, outcome), IsEmpty());
    EXPECT_THAT(run.pass_until_something(), ElementsAre("start #2 a retry"));
}

TEST(CallMachine, A500IsFinalIfConfigured) {
    MachineRun run(2);
    run.policy.retry.server_500 = false;
    run.start();
    EXPECT_THAT(run.end(1, failed_with(ErrorCode::server_failed, 500)), ElementsAre("finish #1 refused"));
}

// ---- caps ----

TEST(CallMachine, OneAttemptMeansNoFailover) {
    for (const auto& outcome : {refused_connection(), stale_connection(), overloaded(), throttled(1s)}) {
        MachineRun run(3);
        run.policy.retry.max_attempts = 1;
        run.start();
        EXPECT_THAT(run.end(1, outcome), ElementsAre("finish #1 attempts_exhausted"));
    }
}

TEST(CallMachine, TheCapCountsEveryAttempt) {
    MachineRun run(5);
    run.policy.retry.max_attempts = 3;
    run.start();
    EXPECT_THAT(run.end(1, overloaded()), ElementsAre("start #2 b failover"));
    EXPECT_THAT(run.end(2, overloaded()), ElementsAre("start #3 c failover"));
    EXPECT_THAT(run.end(3, overloaded()), ElementsAre("finish #3 attempts_exhausted"));
}

TEST(CallMachine, ACapAboveTheRegionsAllowsMoreRounds) {
    MachineRun run(1);
    run.policy.retry.max_attempts = 5;
    run.start();
    for (int attempt = 1; attempt < 5; ++attempt) {
        EXPECT_THAT(run.end(attempt, overloaded()), IsEmpty());
        EXPECT_THAT(run.pass_until_something(), ElementsAre("start #" + std::to_string(attempt + 1) + " a retry"));
    }
    EXPECT_THAT(run.end(5, overloaded()), ElementsAre("finish #5 attempts_exhausted"));
}

// ---- the budget ----

TEST(CallMachine, AMoveToAHealthyRegionIsFree) {
    MachineRun run(3);
    run.budget = {0.2, 0};
    run.start();
    EXPECT_THAT(run.end(1, overloaded()), ElementsAre("start #2 b failover"));
    EXPECT_THAT(run.end(2, lost_connection()), ElementsAre("start #3 c failover duplicated"));
}

TEST(CallMachine, WithAnEmptyBudgetTheOriginalFailureIsReturned) {
    MachineRun run(2);
    run.budget = {0.2, 0};
    run.start();
    run.end(1, failed_with(ErrorCode::tls_failed));
    EXPECT_THAT(run.end(2, overloaded()), ElementsAre("finish #2 budget_empty"));
    EXPECT_EQ(run.machine().first_failure(), 1);
}

TEST(CallMachine, AMoveToAFailingRegionTakesAToken) {
    MachineRun run(2);
    run.other_call_ends(1, health::FailureClass::gateway);
    run.budget = {0.2, 1};
    run.start();
    EXPECT_THAT(run.end(1, overloaded()), ElementsAre("start #2 b failover"));
    EXPECT_EQ(run.budget.tokens(), 0);
}

TEST(CallMachine, AnUndeliveredRequestMovesFreelyUnlessTheRegionIsFailing) {
    for (const bool sick : {false, true}) {
        MachineRun run(2);
        run.budget = {0.2, 1};
        for (int i = 0; i < (sick ? 7 : 6); ++i) {
            run.other_call_ends(1, health::FailureClass::gateway);
        }
        run.start();
        EXPECT_THAT(run.end(1, refused_connection()), ElementsAre("start #2 b failover"));
        EXPECT_EQ(run.budget.tokens(), sick ? 0 : 1) << run.regions.error_rate(1, run.now);
    }
}

TEST(CallMachine, WithoutATokenAFailingRegionIsSkippedForAHealthyOne) {
    MachineRun run(3);
    run.budget = {0.2, 0};
    for (int i = 0; i < 10; ++i) {
        run.other_call_ends(1, health::FailureClass::gateway);
    }
    run.start();
    EXPECT_THAT(run.end(1, overloaded()), ElementsAre("start #2 c failover"));
    EXPECT_THAT(run.end(2, overloaded()), ElementsAre("finish #2 budget_empty"));
}

TEST(CallMachine, ReturningToATriedRegionTakesAToken) {
    MachineRun run(1);
    run.budget = {0.2, 1};
    run.start();
    run.end(1, refused_connection());
    EXPECT_EQ(run.budget.tokens(), 0);
    run.pass_until_something();
    EXPECT_THAT(run.end(2, refused_connection()), ElementsAre("finish #2 budget_empty"));
}

TEST(CallMachine, AnAnswerRefillsAFractionOfAToken) {
    MachineRun run(1);
    run.budget = {0.2, 2};
    run.start();
    run.end(1, overloaded());
    run.pass_until_something();
    run.answer(2);
    EXPECT_DOUBLE_EQ(run.budget.tokens(), 1.2);
}

// ---- cost_safe and duplicates ----

TEST(CallMachine, CostSafeResendsNothingThatMayHaveBeenDelivered) {
    struct Row {
        Outcome outcome;
        bool stops;
        const char* why;
    };
    const Row rows[] = {
        {lost_connection(), true, "lost after it was sent"},
        {stale_connection(), true, "a pooled connection died: unknown"},
        {{.error = ErrorCode::timed_out, .limit = Limit::first_byte}, true, "no answer in time"},
        {failed_with(ErrorCode::timed_out, 408), true, "408"},
        {failed_with(ErrorCode::timed_out, 504), true, "504: the gateway gave up but the model may still run"},
        {failed_with(ErrorCode::timed_out, 524), true, "524"},
        {failed_with(ErrorCode::malformed_response, 200), true, "an unreadable answer is billed"},
        {failed_with(ErrorCode::server_failed, 500), true, "a proxy's 500 may follow the delivery"},
        {failed_with(ErrorCode::server_failed, 502), true, "its 502 too"},
        {failed_with(ErrorCode::server_failed, 503), true, "its 503 too"},
        {failed_with(ErrorCode::server_failed, 520), true, "and Cloudflare's 520"},
        {failed_with(ErrorCode::server_failed, 522), true, "which may have waited for an acknowledgement"},
        {refused_connection(), false, "never sent"},
        {refused_stream(), false, "HTTP/2: not processed"},
        {throttled(), false, "429: not processed"},
        {overloaded(), false, "an overloaded gateway did not start"},
        {failed_with(ErrorCode::server_failed, 521), false, "Cloudflare could not connect"},
        {failed_with(ErrorCode::model_not_found, 404), false, "a 4xx is a refusal"}};
    for (const auto& row : rows) {
        MachineRun run(2);
        run.policy.cost_safe = true;
        run.start();
        run.connect(1);
        const auto seen = run.end(1, row.outcome);
        if (row.stops) {
            EXPECT_THAT(seen, ElementsAre("finish #1 maybe_delivered")) << row.why;
        } else {
            EXPECT_THAT(seen, ElementsAre("start #2 b failover")) << row.why;
        }
    }
}

TEST(CallMachine, CostSafeAllowsAMoveAfterAConnectTimeout) {
    MachineRun run(2);
    run.policy.cost_safe = true;
    run.policy.connect = 100ms;
    run.policy.connect_race = 1h;
    run.start();
    EXPECT_THAT(run.pass(100ms), ElementsAre("cancel #1 connect", "start #2 b failover"));
}

TEST(CallMachine, AnAttemptAfterAPossibleDeliveryIsMarkedAsDuplicate) {
    MachineRun run(3);
    run.start();
    EXPECT_THAT(run.end(1, lost_connection()), ElementsAre("start #2 b failover duplicated"));
    EXPECT_THAT(run.end(2, overloaded()), ElementsAre(testing::StartsWith("start #3 c failover")));
}

TEST(CallMachine, AProxysErrorPageMarksTheNextAttemptAsDuplicate) {
    for (const int status : {500, 502, 503, 520}) {
        MachineRun run(2);
        run.start();
        run.connect(1);
        EXPECT_THAT(run.end(1, failed_with(ErrorCode::server_failed, status)),
                    ElementsAre("start #2 b failover duplicated"));
    }
}

TEST(CallMachine, ARefusedStreamOfAPooledConnectionIsResentFreeOverANewOne) {
    MachineRun run(2);
    run.policy.cost_safe = true;
    run.budget = {0.2, 1};
    run.budget.try_take();
    run.start();
    run.connect(1);
    auto refused = refused_stream();
    refused.new_connection_helps = true;
    EXPECT_THAT(run.end(1, refused), ElementsAre("start #2 a retry fresh"));
    run.connect(2);
    EXPECT_THAT(run.end(2, refused_stream()), ElementsAre("start #3 b failover"))
        << "a fresh connection is tried only once";
}

// ---- proxies ----

Outcome failed_proxy(int status) {
    return {.error = ErrorCode::proxy_failed, .certainly_not_delivered = true, .proxy_status = status};
}

TEST(CallMachine, AnUnreachableOrUnauthorizedProxyIsTriedOnce) {
    for (const int status : {0, 407}) {
        MachineRun run(3);
        run.start();
        EXPECT_THAT(run.end(1, failed_proxy(status)), ElementsAre("finish #1 refused")) << status;
    }
}

TEST(CallMachine, AfterAProxyRefusedOneHostOneMoreIsTried) {
    for (const int status : {403, 404, 502, 503}) {
        MachineRun run(4);
        run.start();
        EXPECT_THAT(run.end(1, failed_proxy(status)), ElementsAre("start #2 b failover")) << status;
        EXPECT_THAT(run.end(2, failed_proxy(status)), ElementsAre("finish #2 refused")) << status;
    }
}

TEST(CallMachine, AProxyThatCouldNotConnectIsRetriedForASingleRegion) {
    MachineRun run(1);
    run.start();
    EXPECT_THAT(run.end(1, failed_proxy(503)), IsEmpty());
    EXPECT_THAT(run.pass_until_something(), ElementsAre("start #2 a retry"));
    EXPECT_THAT(run.end(2, failed_proxy(503)), ElementsAre("finish #2 refused"));

    MachineRun forbidden(1);
    forbidden.start();
    EXPECT_THAT(forbidden.end(1, failed_proxy(403)), ElementsAre("finish #1 refused"));
}

// ---- hints ----

TEST(CallMachine, AHintBeyondTheLongestWaitFailsAtOnce) {
    MachineRun run(1);
    run.start();
    EXPECT_THAT(run.end(1, throttled(61s)), ElementsAre("finish #1 wait_too_long"));
    EXPECT_EQ(run.machine().planner().quota_clock(), run.now + 61s);
}

TEST(CallMachine, AHintBeyondTheDeadlineFailsAtOnce) {
    MachineRun run(1);
    run.policy.deadline = run.now + 10s;
    run.start();
    EXPECT_THAT(run.end(1, throttled(10s)), ElementsAre("finish #1 wait_too_long"));
}

TEST(CallMachine, AHintIsWaitedOutExactly) {
    MachineRun run(1);
    run.start();
    EXPECT_THAT(run.end(1, throttled(7s)), IsEmpty());
    EXPECT_EQ(run.machine().wake_at(run.now), run.now + 7s);
    EXPECT_THAT(run.pass(7s), ElementsAre("start #2 a retry"));
}

TEST(CallMachine, AHintOfOneRegionDoesNotBlockAFreeOne) {
    MachineRun run(2);
    run.start();
    EXPECT_THAT(run.end(1, throttled(600s)), ElementsAre("start #2 b failover"));
}

TEST(CallMachine, TheRegionWithTheShortestHintIsUsed) {
    MachineRun run(2);
    run.start();
    run.end(1, throttled(9s));
    EXPECT_THAT(run.end(2, throttled(4s)), IsEmpty());
    EXPECT_EQ(run.machine().wake_at(run.now), run.now + 4s);
    EXPECT_THAT(run.pass(4s), ElementsAre("start #3 b retry"));
}

TEST(CallMachine, AnotherRegionsPauseIsNotAwaitedWhenARetryIsSooner) {
    for (const milliseconds pause : {30'000ms, 300'000ms}) {
        MachineRun run(2);
        run.regions.limit_until(1, run.model, run.now + pause);
        run.start();
        EXPECT_THAT(run.end(1, overloaded()), IsEmpty());
        EXPECT_LE(*run.machine().wake_at(run.now), run.now + 50ms);
        EXPECT_THAT(run.pass_until_something(), ElementsAre("start #2 a retry"));
    }
}

TEST(CallMachine, A5xxHintAddsAtMostFiveSecondsToTheBackOff) {
    MachineRun run(1);
    run.start();
    // As the driver does, so that other calls avoid the region for as long as the gateway asked.
    run.regions.limit_until(0, run.model, run.now + 30s);
    EXPECT_THAT(run.end(1, overloaded(30s)), IsEmpty());
    EXPECT_GE(*run.machine().wake_at(run.now), run.now + 5s);
    EXPECT_LE(*run.machine().wake_at(run.now), run.now + 5050ms);
}

TEST(CallMachine, AnotherCallsPauseIsRespectedAfterA5xx) {
    MachineRun run(1);
    run.start();
    run.regions.limit_until(0, run.model, run.now + 30s);
    EXPECT_THAT(run.end(1, overloaded()), IsEmpty());
    EXPECT_EQ(run.machine().wake_at(run.now), run.now + 30s);
}

TEST(CallMachine, A5xxHintBeyondTheLongestWaitFailsAtOnce) {
    MachineRun run(1);
    run.start();
    run.regions.limit_until(0, run.model, run.now + 120s);
    EXPECT_THAT(run.end(1, overloaded(120s)), ElementsAre("finish #1 wait_too_long"));
}

// ---- the caller's retry policy ----

struct FixedPolicy final : RetryPolicy {
    bool retry;
    milliseconds delay;
    mutable std::vector<std::string> asked{};
    FixedPolicy(bool wanted, milliseconds after) : retry(wanted), delay(after) {}
    RetryVerdict decide(const RetryContext& context) const override {
        asked.push_back("#" + std::to_string(context.attempt.number) + (context.would_retry ? " retry in " : " stop ") +
                        std::to_string(context.delay.count()) + (context.content_delivered ? " delivered" : ""));
        return {.retry = retry, .delay = delay};
    }
};

TEST(CallMachine, ARetryPolicyCanStopARetry) {
    const FixedPolicy never(false, 0ms);
    MachineRun run(2);
    run.retry_policy = &never;
    run.start();
    EXPECT_THAT(run.end(1, overloaded()), ElementsAre("finish #1 refused"));
    EXPECT_THAT(never.asked, ElementsAre("#1 retry in 0"));
}

TEST(CallMachine, ARetryPolicyCanRetryAFinalError) {
    const FixedPolicy always(true, 0ms);
    MachineRun run(2);
    run.retry_policy = &always;
    run.start();
    EXPECT_THAT(run.end(1, failed_with(ErrorCode::invalid_request, 400)), ElementsAre("start #2 b failover"));
    EXPECT_THAT(always.asked, ElementsAre("#1 stop 0"));
}

TEST(CallMachine, ARetryPolicyCanRetryTheOnlyRegion) {
    for (const auto code : {ErrorCode::model_not_found, ErrorCode::unauthenticated, ErrorCode::invalid_request}) {
        const FixedPolicy always(true, 5ms);
        MachineRun run(1);
        run.retry_policy = &always;
        run.start();
        EXPECT_THAT(run.end(1, failed_with(code, 404)), IsEmpty()) << code;
        EXPECT_THAT(run.pass(5ms), ElementsAre("start #2 a retry")) << code;
    }
}

TEST(CallMachine, ARetryPolicySetsTheDelay) {
    const FixedPolicy long_delay(true, 1500ms);
    MachineRun run(2);
    run.retry_policy = &long_delay;
    run.start();
    EXPECT_THAT(run.end(1, overloaded()), IsEmpty());
    EXPECT_EQ(run.machine().wake_at(run.now), run.now + 1500ms);
    EXPECT_THAT(run.pass(1500ms), ElementsAre("start #2 b failover"));
}

TEST(CallMachine, ARetryPolicySeesTheDefaultDelay) {
    const FixedPolicy immediate_retry(true, 0ms);
    MachineRun run(1);
    run.retry_policy = &immediate_retry;
    run.start();
    EXPECT_THAT(run.end(1, throttled(7s)), ElementsAre("start #2 a retry"));
    EXPECT_THAT(immediate_retry.asked, ElementsAre("#1 retry in 7000"));
}

TEST(CallMachine, ARetryPolicyDoesNotLiftCapsDeadlinesOrTheBudget) {
    const FixedPolicy always(true, 0ms);
    MachineRun capped(2);
    capped.retry_policy = &always;
    capped.policy.retry.max_attempts = 1;
    capped.start();
    EXPECT_THAT(capped.end(1, overloaded()), ElementsAre("finish #1 attempts_exhausted"));

    const FixedPolicy late(true, 10s);
    MachineRun with_deadline(2);
    with_deadline.retry_policy = &late;
    with_deadline.policy.deadline = with_deadline.now + 10s;
    with_deadline.start();
    EXPECT_THAT(with_deadline.end(1, overloaded()), ElementsAre("finish #1 wait_too_long"));

    MachineRun broke(1);
    broke.retry_policy = &always;
    broke.budget = {0.2, 0};
    broke.start();
    EXPECT_THAT(broke.end(1, overloaded()), ElementsAre("finish #1 budget_empty"));
}

TEST(CallMachine, ARetryPolicyNeverReplaysContent) {
    const FixedPolicy always(true, 0ms);
    MachineRun run(2, true);
    run.retry_policy = &always;
    run.start();
    run.commit();
    EXPECT_THAT(run.end(1, failed_with(ErrorCode::stream_interrupted, 200)), ElementsAre("finish #1 interrupted"));
    EXPECT_THAT(always.asked, IsEmpty());
}

// ---- content and cancelling ----

TEST(CallMachine, TheFirstContentCommitsAndLaterContentDoesNot) {
    MachineRun run(2, true);
    run.start();
    run.connect(1);
    run.first_byte(1);
    EXPECT_THAT(run.content(1), ElementsAre("commit #1"));
    EXPECT_THAT(run.content(1), IsEmpty());
    EXPECT_THAT(run.answer(1), ElementsAre("finish #1 answered"));
}

TEST(CallMachine, AFailureAfterContentIsFinal) {
    for (const auto code : {ErrorCode::stream_interrupted, ErrorCode::stream_stalled, ErrorCode::transport_failed,
                            ErrorCode::malformed_response, ErrorCode::rate_limited, ErrorCode::server_failed}) {
        MachineRun run(2, true);
        run.start();
        run.commit();
        EXPECT_THAT(run.end(1, failed_with(code, 200)), ElementsAre("finish #1 interrupted")) << code;
    }
}

TEST(CallMachine, AStreamThatBreaksBeforeContentFailsOver) {
    MachineRun run(2, true);
    run.start();
    run.connect(1);
    run.first_byte(1);
    EXPECT_THAT(run.end(1, failed_with(ErrorCode::transport_failed, 200)),
                ElementsAre("start #2 b failover duplicated"));
}

TEST(CallMachine, CancelWorksInEveryPhase) {
    MachineRun waiting(1);
    waiting.regions.limit_until(0, waiting.model, waiting.now + 10s);
    waiting.start();
    EXPECT_THAT(waiting.cancel(), ElementsAre("finish #0 cancelled"));
    EXPECT_THAT(waiting.pass(1min), IsEmpty());

    MachineRun connecting(2);
    connecting.start();
    EXPECT_THAT(connecting.cancel(), ElementsAre("cancel #1", "finish #0 cancelled"));

    MachineRun racing(2);
    racing.start();
    racing.pass(250ms);
    EXPECT_THAT(racing.cancel(), ElementsAre("cancel #1", "cancel #2", "finish #0 cancelled"));

    MachineRun sent(2);
    sent.start();
    sent.connect(1);
    EXPECT_THAT(sent.cancel(), ElementsAre("cancel #1", "finish #0 cancelled"));

    MachineRun backing_off(1);
    backing_off.start();
    backing_off.end(1, throttled(5s));
    EXPECT_THAT(backing_off.cancel(), ElementsAre("finish #0 cancelled"));
    EXPECT_THAT(backing_off.pass(1min), IsEmpty());

    MachineRun streaming(2, true);
    streaming.start();
    streaming.commit();
    EXPECT_THAT(streaming.cancel(), ElementsAre("cancel #1", "finish #1 cancelled"));

    MachineRun over(1);
    over.start();
    over.answer(1);
    EXPECT_THAT(over.cancel(), IsEmpty());
}

TEST(CallMachine, CancelBeforeTheStartDispatchesNothing) {
    MachineRun run(1);
    EXPECT_THAT(run.cancel(), ElementsAre("finish #0 cancelled"));
}

TEST(CallMachine, EventsAfterTheEndChangeNothing) {
    MachineRun run(2, true);
    run.start();
    run.connect(1);
    run.cancel();
    EXPECT_THAT(run.connect(1), ElementsAre("rejected #1"));
    EXPECT_THAT(run.first_byte(1), IsEmpty());
    EXPECT_THAT(run.content(1), IsEmpty());
    EXPECT_THAT(run.end(1, overloaded()), IsEmpty());
    EXPECT_THAT(run.pass(1h), IsEmpty());
    EXPECT_EQ(run.machine().ending(), Ending::cancelled);
}

// ---- the final error ----

TEST(CallMachine, ReportsWhetherOnlyThrottlingBlockedTheCall) {
    MachineRun throttled_only(2);
    throttled_only.policy.retry.max_attempts = 2;
    throttled_only.start();
    throttled_only.end(1, throttled());
    throttled_only.end(2, throttled());
    EXPECT_TRUE(throttled_only.machine().attempts().all_failed_with(ErrorCode::rate_limited));
    EXPECT_TRUE(throttled_only.machine().planner().regions_exhausted());

    MachineRun mixed(2);
    mixed.policy.retry.max_attempts = 2;
    mixed.start();
    mixed.end(1, throttled());
    mixed.end(2, overloaded());
    EXPECT_FALSE(mixed.machine().attempts().all_failed_with(ErrorCode::rate_limited));
}

TEST(CallMachine, RegionsAreExhaustedOnlyWhenEachEligibleOneFailed) {
    MachineRun run(3);
    run.policy.retry.max_attempts = 2;
    run.start();
    run.end(1, overloaded());
    run.end(2, overloaded());
    EXPECT_FALSE(run.machine().planner().regions_exhausted());
    run.regions.set_draining(2, true, run.now);
    EXPECT_TRUE(run.machine().planner().regions_exhausted());
    EXPECT_EQ(run.machine().planner().eligible_regions(), 2U);
}

}  // namespace
}  // namespace holysheep::call
