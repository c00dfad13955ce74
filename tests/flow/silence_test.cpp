// Regions that take a request and fall silent: a sign of life is asked for, the network is asked whether the request
// arrived, and a call that waits in vain is rescued.
#include "region_flow.hpp"

namespace holysheep::flow {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

/// A first region that answered and then froze; probes are on.
struct FrozenFlow : CallFlow {
    explicit FrozenFlow(ClientOptions options = {}) : CallFlow({kUs, kEu}, std::move(options), kManual, kProbing) {
        transport.reply(kUs, "hello", {.first_byte = 20ms}).reply(kEu, "hello", {.first_byte = 20ms});
        clock.advance(3s);
        EXPECT_EQ(ask_in_steps(*this)->region, kUs);
        transport.clear(kUs).hang(kUs);
    }
};

TEST(Silence, ACallIsRescuedAboutASignOfLifeAndAProbeLater) {
    for (const auto sign_of_life : {300ms, 1000ms}) {
        FrozenFlow flow({.health = {.sign_of_life = sign_of_life}});
        const auto before = flow.clock.now();
        const auto reply = ask_in_steps(flow);
        ASSERT_THAT(reply, IsOk());
        EXPECT_EQ(reply->region, kEu);
        EXPECT_THAT(kinds(reply->attempts), ElementsAre(AttemptKind::first, AttemptKind::rescue));
        EXPECT_TRUE(reply->attempts[1].maybe_duplicated);
        EXPECT_GE(flow.clock.now() - before, sign_of_life - 50ms);
        EXPECT_LE(flow.clock.now() - before, sign_of_life + 200ms);
    }
}

TEST(Silence, AfterALongSilenceTheSignIsAskedForAtOnce) {
    FrozenFlow flow;
    flow.transport.clear(kUs).reply(kUs, "hello", {.first_byte = 20ms});
    flow.clock.advance(4s);
    flow.transport.clear(kUs).hang(kUs);
    const auto before = flow.clock.now();
    EXPECT_EQ(ask_in_steps(flow)->region, kEu);
    EXPECT_LE(flow.clock.now() - before, 200ms);
}

TEST(Silence, AllCallsThatWaitThereAreRescued) {
    FrozenFlow flow;
    std::vector<std::future<Result<ChatCompletion>>> answers;
    for (int i = 0; i < 8; ++i) answers.push_back(flow.client.chat_async(a_question()));
    flow.clock.advance(1500ms);
    for (auto& answer : answers) {
        ASSERT_TRUE(is_ready(answer));
        EXPECT_EQ(answer.get()->region, kEu);
    }
    EXPECT_EQ(breaker_of(flow, kUs), BreakerState::open) << "each of them counted";
    EXPECT_EQ(flow.client.stats().regions[0].failovers_away, 8U) << "and went elsewhere";
}

TEST(Silence, AModelThatThinksIsNotLeftWhileItsRegionLives) {
    CallFlow flow({kUs, kEu}, {}, CallFlow::kManual, CallFlow::kProbing);
    // Calls and probes walk the script each for itself: the first probe meets the slow step, later ones answer at once.
    flow.transport.reply(kUs, "thought", {.first_byte = 20s}).reply(kUs, "quick").reply(kEu, "hello");
    flow.clock.advance(25s);
    auto answer = flow.client.chat_async(a_question());
    flow.clock.advance(20s);
    ASSERT_TRUE(is_ready(answer));
    const auto reply = answer.get();
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->region, kUs);
    EXPECT_THAT(kinds(reply->attempts), ElementsAre(AttemptKind::first));
}

TEST(Silence, WithoutASignOfLifeACallWaitsForItsOwnLimits) {
    FrozenFlow flow({.health = {.interval = 1h, .sign_of_life = 0ms}, .timeouts = {.first_byte = 30s}});
    const auto before = flow.clock.now();
    const auto reply = ask_in_steps(flow);
    ASSERT_THAT(reply, IsOk());
    EXPECT_THAT(kinds(reply->attempts), ElementsAre(AttemptKind::first, AttemptKind::failover));
    EXPECT_GE(flow.clock.now() - before, 30s);
}

