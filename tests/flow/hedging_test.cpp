// Hedging: when and how often a second region is asked because the first is slow, and when it is not.
#include "region_flow.hpp"

namespace holysheep::flow {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;
using ::testing::SizeIs;

constexpr HedgingOptions kOn{.enabled = true};

ClientOptions hedging(HedgingOptions options) {
    // A call that is not hedged moves on after five seconds.
    return {.hedging = options, .timeouts = {.first_byte = 5s}};
}

/// A flow that knows the model's speed (30 answers after 100 ms) and whose first region hangs from now on.
struct HedgeFlow : CallFlow {
    explicit HedgeFlow(ClientOptions options, int answers = 30, const std::vector<std::string>& regions = {kUs, kEu})
        : CallFlow(regions, std::move(options)) {
        for (const auto& id : regions) transport.reply(id, "hello", {.first_byte = 100ms});
        for (std::size_t i = 1; i < regions.size(); ++i)
            EXPECT_EQ(answered_by(*this, {.regions = {regions[i]}}), regions[i]);
        for (int i = static_cast<int>(regions.size()); i <= answers; ++i) EXPECT_EQ(answered_by(*this), kUs);
        transport.clear(kUs).hang(kUs);
        transport.clear_requests();
    }
    std::vector<AttemptKind> kinds_of_call(CallOptions call = {}) {
        const auto reply = client.chat(a_question(), std::move(call));
        return kinds(reply ? reply->attempts : reply.error().attempts);
    }
};

TEST(Hedging, AsksASecondRegionWhenTheFirstIsSlow) {
    HedgeFlow flow(hedging(kOn));
    const auto before = flow.elapsed();
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->region, kEu);
    EXPECT_THAT(kinds(reply->attempts), ElementsAre(AttemptKind::first, AttemptKind::hedge));
    EXPECT_TRUE(reply->attempts[1].maybe_duplicated);
    EXPECT_TRUE(reply->attempts[1].winner);
    EXPECT_EQ(reply->attempts[0].error, ErrorCode::cancelled);
    EXPECT_GE(reply->attempts[1].started, 95ms) << "the model's 95th percentile";
    EXPECT_LE(reply->attempts[1].started, 105ms);
    EXPECT_LE(flow.elapsed() - before, 210ms);
    EXPECT_TRUE(flow.transport.requests()[0].cancelled) << "the losing transfer is cancelled";
    EXPECT_EQ(flow.client.stats().hedges, 1U);
    EXPECT_EQ(flow.client.stats().regions[1].hedges, 1U);
    EXPECT_EQ(flow.client.stats().regions[1].hedges_won, 1U);
    EXPECT_EQ(flow.client.stats().hedges_lost, 0U);
}

TEST(Hedging, IsOffByDefault) {
    HedgeFlow flow(hedging({}));
    EXPECT_THAT(flow.kinds_of_call(), ElementsAre(AttemptKind::first, AttemptKind::failover));
    EXPECT_EQ(flow.client.stats().hedges, 0U);
}

TEST(Hedging, ACallMayOverrideTheOption) {
    HedgeFlow off(hedging({}));
    EXPECT_THAT(off.kinds_of_call({.hedge = true}), ElementsAre(AttemptKind::first, AttemptKind::hedge));
    HedgeFlow on(hedging(kOn));
    EXPECT_THAT(on.kinds_of_call({.hedge = false}), Not(Contains(AttemptKind::hedge)));
}

TEST(Hedging, WaitsUntilTheModelsSpeedIsKnown) {
    HedgeFlow flow(hedging(kOn), 29);
    EXPECT_THAT(flow.kinds_of_call(), Not(Contains(AttemptKind::hedge)));
}

TEST(Hedging, WaitsAtLeastItsDelay) {
    HedgeFlow flow(hedging({.enabled = true, .min_delay = 700ms}));
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, IsOk());
    ASSERT_THAT(reply->attempts, SizeIs(2));
    EXPECT_EQ(reply->attempts[1].started, 700ms);
}

