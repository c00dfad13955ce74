// When no region is usable, single calls find out which one is back while the others wait for them. Errors say for each
// region why and since when it is blocked.
#include "region_flow.hpp"

namespace holysheep::flow {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr RetryOptions kOnce{.max_attempts = 1};

/// A flow in which both breakers are open, the second one last.
struct BlockedFlow : CallFlow {
    explicit BlockedFlow(RetryOptions retry = {})
        : CallFlow({kUs, kEu}, {.breaker = {.open_for = 30s}, .retry = retry}) {
        for (const auto& id : {kUs, kEu}) {
            transport.fail(id, ErrorCode::transport_failed);
            for (int i = 0; i < 3; ++i) EXPECT_FALSE(client.chat(a_question(), {.regions = {id}, .retry = kOnce}));
            EXPECT_EQ(breaker_of(*this, id), BreakerState::open);
        }
        transport.clear_requests();
    }
};

/// Makes calls at a steady rate while a script changes the regions; each call ends before the test does.
struct Traffic {
    explicit Traffic(CallFlow& flow) : flow_(flow) {}

    void run(nanoseconds span, nanoseconds between = 20ms) {
        for (const auto end = flow_.clock.now() + span; flow_.clock.now() < end;) {
            calls_.push_back(flow_.client.chat_async(a_question()));
            flow_.clock.advance(between);
        }
    }
    int calls() const { return static_cast<int>(calls_.size()); }
    int lost() {
        for (int i = 0; i < 100 && flow_.client.stats().in_flight > 0; ++i) flow_.clock.advance(100ms);
        int lost = 0;
        for (auto& call : calls_) {
            const auto reply = call.get();
            if (reply) continue;
            if (++lost == 1) std::cout << "first lost: " << reply.error() << '\n';
            EXPECT_LT(reply.error().attempts.size(), 20U);
        }
        calls_.clear();
        return lost;
    }

  private:
    CallFlow& flow_;
    std::vector<std::future<Result<ChatCompletion>>> calls_;
};

TEST(Outage, ARecoveredRegionIsUsedAtOnceDespiteItsOpenBreaker) {
    BlockedFlow flow;
    flow.transport.clear(kUs).reply(kUs, "back");
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->region, kUs);
    EXPECT_EQ(flow.elapsed(), 0s);
    ASSERT_THAT(reply->attempts, SizeIs(1));
    EXPECT_TRUE(reply->attempts[0].panic);
    EXPECT_EQ(flow.client.stats().panics, 1U);
    EXPECT_EQ(breaker_of(flow, kUs), BreakerState::closed) << "one success closes the breaker";
}

TEST(Outage, ACallThatLosesTheLastRegionTriesABlockedOne) {
    CallFlow flow({kUs, kEu}, {.breaker = {.open_for = 60s}});
    flow.transport.fail(kUs, ErrorCode::transport_failed).reply(kEu, "hello");
    for (int i = 0; i < 3; ++i) EXPECT_EQ(answered_by(flow), kEu);
    ASSERT_EQ(breaker_of(flow, kUs), BreakerState::open);
    flow.transport.clear(kUs).reply(kUs, "back").clear(kEu).reply_raw(kEu, 503, {}, "");
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->region, kUs);
    EXPECT_EQ(flow.elapsed(), 0s);
}

TEST(Outage, OneCallPerRegionTriesItAndTheOthersWait) {
    CallFlow flow({kUs, kEu}, {}, CallFlow::kManual);
    for (const auto& id : {kUs, kEu}) {
        flow.transport.fail(id, ErrorCode::transport_failed);
        for (int i = 0; i < 3; ++i) EXPECT_FALSE(ask_in_steps(flow, {.regions = {id}, .retry = kOnce}));
    }
    flow.transport.clear(kUs).reply(kUs, "back", {.first_byte = 100ms});
    flow.transport.clear_requests();
    std::vector<std::future<Result<ChatCompletion>>> calls;
    for (int i = 0; i < 50; ++i) calls.push_back(flow.client.chat_async(a_question()));
    EXPECT_THAT(flow.attempts(), SizeIs(2)) << "one call for each region";
    flow.clock.advance(99ms);
    EXPECT_THAT(flow.attempts(), SizeIs(2));
    flow.clock.advance(1ms);
    const auto at_once = flow.attempts().size();
    EXPECT_LT(at_once, 10U) << "the calls do not all start at the same moment";
    flow.clock.advance(250ms);
    EXPECT_GT(flow.attempts().size(), at_once + 15);
    flow.clock.advance(300ms);
    for (auto& call : calls) {
        ASSERT_TRUE(is_ready(call));
        EXPECT_THAT(call.get(), IsOk());
    }
    EXPECT_LE(count_by_region(flow.attempts())[kEu], 2);
}