TEST(Silence, ARescueStaysWithinTheAllowListAndLeavesCostSafeCallsAlone) {
    FrozenFlow flow;
    EXPECT_THAT(ask_in_steps(flow, {.deadline = 10s, .regions = {kUs}}), FailsWith(ErrorCode::deadline_exceeded));
    EXPECT_THAT(ask_in_steps(flow, {.deadline = 10s, .cost_safe = true}), Not(IsOk()));
    EXPECT_THAT(count_by_region(flow.attempts())[kEu], 0);
}

TEST(Silence, AStreamIsRescuedToo) {
    FrozenFlow flow;
    auto stream = flow.client.stream(a_question());
    flow.clock.advance(1500ms);
    const auto reply = stream.finish();
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->region, kEu);
}

// ---- the network's own evidence ----

constexpr auto kLost = PathEvidence{.unacked_for = 400ms, .srtt = 20ms, .rttvar = 2ms};

std::vector<AttemptKind> kinds_with(const std::optional<PathEvidence>& evidence, CallOptions options = {}) {
    CallFlow flow({kUs, kEu}, {.timeouts = {.first_byte = 5s}});
    flow.transport.reply(kUs, "late", {.first_byte = 2s}).reply(kEu, "hello", {.first_byte = 20ms});
    flow.transport.set_evidence(evidence);
    const auto reply = flow.client.chat(a_question(), std::move(options));
    EXPECT_THAT(reply, IsOk());
    return reply ? kinds(reply->attempts) : std::vector<AttemptKind>{};
}

TEST(Silence, ARequestThatNobodyAcknowledgedIsRaced) {
    CallFlow flow({kUs, kEu});
    flow.transport.hang(kUs).reply(kEu, "hello", {.first_byte = 20ms});
    flow.transport.set_evidence(kLost);
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->region, kEu);
    EXPECT_THAT(kinds(reply->attempts), ElementsAre(AttemptKind::first, AttemptKind::race));
    EXPECT_TRUE(reply->attempts[1].maybe_duplicated);
    EXPECT_LE(flow.elapsed(), 300ms);
    EXPECT_GT(health_of(flow, kUs).error_rate, 0) << "the region is charged at once";
}

TEST(Silence, WhatArrivedIsNotRaced) {
    EXPECT_THAT(kinds_with(kLost), Contains(AttemptKind::race));
    EXPECT_THAT(kinds_with(std::nullopt), ElementsAre(AttemptKind::first));
    EXPECT_THAT(kinds_with(PathEvidence{.srtt = 20ms, .rttvar = 2ms}), ElementsAre(AttemptKind::first));
    auto through_proxy = kLost;
    through_proxy.via_proxy = true;
    EXPECT_THAT(kinds_with(through_proxy), ElementsAre(AttemptKind::first));
    EXPECT_THAT(kinds_with(kLost, {.cost_safe = true}), ElementsAre(AttemptKind::first));
    EXPECT_THAT(kinds_with(kLost, {.regions = {kUs}}), ElementsAre(AttemptKind::first));
}

TEST(Silence, ALateConnectionIsKeptBesideTheOneThatRacesIt) {
    CallFlow flow({kUs, kEu});
    flow.transport.reply(kUs, "hello", {.connect = 300ms}).reply(kEu, "no", {.connect = 400ms});
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->region, kUs) << "it was ready first after all";
    EXPECT_THAT(kinds(reply->attempts), ElementsAre(AttemptKind::first, AttemptKind::race));
    EXPECT_FALSE(reply->attempts[1].maybe_duplicated);
    EXPECT_FALSE(flow.transport.requests()[1].sent) << "connections race, requests do not";
}

}  // namespace
}  // namespace holysheep::flow
