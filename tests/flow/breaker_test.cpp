// What opens a region's breaker, what closes it again, and what never counts against a region.
#include "region_flow.hpp"

namespace holysheep::flow {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Le;

/// The first region answers from the script, the second always answers; each call goes to the first region that it may
/// use.
struct BreakerFlow : CallFlow {
    explicit BreakerFlow(BreakerOptions breaker = {}) : CallFlow({kUs, kEu}, {.breaker = breaker}) {
        transport.reply(kEu, "hello");
    }
    /// Makes `calls` calls; returns how many of them were sent to the first region.
    int first_region_attempts(int calls) {
        const auto before = count_by_region(attempts())[kUs];
        for (int i = 0; i < calls; ++i) EXPECT_NE(answered_by(*this), "");
        return count_by_region(attempts())[kUs] - before;
    }
    void recover() { transport.clear(kUs).reply(kUs, "back"); }
};

TEST(Breaker, OpensAfterTransportFailuresInARow) {
    for (const int limit : {2, 3}) {
        BreakerFlow flow({.transport_failures = limit});
        flow.transport.fail(kUs, ErrorCode::transport_failed);
        EXPECT_EQ(flow.first_region_attempts(8), limit);
        EXPECT_THAT(health_of(flow, kUs).reason, HasSubstr("connections failed in a row"));
    }
}

TEST(Breaker, OpensAfterGatewayFailuresInARow) {
    for (const int limit : {2, 4}) {
        BreakerFlow flow({.gateway_failures = limit});
        flow.transport.reply_raw(kUs, 502, {}, "").reply_raw(kUs, 503, {}, "").reply_raw(kUs, 504, {}, "");
        EXPECT_EQ(flow.first_region_attempts(8), limit);
        EXPECT_THAT(health_of(flow, kUs).reason, HasSubstr("502, 503 or 504"));
    }
}

TEST(Breaker, OpensAfterFailuresOfAnyKindInARow) {
    for (const int limit : {2, 5}) {
        BreakerFlow flow({.failures = limit});
        flow.transport.reply_raw(kUs, 500, {}, "");
        EXPECT_EQ(flow.first_region_attempts(8), limit);
        EXPECT_THAT(health_of(flow, kUs).reason, HasSubstr("attempts failed in a row"));
    }
}

TEST(Breaker, ASuccessResetsTheFailureCount) {
    BreakerFlow flow({.transport_failures = 2, .min_calls = 1000});
    for (int i = 0; i < 10; ++i) flow.transport.fail(kUs, ErrorCode::transport_failed).reply(kUs, "hello");
    EXPECT_EQ(flow.first_region_attempts(20), 20);
}

/// Every other attempt fails; returns how many attempts the first region got.
int attempts_while_half_fail(BreakerOptions breaker, nanoseconds between = 0ns) {
    BreakerFlow flow(breaker);
    for (int i = 0; i < 15; ++i) flow.transport.reply(kUs, "hello").reply_raw(kUs, 500, {}, "");
    int attempts = 0;
    for (int i = 0; i < 30 && breaker_of(flow, kUs) == BreakerState::closed; ++i) {
        attempts += flow.first_region_attempts(1);
        flow.clock.advance(between);
    }
    return attempts;
}

TEST(Breaker, OpensAtTheFailureRate) {
    EXPECT_EQ(attempts_while_half_fail({}), 10) << "five of ten attempts failed";
    EXPECT_EQ(attempts_while_half_fail({.min_calls = 4}), 4);
    EXPECT_EQ(attempts_while_half_fail({.failure_rate = 0.6}), 30);
    EXPECT_EQ(attempts_while_half_fail({.failure_rate = 0.3, .min_calls = 5}), 6) << "only a failure opens it";
}

TEST(Breaker, IgnoresAttemptsOlderThanItsWindow) {
    EXPECT_EQ(attempts_while_half_fail({.min_calls = 6}, 1s), 6);
    EXPECT_EQ(attempts_while_half_fail({.min_calls = 6, .window = 3s}, 1s), 30);
}

TEST(Breaker, AllowsOneTrialAfterOpenFor) {
    for (const auto open_for : {2s, 60s}) {
        BreakerFlow flow({.failures = 2, .open_for = open_for});
        flow.transport.fail(kUs, ErrorCode::transport_failed);
        EXPECT_EQ(flow.first_region_attempts(2), 2);
        ASSERT_EQ(breaker_of(flow, kUs), BreakerState::open);
        const nanoseconds left = health_of(flow, kUs).open_for.value();
        EXPECT_GE(left, open_for * 0.8);
        EXPECT_LE(left, open_for * 1.2 + 1ms);
        flow.clock.advance(left - 2ms);
        EXPECT_EQ(flow.first_region_attempts(3), 0);
        flow.clock.advance(2ms);
        EXPECT_EQ(flow.first_region_attempts(3), 1) << "the trial failed";
        EXPECT_GE(health_of(flow, kUs).open_for.value(), open_for * 0.8) << "open again";
    }
}

TEST(Breaker, BecomesHalfOpenWithoutACall) {
    BreakerFlow flow({.open_for = 1s});
    flow.transport.fail(kUs, ErrorCode::transport_failed);
    EXPECT_EQ(flow.first_region_attempts(3), 3);
    EXPECT_EQ(health_of(flow, kUs).liveness, Liveness::down);
    flow.clock.advance(2s);
    EXPECT_EQ(breaker_of(flow, kUs), BreakerState::half_open);
    EXPECT_EQ(health_of(flow, kUs).liveness, Liveness::recovering);
    EXPECT_FALSE(health_of(flow, kUs).open_for);
    EXPECT_THAT(health_of(flow, kUs).reason, HasSubstr("; breaker half open, had opened: "));
}

TEST(Breaker, OpenTimesGrowToMaxOpenFor) {
    BreakerFlow flow({.open_for = 1s, .max_open_for = 4s});
    flow.transport.fail(kUs, ErrorCode::transport_failed);
    EXPECT_EQ(flow.first_region_attempts(3), 3);
    std::vector<double> seconds;
    for (int trial = 0; trial < 6; ++trial) {
        const auto left = health_of(flow, kUs).open_for.value();
        seconds.push_back(std::chrono::duration<double>(left).count());
        flow.clock.advance(left);
        EXPECT_EQ(flow.first_region_attempts(1), 1);
    }
    EXPECT_THAT(seconds, Each(Le(4.81)));
    EXPECT_THAT(seconds,
                ElementsAre(AllOf(Ge(0.8), Le(1.21)), AllOf(Ge(1.6), Le(2.41)), Ge(3.2), Ge(3.2), Ge(3.2), Ge(3.2)));
}

TEST(Breaker, ClosesAfterSuccessfulTrials) {
    for (const int trials : {1, 3}) {
        BreakerFlow flow({.half_open_successes = trials});
        flow.transport.fail(kUs, ErrorCode::transport_failed);
        EXPECT_EQ(flow.first_region_attempts(5), 3);
        flow.recover();
        flow.clock.advance(3s);
        for (int i = 1; i <= trials; ++i) {
            EXPECT_EQ(flow.first_region_attempts(1), 1);
            EXPECT_EQ(breaker_of(flow, kUs), i < trials ? BreakerState::half_open : BreakerState::closed);
        }
    }
}

TEST(Breaker, AllowsOneTrialAtATime) {
    CallFlow flow({kUs, kEu}, {.breaker = {.open_for = 1s}});
    flow.transport.fail(kUs, ErrorCode::transport_failed).reply(kEu, "hello");
    for (int i = 0; i < 3; ++i) EXPECT_EQ(answered_by(flow), kEu);
    flow.clock.advance(2s);
    flow.transport.clear(kUs).reply(kUs, "back", {.first_byte = 800ms});
    flow.clock.set_mode(FakeClock::Mode::manual);
    flow.transport.clear_requests();
    std::vector<std::future<Result<ChatCompletion>>> answers;
    for (int i = 0; i < 4; ++i) answers.push_back(flow.client.chat_async(a_question()));
    EXPECT_THAT(flow.attempts(), ElementsAre(kUs, kEu, kEu, kEu));
    flow.clock.advance(5s);
    EXPECT_EQ(answers[0].get()->region, kUs);
}

TEST(Breaker, ACancelledTrialReturnsItsPermit) {
    CallFlow flow({kUs, kEu}, {.breaker = {.open_for = 1s}}, CallFlow::kManual);
    flow.transport.fail(kUs, ErrorCode::transport_failed).reply(kEu, "hello");
    for (int i = 0; i < 3; ++i) EXPECT_EQ(ask_in_steps(flow)->region, kEu);
    flow.clock.advance(2s);
    flow.transport.clear(kUs).hang(kUs);
    std::stop_source stop;
    auto trial = flow.client.chat_async(a_question(), {.stop = stop.get_token()});
    EXPECT_EQ(breaker_of(flow, kUs), BreakerState::half_open);
    stop.request_stop();
    flow.clock.advance(0s);
    EXPECT_THAT(trial.get(), FailsWith(ErrorCode::cancelled));
    flow.transport.clear(kUs).reply(kUs, "back");
    EXPECT_EQ(ask_in_steps(flow)->region, kUs);
}

TEST(Breaker, NeverBlocksWhenDisabled) {
    BreakerFlow flow({.enabled = false});
    flow.transport.fail(kUs, ErrorCode::transport_failed);
    EXPECT_EQ(flow.first_region_attempts(20), 20);
    EXPECT_EQ(breaker_of(flow, kUs), BreakerState::closed);
}

TEST(Breaker, TheOnlyRegionIsReportedButNotBlocked) {
    CallFlow flow({kUs}, {.retry = {.max_attempts = 1}});
    flow.transport.fail(kUs, ErrorCode::transport_failed);
    for (int i = 0; i < 6; ++i) EXPECT_EQ(answered_by(flow), "");
    EXPECT_THAT(flow.attempts(), ::testing::SizeIs(6));
    EXPECT_EQ(breaker_of(flow, kUs), BreakerState::open);
    flow.transport.clear(kUs).reply(kUs, "back");
    EXPECT_EQ(answered_by(flow), kUs);
}

TEST(Breaker, AModelThatTimesOutIsBlockedWithoutItsRegion) {
    CallFlow flow({kUs, kEu}, {.breaker = {.failures = 3}, .timeouts = {.first_byte = 1s}});
    flow.transport.hang(kUs).hang(kUs).hang(kUs).reply(kUs, "hello").reply(kEu, "hello");
    for (int i = 0; i < 3; ++i) EXPECT_EQ(answered_by(flow), kEu);
    EXPECT_EQ(breaker_of(flow, kUs), BreakerState::closed);
    flow.transport.clear_requests();
    EXPECT_EQ(answered_by(flow), kEu);
    EXPECT_THAT(flow.attempts(), ElementsAre(kEu)) << "the model is blocked in us-west";
    EXPECT_EQ(flow.client.chat("another-model", "hello?")->region, kUs);
}

// ---- what does not count ----

TEST(Breaker, RequestErrorsAndQuotaErrorsNeverCount) {
    for (const int status : {400, 401, 403, 404, 409, 413, 422, 429}) {
        CallFlow flow({kUs, kEu}, {.retry = {.max_attempts = 1}});
        flow.transport.reply_raw(kUs, status, {}, error_body("x")).reply(kEu, "hello");
        for (int i = 0; i < 20; ++i) (void)flow.client.chat(a_question());
        EXPECT_EQ(breaker_of(flow, kUs), BreakerState::closed) << status;
        EXPECT_EQ(health_of(flow, kUs).error_rate, 0) << status;
        EXPECT_EQ(health_of(flow, kUs).liveness, Liveness::healthy) << status;
    }
}

TEST(Breaker, CancellationsAndShortDeadlinesNeverCount) {
    CallFlow flow({kUs, kEu}, {}, CallFlow::kManual);
    flow.transport.hang(kUs);
    for (int i = 0; i < 20; ++i) {
        std::stop_source stop;
        auto answer = flow.client.chat_async(a_question(), {.stop = stop.get_token()});
        flow.clock.advance(100ms);
        stop.request_stop();
        flow.clock.advance(0s);
        EXPECT_THAT(answer.get(), FailsWith(ErrorCode::cancelled));
        EXPECT_THAT(ask_in_steps(flow, {.deadline = 100ms}), FailsWith(ErrorCode::deadline_exceeded));
    }
    EXPECT_EQ(breaker_of(flow, kUs), BreakerState::closed);
    EXPECT_EQ(health_of(flow, kUs).error_rate, 0);
}

TEST(Breaker, DeadlinesThatLeftTheRegionEnoughTimeCount) {
    CallFlow flow({kUs, kEu}, {.breaker = {.failures = 3}});
    flow.transport.hang(kUs).reply(kEu, "hello");
    for (int i = 0; i < 3; ++i) {
        EXPECT_THAT(flow.client.chat(a_question(), {.deadline = 4s, .cost_safe = true}),
                    FailsWith(ErrorCode::deadline_exceeded));
    }
    EXPECT_EQ(answered_by(flow), kEu) << "otherwise a frozen gateway would fail every such call";
}

// ---- forced by the program ----

TEST(Breaker, StaysForcedOpenUntilForcedClosed) {
    BreakerFlow flow;
    flow.recover();
    flow.client.force_open(kUs);
    EXPECT_EQ(breaker_of(flow, kUs), BreakerState::open);
    EXPECT_THAT(health_of(flow, kUs).reason, HasSubstr("forced by the program"));
    flow.clock.advance(24h);
    EXPECT_EQ(flow.first_region_attempts(5), 0);
    flow.client.force_close(kUs);
    EXPECT_EQ(breaker_of(flow, kUs), BreakerState::closed);
    EXPECT_EQ(flow.first_region_attempts(5), 5);
    flow.client.force_open("mars");  // an unknown region is ignored
    EXPECT_EQ(flow.first_region_attempts(1), 1);
}

TEST(Breaker, ForceCloseResetsTheFailureCount) {
    BreakerFlow flow;
    flow.transport.fail(kUs, ErrorCode::transport_failed);
    EXPECT_EQ(flow.first_region_attempts(5), 3);
    flow.client.force_close(kUs);
    EXPECT_EQ(flow.first_region_attempts(5), 3) << "three failures open it again";
}

// ---- probes ----

TEST(Breaker, SuccessfulProbesEndTheOpenTimeAfterConnectionFailures) {
    CallFlow flow({kUs, kEu}, {.breaker = {.open_for = 60s}}, CallFlow::kManual, CallFlow::kProbing);
    flow.transport.fail(kUs, ErrorCode::transport_failed).reply(kEu, "hello");
    for (int i = 0; i < 3; ++i) EXPECT_EQ(ask_in_steps(flow)->region, kEu);
    EXPECT_EQ(breaker_of(flow, kUs), BreakerState::open);
    flow.clock.advance(5s);
    EXPECT_EQ(breaker_of(flow, kUs), BreakerState::open) << "probes fail too";
    flow.transport.clear(kUs).reply(kUs, "back");
    flow.clock.advance(5s);
    EXPECT_EQ(breaker_of(flow, kUs), BreakerState::half_open);
    EXPECT_EQ(ask_in_steps(flow)->region, kUs);
}

TEST(Breaker, SuccessfulProbesDoNotEndTheOpenTimeAfterGatewayFailures) {
    CallFlow flow({kUs, kEu}, {.breaker = {.open_for = 60s}}, CallFlow::kManual, CallFlow::kProbing);
    flow.transport.reply_raw(kUs, 503, {}, "").reply(kEu, "hello");
    for (int i = 0; i < 3; ++i) EXPECT_EQ(ask_in_steps(flow)->region, kEu);
    flow.transport.clear(kUs).reply(kUs, "back");
    flow.clock.advance(20s);
    EXPECT_EQ(breaker_of(flow, kUs), BreakerState::open);
    EXPECT_EQ(ask_in_steps(flow)->region, kEu);
}

TEST(Breaker, UnansweredProbesOpenItInAnIdleClient) {
    CallFlow flow({kUs, kEu}, {}, CallFlow::kManual, CallFlow::kProbing);
    flow.transport.reply(kUs, "hello").reply(kEu, "hello");
    flow.clock.advance(15s);
    EXPECT_EQ(health_of(flow, kUs).liveness, Liveness::healthy);
    flow.transport.clear(kUs).hang(kUs);
    for (int i = 0; i < 60 && breaker_of(flow, kUs) != BreakerState::open; ++i) flow.clock.advance(1s);
    EXPECT_EQ(health_of(flow, kUs).liveness, Liveness::down);
    EXPECT_EQ(breaker_of(flow, kUs), BreakerState::open);
    EXPECT_THAT(health_of(flow, kUs).reason, HasSubstr("probes fail"));
    EXPECT_EQ(health_of(flow, kUs).score, 0);
}

}  // namespace
}  // namespace holysheep::flow