TEST(Hedging, StaysWithinItsRatio) {
    const auto hedges_of = [](double ratio) {
        // One slow region among three does not switch hedging off.
        HedgeFlow flow(hedging({.enabled = true, .ratio = ratio}), 30, {kUs, kEu, kAp});
        flow.transport.clear(kUs).reply(kUs, "late", {.first_byte = 4s});
        for (int i = 0; i < 12; ++i) EXPECT_THAT(flow.client.chat(a_question()), IsOk());
        return flow.client.stats().hedges;
    };
    EXPECT_EQ(hedges_of(0), 5U) << "the initial allowance of a new client";
    EXPECT_EQ(hedges_of(0.5), 10U) << "and one more for every second call";
    EXPECT_EQ(hedges_of(1), 12U);
}

TEST(Hedging, LongPromptsAreNotHedged) {
    for (const std::size_t length : {100U, 1000U}) {
        HedgeFlow flow(hedging({.enabled = true, .max_prompt_tokens = 200}));
        auto question = a_question();
        question.messages[0].content = std::string(length, 'x');
        EXPECT_THAT(kinds(flow.client.chat(question)->attempts),
                    ElementsAre(AttemptKind::first, length == 100 ? AttemptKind::hedge : AttemptKind::failover));
    }
}

TEST(Hedging, UsesOnlyAHealthyRegion) {
    const std::function<void(HedgeFlow&)> impairments[] = {
        [](HedgeFlow& flow) { flow.client.drain(kEu); },
        [](HedgeFlow& flow) { flow.client.force_open(kEu); },
        [](HedgeFlow& flow) {
            flow.transport.clear(kEu).reply_raw(kEu, 500, {}, "");
            for (int i = 0; i < 2; ++i) {
                (void)flow.client.chat(a_question(), {.regions = {kEu}, .retry = RetryOptions{.max_attempts = 1}});
            }
        },
        [](HedgeFlow& flow) {
            flow.transport.clear(kEu).reply_raw(
                kEu, 429,
                {{"retry-after", "30"}, {"x-ratelimit-limit-requests", "10"}, {"x-ratelimit-remaining-requests", "0"}},
                "");
            (void)flow.client.chat(a_question(), {.regions = {kEu}, .retry = RetryOptions{.max_attempts = 1}});
        },
    };
    int i = 0;
    for (const auto& impair : impairments) {
        HedgeFlow flow(hedging(kOn));
        impair(flow);
        EXPECT_THAT(flow.kinds_of_call({.deadline = 2s}), Not(Contains(AttemptKind::hedge))) << "impairment " << i;
        ++i;
    }
}

TEST(Hedging, StopsWhenMostRegionsAreDown) {
    for (const bool most_down : {false, true}) {
        HedgeFlow flow(hedging(kOn), 30, {kUs, kEu, kAp, "eu-north", "us-east"});
        if (most_down) {
            for (const char* region : {"ap-southeast", "eu-north", "us-east"}) flow.client.force_open(region);
            flow.clock.advance(200ms);
        }
        const auto kinds = flow.kinds_of_call({.deadline = 2s});
        EXPECT_EQ(std::ranges::count(kinds, AttemptKind::hedge), most_down ? 0 : 1);
    }
}

TEST(Hedging, NeverLeavesTheAllowListNorDuplicatesACostSafeCall) {
    HedgeFlow flow(hedging(kOn));
    EXPECT_THAT(flow.kinds_of_call({.deadline = 2s, .regions = {kUs}}), ElementsAre(AttemptKind::first));
    EXPECT_THAT(flow.kinds_of_call({.deadline = 2s, .cost_safe = true}), ElementsAre(AttemptKind::first));
    EXPECT_THAT(flow.kinds_of_call({.deadline = 2s, .retry = RetryOptions{.max_attempts = 1}}),
                ElementsAre(AttemptKind::first));
    EXPECT_THAT(flow.attempts(), Not(Contains(kEu)));
}