TEST(Outage, AllowsTwoAttemptsPerSecondAndRegionAndEndsWithinOutagePatience) {
    for (const int status : {0, 503}) {
        CallFlow flow({kUs, kEu, kAp}, {}, CallFlow::kManual);
        for (const auto& id : {kUs, kEu, kAp}) {
            if (status == 0) flow.transport.fail(id, ErrorCode::transport_failed);
            if (status != 0) flow.transport.reply_raw(id, status, {}, "");
        }
        Traffic traffic(flow);
        traffic.run(30s);
        EXPECT_LE(flow.attempts().size(), 30 * 3 * 2.5 + 40) << status;
        EXPECT_GE(flow.attempts().size(), 30U * 3 * 2) << status;
        flow.clock.advance(2100ms);
        EXPECT_EQ(flow.client.stats().in_flight, 0);
        EXPECT_EQ(traffic.lost(), 1500);
    }
}

TEST(Outage, FewCallsCostFewAttempts) {
    CallFlow flow({kUs, kEu, kAp}, {}, CallFlow::kManual);
    for (const auto& id : {kUs, kEu, kAp}) flow.transport.fail(id, ErrorCode::transport_failed);
    Traffic traffic(flow);
    traffic.run(60s, 1s);
    const int calls = traffic.calls();
    EXPECT_EQ(traffic.lost(), calls);
    EXPECT_LE(static_cast<double>(flow.attempts().size()), 1.25 * calls + 25);
}

/// Both regions fail the requests in flight and recover at once, but the first call to try them asks for a long answer.
TEST(Outage, AFailedCallIsNotLostDuringALongTrial) {
    CallFlow flow({kUs, kEu}, {}, CallFlow::kManual);
    for (const auto& id : {kUs, kEu}) {
        flow.transport.fail(id, ErrorCode::transport_failed, false, {.first_byte = 100ms});
    }
    std::vector<std::future<Result<ChatCompletion>>> calls;
    for (int i = 0; i < 20; ++i) calls.push_back(flow.client.chat_async(a_question()));
    flow.clock.advance(250ms);
    for (const auto& id : {kUs, kEu}) {
        ASSERT_NE(breaker_of(flow, id), BreakerState::closed);
        flow.transport.clear(id).reply(id, "long", {.first_byte = 3s});
    }
    flow.clock.advance(6s);
    for (auto& call : calls) {
        ASSERT_TRUE(is_ready(call));
        EXPECT_THAT(call.get(), IsOk());
    }
}

TEST(Outage, SlowTrialsCostOneAttemptPerCall) {
    CallFlow flow({kUs, kEu}, {}, CallFlow::kManual);
    for (const auto& id : {kUs, kEu}) {
        flow.transport.fail(id, ErrorCode::transport_failed, false, {.first_byte = 400ms});
    }
    Traffic traffic(flow);
    traffic.run(30s);
    EXPECT_LE(flow.attempts().size(), traffic.calls() * 1.1);
    EXPECT_EQ(traffic.lost(), 1500);
}

TEST(Outage, AStreamThatBreaksAfterwardsHasTheFullOutagePatience) {
    CallFlow flow({kUs, kEu}, {.breaker = {.open_for = 60s}, .callback_executor = run_inline}, CallFlow::kManual);
    for (const auto& id : {kUs, kEu}) {
        flow.transport.fail(id, ErrorCode::transport_failed);
        for (int i = 0; i < 3; ++i) EXPECT_FALSE(ask_in_steps(flow, {.regions = {id}, .retry = kOnce}));
    }
    flow.transport.clear(kEu).stream_cut(kEu, {"one", "two"}, {.between = 5s});
    std::optional<Result<ChatCompletion>> answer;
    flow.client.stream_async(
        a_question(), {.stream_recovery = StreamRecovery::restart}, [](const ChatChunk&) {},
        [&answer](Result<ChatCompletion> result) { answer.emplace(std::move(result)); });
    flow.clock.advance(4s);
    ASSERT_EQ(breaker_of(flow, kEu), BreakerState::closed);
    flow.transport.clear(kEu).fail(kEu, ErrorCode::transport_failed).clear(kUs).stream(kUs, {"back"});
    flow.clock.advance(10s);
    ASSERT_TRUE(answer);
    ASSERT_THAT(*answer, IsOk());
    EXPECT_EQ((*answer)->text(), "back");
}

