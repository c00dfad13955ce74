// Counters and timings that Client::stats() reports after calls.
#include <limits>

#include "region_flow.hpp"

namespace holysheep::flow {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(Stats, CountCallsAttemptsAndFailovers) {
    CallFlow flow({"us-west", "eu-central"});
    flow.transport.fail("us-west", ErrorCode::transport_failed).reply("us-west", "hi").reply("eu-central", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    flow.transport.clear("us-west").reply_raw("us-west", 400, {}, "");
    EXPECT_FALSE(flow.client.chat(a_question()));
    EXPECT_FALSE(flow.client.chat(a_question(), {.deadline = 0ms}));
    EXPECT_FALSE(flow.client.chat(a_question(), {.regions = {"mars"}}))
        << "rejected during validation, so it is not counted as a call";
    const auto stats = flow.client.stats();
    EXPECT_EQ(stats.calls, 4U);
    EXPECT_EQ(stats.succeeded, 2U);
    EXPECT_EQ(stats.failed, 2U);
    EXPECT_EQ(stats.attempts, 4U);
    EXPECT_EQ(stats.failovers, 1U);
    EXPECT_EQ(stats.in_flight, 0);
    ASSERT_THAT(stats.regions, SizeIs(2));
    EXPECT_EQ(stats.regions[0].id, "us-west");
    EXPECT_EQ(stats.regions[0].attempts, 3U);
    EXPECT_EQ(stats.regions[0].succeeded, 1U);
    EXPECT_EQ(stats.regions[0].failed, 2U);
    EXPECT_EQ(stats.regions[0].failovers_away, 1U);
    EXPECT_EQ(stats.regions[0].last_error, ErrorCode::invalid_request);
    EXPECT_EQ(stats.regions[1].succeeded, 1U);
    EXPECT_EQ(stats.regions[1].health.error_rate, 0);
    EXPECT_EQ(stats.retry_budget_tokens, 20);
}

TEST(Stats, ShowCallsInFlight) {
    CallFlow flow({"us-west"}, {}, CallFlow::kManual);
    flow.transport.hang("us-west");
    auto a = flow.client.chat_async(a_question());
    auto b = flow.client.chat_async(a_question());
    flow.clock.advance(5s);
    const auto stats = flow.client.stats();
    EXPECT_EQ(stats.in_flight, 2);
    EXPECT_EQ(stats.regions[0].health.in_flight, 2);
    EXPECT_EQ(stats.uptime, 5s);
}

TEST(Stats, CountEachAttemptForItsRegionEvenIfAllRegionsFailed) {
    CallFlow flow({kUs, kEu, kAp});
    flow.transport.fail(kUs, ErrorCode::transport_failed)
        .reply_raw(kEu, 503, {}, "", {.first_byte = 30ms})
        .fail(kAp, ErrorCode::tls_failed);
    EXPECT_FALSE(flow.client.chat(a_question(), {.retry = RetryOptions{.max_attempts = 3}}));
    const auto stats = flow.client.stats();
    const std::vector expected{ErrorCode::transport_failed, ErrorCode::server_failed, ErrorCode::tls_failed};
    for (std::size_t i = 0; i < 3; ++i) {
        const auto& region = stats.regions[i];
        EXPECT_EQ(region.attempts, 1U) << region.id;
        ASSERT_THAT(region.failed_by, SizeIs(1)) << region.id;
        EXPECT_EQ(region.failed_by[0].cause, expected[i]) << region.id;
        ASSERT_THAT(region.history, SizeIs(1));
        EXPECT_EQ(region.history[0].error, expected[i]);
        EXPECT_EQ(region.failovers_to, i == 0 ? 0U : 1U);
        EXPECT_EQ(region.success_rate(), 0.0);
    }
    EXPECT_EQ(stats.regions[1].history[0].http_status, 503);
    EXPECT_EQ(stats.regions[1].history[0].latency, 30ms);
    ASSERT_THAT(stats.failovers_by, SizeIs(2));
    EXPECT_EQ(stats.failovers_by[1].from, kEu);
    EXPECT_EQ(stats.failovers_by[1].to, kAp);
    EXPECT_EQ(stats.failovers_by[1].cause, ErrorCode::server_failed);
    EXPECT_EQ(stats.success_rate(), 0.0);
}

TEST(Stats, MeasureLatencyAndTimeToFirstContent) {
    CallFlow flow({kUs});
    flow.transport.stream(kUs, {"a", "b"}, {.timing = {.first_byte = 80ms}}).reply(kUs, "hi", {.first_byte = 200ms});
    EXPECT_THAT(flow.client.stream(a_question()).finish(), IsOk());
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    const auto stats = flow.client.stats();
    const auto& region = stats.regions[0];
    EXPECT_EQ(region.first_content.count, 1U) << "an answer that is not streamed has no time to first content";
    EXPECT_EQ(region.first_content.min, 80ms);
    EXPECT_EQ(region.latency.count, 2U);
    EXPECT_EQ(region.latency.max, 200ms);
    EXPECT_EQ(stats.latency.count, 2U);
    EXPECT_EQ(stats.latency.max, 200ms);
}

TEST(Stats, AnExplicitFailureAddsNoFailoverOverhead) {
    CallFlow flow({kUs, kEu});
    flow.transport.reply_raw(kUs, 503, {}, "", {.first_byte = 400ms}).reply(kEu, "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    const auto stats = flow.client.stats();
    EXPECT_EQ(stats.failover_overhead.count, 1U);
    EXPECT_EQ(stats.failover_overhead.max, 0ns) << "the gateway took 400 ms to fail; moving on took none";
}

TEST(Stats, WaitingForASilentRegionCountsAsFailoverOverhead) {
    CallFlow flow({kUs, kEu});
    flow.transport.never_connects(kUs).reply(kEu, "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    const auto stats = flow.client.stats();
    EXPECT_EQ(stats.races, 1U);
    EXPECT_EQ(stats.regions[1].races, 1U);
    EXPECT_EQ(stats.failover_overhead.count, 1U);
    EXPECT_EQ(stats.failover_overhead.max, 250ms) << "the default delay before a second region is raced";
}

TEST(Stats, ARaceWonByAnotherRegionIsAFailover) {
    CallFlow flow({kUs, kEu});
    flow.transport.never_connects(kUs).reply(kEu, "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    auto stats = flow.client.stats();
    EXPECT_EQ(stats.failovers, 1U);
    EXPECT_EQ(stats.regions[0].failovers_away, 1U);
    EXPECT_EQ(stats.regions[1].failovers_to, 1U);
    ASSERT_THAT(stats.failovers_by, SizeIs(1));
    EXPECT_EQ(stats.failovers_by[0].cause, ErrorCode::timed_out);

    CallFlow late({kUs, kEu});
    late.transport.reply(kUs, "hello", {.connect = 300ms}).reply(kEu, "no", {.connect = 400ms});
    EXPECT_THAT(late.client.chat(a_question()), IsOk());
    stats = late.client.stats();
    EXPECT_EQ(stats.races, 1U);
    EXPECT_EQ(stats.failovers, 0U) << "the first region answered after all";
}

TEST(Stats, ShowTheBudgetsBeforeTheFirstCall) {
    CallFlow flow({kUs}, {.retry = {.budget_capacity = 7}});
    EXPECT_EQ(flow.client.stats().retry_budget_tokens, 7);
    EXPECT_EQ(flow.client.stats().hedge_budget_tokens, 5);
}

TEST(Stats, CountCutStreamsAndTheirWastedTokens) {
    CallFlow flow({kUs});
    flow.transport.stream_cut(kUs, {"twelve bytes", "and as many."}).stream(kUs, {"fine"});
    EXPECT_FALSE(flow.client.stream(a_question()).finish());
    EXPECT_THAT(flow.client.stream(a_question()).finish(), IsOk());
    const auto stats = flow.client.stats();
    EXPECT_EQ(stats.streams_cut, 1U);
    EXPECT_EQ(stats.regions[0].streams_cut, 1U);
    EXPECT_EQ(stats.wasted_tokens, 6) << "without a usage report, tokens are estimated as bytes / 4";
}

TEST(Stats, TokensOfACancelledStreamAreNotWasted) {
    CallFlow flow({kUs}, {.callback_executor = run_inline}, CallFlow::kManual);
    flow.transport.stream_stall(kUs, {"twelve bytes"});
    auto handle = flow.client.stream_async(
        a_question(), {}, [](const ChatChunk&) {}, [](const Result<ChatCompletion>&) {});
    flow.clock.advance(100ms);
    handle.cancel();
    flow.clock.advance(100ms);
    const auto stats = flow.client.stats();
    EXPECT_EQ(stats.cancelled, 1U);
    EXPECT_EQ(stats.wasted_tokens, 0);
    EXPECT_EQ(stats.streams_cut, 0U);
    EXPECT_EQ(stats.regions[0].cancelled, 1U);
    EXPECT_EQ(stats.regions[0].success_rate(), std::nullopt);
}

TEST(Stats, AddUpTokensPerModel) {
    CallFlow flow({kUs});
    flow.transport.reply(kUs, "hello");
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, IsOk());
    EXPECT_THAT(flow.client.chat("another", "Hm?"), IsOk());
    EXPECT_THAT(flow.client.models(), IsOk());
    const auto models = flow.client.stats().models;
    ASSERT_THAT(models, SizeIs(2)) << "listing models counts for no model";
    EXPECT_EQ(models[0].model, "gpt-4.1");
    EXPECT_EQ(models[0].calls, 1U);
    EXPECT_EQ(models[0].succeeded, 1U);
    EXPECT_EQ(models[0].prompt_tokens, reply->usage.prompt_tokens);
    EXPECT_EQ(models[0].completion_tokens, reply->usage.completion_tokens);
    EXPECT_GT(models[0].completion_tokens, 0);
    EXPECT_EQ(models[1].model, "another");
}

TEST(Stats, HugeUsageSaturatesInsteadOfOverflowing) {
    CallFlow flow({"us-west"});
    flow.transport.reply_raw("us-west", 200, {}, R"({"choices":[{"message":{"content":"x"},"finish_reason":"stop"}],
        "usage":{"prompt_tokens":9000000000000000000,"completion_tokens":9000000000000000000,
        "total_tokens":9000000000000000000}})");
    for (int i = 0; i < 2; ++i) EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    const auto model = flow.client.stats().models.at(0);
    constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
    EXPECT_EQ(model.prompt_tokens, kMax);
    EXPECT_EQ(model.completion_tokens, kMax);
    const auto total = flow.client.ledger().total("USD");
    EXPECT_EQ(total.prompt_tokens, kMax);
    EXPECT_EQ(total.completion_tokens, kMax);
}

TEST(Stats, AFallbackModelIsCountedUnderItsOwnName) {
    CallFlow flow({kUs});
    flow.transport.reply_raw(kUs, 404, {}, error_body("model_not_found")).reply(kUs, "hello");
    ASSERT_THAT(flow.client.chat(a_question(), {.fallback_models = {"another"}}), IsOk());
    const auto models = flow.client.stats().models;
    ASSERT_THAT(models, SizeIs(1));
    EXPECT_EQ(models[0].model, "another");
    EXPECT_EQ(models[0].succeeded, 1U);
}

TEST(Stats, AWaitForTheRateLimitIsCountedAsQueued) {
    CallFlow flow({kUs});
    flow.transport.reply_raw(kUs, 429, {{"Retry-After", "9"}}, "").reply(kUs, "hello");
    EXPECT_FALSE(flow.client.chat(a_question(), {.retry = RetryOptions{.max_attempts = 1}}));
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    const auto stats = flow.client.stats();
    EXPECT_EQ(stats.queued.count, 1U);
    EXPECT_EQ(stats.queued.max, 9s);
}

TEST(Stats, KeepTheConfiguredHistory) {
    CallFlow flow({kUs}, {.stats = {.history = 2}});
    flow.transport.reply(kUs, "hello");
    EXPECT_THAT(flow.client.stats().regions[0].history, IsEmpty());
    for (int i = 0; i < 5; ++i) EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_THAT(flow.client.stats().regions[0].history, SizeIs(2));
    CallFlow without_history({kUs}, {.stats = {.history = 0}});
    without_history.transport.reply(kUs, "hello");
    EXPECT_THAT(without_history.client.chat(a_question()), IsOk());
    EXPECT_THAT(without_history.client.stats().regions[0].history, IsEmpty());
}

TEST(Stats, RecordTheChangesOfARegion) {
    CallFlow flow({kUs, kEu});
    flow.transport.fail(kUs, ErrorCode::transport_failed).reply(kEu, "hello");
    for (int i = 0; i < 3; ++i) EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    const auto stats = flow.client.stats();
    EXPECT_EQ(stats.regions[0].breaker_opened, 1U);
    ASSERT_FALSE(stats.changes.empty());
    EXPECT_TRUE(std::ranges::any_of(stats.changes, [](const RegionChange& change) {
        return change.region == kUs && change.breaker == BreakerState::open && !change.reason.empty();
    }));
}

}  // namespace
}  // namespace holysheep::flow