TEST(Hedging, TheFirstRegionMayStillWin) {
    HedgeFlow flow(hedging(kOn));
    flow.transport.clear(kUs).reply(kUs, "late", {.first_byte = 150ms});
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->region, kUs);
    EXPECT_THAT(kinds(reply->attempts), ElementsAre(AttemptKind::first, AttemptKind::hedge));
    EXPECT_TRUE(flow.transport.requests()[1].cancelled);
}

TEST(Hedging, AFailedHedgeDoesNotAffectTheCall) {
    HedgeFlow flow(hedging(kOn));
    flow.transport.clear(kUs).reply(kUs, "late", {.first_byte = 2s});
    flow.transport.clear(kEu).reply_raw(kEu, 503, {}, "");
    EXPECT_EQ(answered_by(flow), kUs);
}

TEST(Hedging, LosingIsNotAFailure) {
    HedgeFlow flow(hedging({.enabled = true, .ratio = 1}));
    for (int i = 0; i < 12; ++i) EXPECT_EQ(answered_by(flow), kEu);
    EXPECT_EQ(breaker_of(flow, kUs), BreakerState::closed);
    EXPECT_EQ(health_of(flow, kUs).error_rate, 0);
    EXPECT_EQ(health_of(flow, kUs).in_flight, 0);
}

TEST(Hedging, AStreamUsesTheRegionThatSendsContentFirst) {
    CallFlow flow({kUs, kEu}, hedging(kOn));
    const holysheep::testing::StreamOptions timing{.timing = {.first_byte = 100ms}};
    flow.transport.stream(kUs, {"Hel", "lo"}, timing).stream(kEu, {"Hel", "lo"}, timing);
    const auto ignore = [](const ChatChunk&) {};
    EXPECT_THAT(flow.client.stream_to(a_question(), {.regions = {kEu}}, ignore), IsOk());
    for (int i = 0; i < 30; ++i) EXPECT_THAT(flow.client.stream_to(a_question(), ignore), IsOk());
    // The head comes at once, the text later.
    flow.transport.clear(kUs).stream(kUs, {"", "late"}, {.timing = {.first_byte = 150ms, .between = 3s}});
    std::string text;
    const auto reply =
        flow.client.stream_to(a_question(), CallOptions{}, [&](const ChatChunk& chunk) { text += chunk.text; });
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->region, kEu);
    EXPECT_EQ(text, "Hello");
    EXPECT_THAT(kinds(reply->attempts), ElementsAre(AttemptKind::first, AttemptKind::hedge));
}

TEST(Hedging, ASimultaneousHedgeAndRaceEachHaveAKeyAndAPermit) {
    CallFlow flow({kUs, kEu, kAp}, {.keys = {"sk-first-key", "sk-second-key"},
                                    .hedging = {.enabled = true, .min_delay = 1s},
                                    .rate_limit = {.requests = 100}});
    for (const auto& id : {kEu, kAp}) {
        flow.transport.reply(id, "hello", {.first_byte = 100ms});
        for (int i = 0; i < 20; ++i) EXPECT_EQ(answered_by(flow, {.regions = {id}}), id);
    }
    // The host answers the first packet and then sends nothing more, so a race begins after four times 250 ms.
    flow.transport.never_connects(kUs);
    flow.transport.set_evidence(PathEvidence{});
    flow.transport.clear_requests();
    const auto used = flow.client.stats().limits.at(0).requests_used;
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, IsOk());
    EXPECT_THAT(kinds(reply->attempts), ElementsAre(AttemptKind::first, AttemptKind::hedge, AttemptKind::race));
    EXPECT_EQ(reply->attempts[1].started, reply->attempts[2].started);
    for (const auto& request : flow.requests()) EXPECT_EQ(header(request, "Authorization"), "Bearer sk-first-key");
    EXPECT_EQ(flow.client.stats().limits.at(0).requests_used, used + 1) << "of the three, one was sent";
}

}  // namespace
}  // namespace holysheep::flow