TEST(Outage, ReturningToARecoveredRegionNeedsNoRetryToken) {
    CallFlow flow({kUs}, {.retry = {.budget_capacity = 0}}, CallFlow::kManual);
    flow.transport.fail(kUs, ErrorCode::transport_failed);
    auto call = flow.client.chat_async(a_question());
    flow.clock.advance(100ms);
    flow.transport.clear(kUs).reply(kUs, "back");
    EXPECT_THAT(ask_in_steps(flow), IsOk());
    ASSERT_FALSE(is_ready(call));
    flow.clock.advance(1s);
    ASSERT_TRUE(is_ready(call));
    EXPECT_THAT(call.get(), IsOk());
}

TEST(Outage, ACallThatLosesItsPooledConnectionWaitsLikeTheOthers) {
    CallFlow flow({kUs, kEu}, {.breaker = {.open_for = 60s}, .retry = {.budget_capacity = 0}}, CallFlow::kManual);
    const auto break_down = [&](const std::string& id) {
        flow.transport.clear(id).fail(id, ErrorCode::transport_failed);
        for (int i = 0; i < 3; ++i) EXPECT_FALSE(ask_in_steps(flow, {.regions = {id}, .retry = kOnce}));
    };
    break_down(kUs);
    flow.transport.lose_reused_connection(kEu, {.first_byte = 100ms});
    auto call = flow.client.chat_async(a_question());
    break_down(kEu);
    ASSERT_FALSE(is_ready(call));
    flow.transport.clear(kUs).reply(kUs, "back");
    flow.clock.advance(1s);
    ASSERT_TRUE(is_ready(call));
    EXPECT_THAT(call.get(), IsOk());
}

TEST(Outage, OneSecondIsSurvivedByAClientWithOneRegion) {
    for (const int status : {0, 502, 503}) {
        CallFlow flow({kUs}, {}, CallFlow::kManual);
        Traffic traffic(flow);
        flow.transport.reply(kUs, "hello");
        traffic.run(2s);
        flow.transport.clear(kUs);
        if (status == 0) flow.transport.fail(kUs, ErrorCode::transport_failed);
        if (status != 0) flow.transport.reply_raw(kUs, status, {}, "");
        traffic.run(1s);
        flow.transport.clear(kUs).reply(kUs, "back");
        traffic.run(2s);
        EXPECT_EQ(traffic.calls(), 250);
        EXPECT_EQ(traffic.lost(), 0) << status;
    }
}

TEST(Outage, OneSecondIsSurvivedByASingleCall) {
    CallFlow flow({kUs}, {}, CallFlow::kManual);
    flow.transport.fail(kUs, ErrorCode::transport_failed);
    auto call = flow.client.chat_async(a_question());
    flow.clock.advance(1s);
    flow.transport.clear(kUs).reply(kUs, "back");
    flow.clock.advance(600ms);
    ASSERT_TRUE(is_ready(call));
    EXPECT_THAT(call.get(), IsOk());
}

/// The preferred region has four short faults and then stays healthy; a second later both others fail for good.
int lost_when_faults_move(int status) {
    CallFlow flow({kUs, kEu, kAp}, {}, CallFlow::kManual);
    const auto break_down = [&](const std::string& id) {
        flow.transport.clear(id);
        if (status == 0) flow.transport.fail(id, ErrorCode::transport_failed);
        if (status != 0) flow.transport.reply_raw(id, status, {}, "");
    };
    for (const auto& id : {kUs, kEu, kAp}) flow.transport.reply(id, "hello");
    Traffic traffic(flow);
    for (int fault = 0; fault < 4; ++fault) {
        traffic.run(5s);
        break_down(kUs);
        // The last fault ends after its trial has failed, so the breaker stays open for long.
        traffic.run(500ms);
        flow.transport.clear(kUs).reply(kUs, "hello");
    }
    traffic.run(1s);
    break_down(kEu);
    break_down(kAp);
    traffic.run(22s);
    return traffic.lost();
}

TEST(Outage, NoCallIsLostOnceTheFirstFailedRegionHasRecovered) {
    EXPECT_EQ(lost_when_faults_move(503), 0);
    EXPECT_EQ(lost_when_faults_move(502), 0);
    EXPECT_EQ(lost_when_faults_move(0), 0);
}

TEST(Outage, AnEmptyRetryBudgetDoesNotForbidTheLastRegion) {
    CallFlow flow({kUs, kEu}, {.breaker = {.open_for = 60s}, .retry = {.budget_capacity = 0}});
    flow.transport.reply_raw(kUs, 503, {}, "").reply(kEu, "hello");
    for (int i = 0; i < 3; ++i) answered_by(flow);
    ASSERT_EQ(breaker_of(flow, kUs), BreakerState::open);
    flow.transport.clear(kUs).reply(kUs, "back").clear(kEu).reply_raw(kEu, 503, {}, "");
    EXPECT_EQ(answered_by(flow), kUs);
}

TEST(Outage, EndsWithOneErrorThatNamesEachRegionItsReasonAndItsNextTrial) {
    BlockedFlow flow;
    const auto began = flow.clock.now();
    const auto reply = flow.client.chat(a_question());
    ASSERT_FALSE(reply);
    ASSERT_EQ(reply.error().code, ErrorCode::all_regions_unavailable) << reply.error();
    EXPECT_GE(flow.clock.now() - began, 1500ms);
    EXPECT_LE(flow.clock.now() - began, 2s);
    EXPECT_EQ(reply.error().cause, ErrorCode::transport_failed);
    EXPECT_TRUE(reply.error().attempts.at(0).panic);
    EXPECT_THAT(reply.error().message,
                AllOf(HasSubstr("first us-west: "), HasSubstr("us-west: breaker opened again: a trial failed, for "),
                      HasSubstr(" ms now, next trial in "),
                      HasSubstr("; eu-central: breaker opened again: a trial failed, for ")));
}

TEST(Outage, OutagePatienceIsConfigurable) {
    for (const auto patience : {0ms, 700ms, 5'000ms}) {
        BlockedFlow flow({.outage_patience = patience});
        const auto began = flow.clock.now();
        EXPECT_THAT(flow.client.chat(a_question()), FailsWith(ErrorCode::all_regions_unavailable));
        EXPECT_GE(flow.clock.now() - began, patience - 500ms);
        EXPECT_LE(flow.clock.now() - began, patience);
    }
}

TEST(Outage, LastsNoLongerThanTheDeadline) {
    BlockedFlow flow;
    const auto began = flow.clock.now();
    EXPECT_THAT(flow.client.chat(a_question(), {.deadline = 300ms}), Not(IsOk()));
    EXPECT_LE(flow.clock.now() - began, 300ms);
}

TEST(Outage, AnAnsweredProbeLetsAWaitingCallTry) {
    CallFlow flow({kUs, kEu}, {.retry = {.outage_patience = 10s}}, CallFlow::kManual, CallFlow::kProbing);
    for (const auto& id : {kUs, kEu}) flow.transport.reply_raw(id, 503, {}, "");
    for (int i = 0; i < 4; ++i) (void)ask_in_steps(flow, {.retry = RetryOptions{.outage_patience = 0ms}});
    ASSERT_EQ(breaker_of(flow, kUs), BreakerState::open);
    auto call = flow.client.chat_async(a_question());
    flow.clock.advance(3s);
    EXPECT_FALSE(is_ready(call));
    flow.transport.clear(kUs).reply(kUs, "back");
    flow.clock.advance(1s);
    ASSERT_TRUE(is_ready(call));
    EXPECT_THAT(call.get(), IsOk());
}

TEST(Outage, NeverLeavesTheAllowList) {
    BlockedFlow flow;
    EXPECT_THAT(flow.client.chat(a_question(), {.exclude_regions = {kUs}}), Not(IsOk()));
    EXPECT_THAT(flow.attempts(), Not(IsEmpty()));
    for (const auto& region : flow.attempts()) EXPECT_EQ(region, kEu);
}

TEST(Outage, AUsableRegionIsNotSkipped) {
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

TEST(Outage, DrainingAndForcedOpenRegionsAreNotTried) {
    CallFlow flow({kUs, kEu});
    flow.transport.reply(kUs, "no").reply(kEu, "no");
    flow.client.drain(kUs);
    flow.client.force_open(kEu);
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, FailsWith(ErrorCode::all_regions_unavailable));
    EXPECT_THAT(reply.error().message,
                AllOf(HasSubstr("us-west: draining"), HasSubstr("eu-central: breaker forced by the program")));
    EXPECT_THAT(flow.attempts(), IsEmpty());
    EXPECT_EQ(flow.elapsed(), 0s) << "only the program can unblock these regions";
}

TEST(Outage, DifferentReasonsAreReportedPerRegion) {
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

TEST(Outage, ABlockedRegionIsNamedAfterASingleFailure) {
    CallFlow flow({kUs, kEu}, {.retry = {.outage_patience = 0ms, .budget_capacity = 0}});
    flow.transport.reply_raw(kUs, 503, {}, "").reply(kEu, "no");
    flow.client.force_open(kEu);
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, FailsWith(ErrorCode::all_regions_unavailable));
    EXPECT_EQ(reply.error().cause, ErrorCode::server_failed);
    EXPECT_THAT(reply.error().message, HasSubstr("kept away from eu-central: breaker forced by the program"));
    EXPECT_THAT(flow.attempts(), ElementsAre(kUs));
}

}  // namespace
}  // namespace holysheep::flow
