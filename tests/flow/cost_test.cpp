// The cost of calls: in the answer, every attempt, the call's record and the ledger.
#include "call_flow.hpp"

namespace holysheep::flow {
namespace {

using ::testing::SizeIs;

constexpr auto kUs = "us-west", kEu = "eu-central";

std::string answer(const std::string& model, const std::string& usage) {
    return R"({"id":"c","object":"chat.completion","created":1,"model":")" + model +
           R"(","choices":[{"index":0,"message":{"role":"assistant","content":"Merino."},"finish_reason":"stop"}])" +
           (usage.empty() ? "" : R"(,"usage":)" + usage) + "}";
}

const std::string kCounted =
    R"({"prompt_tokens":1000,"completion_tokens":500,"total_tokens":1500,"prompt_tokens_details":{"cached_tokens":800}})";
const auto kCountedCost = usd("0.0048");  // 200 × 2.00 + 800 × 0.50 + 500 × 8.00, per million

struct Records final : EventListener {
    std::vector<CallRecord> calls{};
    void on_call(const CallRecord& call) override { calls.push_back(call); }
};

struct CostFlow {
    std::shared_ptr<Records> records = std::make_shared<Records>();
    CallFlow flow;
    explicit CostFlow(const std::vector<std::string>& regions = {kUs}, ClientOptions options = {})
        : flow(regions, with_listener(std::move(options))) {}
    ClientOptions with_listener(ClientOptions options) const {
        options.listeners = {records};
        options.callback_executor = run_inline;
        return options;
    }
    const CallRecord& record() const { return records->calls.back(); }
    /// Returns the only line of the ledger.
    CostLine line() const {
        const auto ledger = flow.client.ledger();
        EXPECT_THAT(ledger.lines, SizeIs(1)) << ledger;
        return ledger.lines.empty() ? CostLine{} : ledger.lines[0];
    }
};

/// A request to us-west was sent, but its outcome is unknown: the estimate uses two US dollars per million tokens and
/// four bytes per token.
void expect_prompt_estimate(const CostFlow& setup, const AttemptRecord& attempt) {
    const auto bytes = static_cast<std::int64_t>(setup.flow.requests().front().body.size());
    ASSERT_TRUE(attempt.cost);
    EXPECT_TRUE(attempt.cost_is_estimate);
    EXPECT_NEAR(static_cast<double>(attempt.cost->nano), 2'000.0 * static_cast<double>(bytes) / 4, 2'000.0 * 6);
}

TEST(Cost, OfAnAnswerIsReportedEverywhere) {
    CostFlow setup;
    setup.flow.transport.reply_raw(kUs, 200, {}, answer("gpt-4.1-2025-04-14", kCounted));
    const auto reply = setup.flow.client.chat(a_question(), {.label = "shop"});
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->cached_input_tokens(), 800);
    EXPECT_EQ(reply->cost, kCountedCost);
    EXPECT_FALSE(reply->cost_is_estimate);
    EXPECT_EQ(reply->attempts[0].cost, kCountedCost);
    EXPECT_FALSE(reply->attempts[0].cost_is_estimate);
    EXPECT_EQ(setup.record().cost, kCountedCost);
    EXPECT_FALSE(setup.record().cost_is_estimate);
    const auto line = setup.line();
    EXPECT_EQ(line.model, "gpt-4.1");
    EXPECT_EQ(line.region, kUs);
    EXPECT_EQ(line.label, "shop");
    EXPECT_EQ(line.calls, 1U);
    EXPECT_EQ(line.attempts, 1U);
    EXPECT_EQ(line.prompt_tokens, 1'000);
    EXPECT_EQ(line.cached_input_tokens, 800);
    EXPECT_EQ(line.completion_tokens, 500);
    EXPECT_EQ(line.cost, kCountedCost);
    EXPECT_EQ(line.estimated_cost.nano, 0);
}

TEST(Cost, OfAnUnknownModelIsUnknownAndNotZero) {
    CostFlow setup;
    setup.flow.transport.reply_raw(kUs, 200, {}, answer("merino-1", kCounted));
    auto question = a_question();
    question.model = "merino-1";
    const auto reply = setup.flow.client.chat(question);
    ASSERT_THAT(reply, IsOk());
    EXPECT_FALSE(reply->cost);
    EXPECT_FALSE(reply->attempts[0].cost);
    EXPECT_FALSE(setup.record().cost);
    EXPECT_EQ(setup.line().unknown_cost, 1U);
    EXPECT_EQ(setup.line().prompt_tokens, 1'000);
}

TEST(Cost, ReportedByTheGatewayTakesPrecedence) {
    CostFlow setup;
    const std::string usage = R"({"prompt_tokens":1000,"completion_tokens":500,"total_tokens":1500,"cost":0.0123})";
    setup.flow.transport.reply_raw(kUs, 200, {}, answer("gpt-4.1", usage))
        .reply_raw(kUs, 200, {}, answer("yak", usage));
    for (const auto* model : {"gpt-4.1", "yak"}) {
        auto question = a_question();
        question.model = model;
        const auto reply = setup.flow.client.chat(question);
        ASSERT_THAT(reply, IsOk());
        EXPECT_EQ(reply->cost, usd("0.0123")) << model;
    }
}

TEST(Cost, UsesThePriceOfTheModelThatAnswered) {
    CostFlow setup;
    setup.flow.transport.reply_raw(kUs, 200, {}, answer("gpt-4.1", kCounted));
    auto question = a_question();
    question.model = "auto";
    EXPECT_EQ(setup.flow.client.chat(question)->cost, kCountedCost);
    EXPECT_EQ(setup.line().model, "auto") << "the requested model";
}

TEST(Cost, UsesThePriceOfTheRequestedModelIfTheAnswersModelIsUnknown) {
    auto regions = FakeTransport::regions({kUs});
    regions[0].model_map["gpt-4.1"] = "deployment-7";
    CostFlow setup({}, {.regions = regions});
    setup.flow.transport.reply_raw(kUs, 200, {}, answer("deployment-7", kCounted));
    EXPECT_EQ(setup.flow.client.chat(a_question())->cost, kCountedCost);
    EXPECT_EQ(setup.line().model, "deployment-7");
}

TEST(Cost, UsesThePriceOfTheFallbackModelIfTheAnswersModelIsUnknown) {
    auto regions = FakeTransport::regions({kUs});
    regions[0].model_map = {{"gpt-4.1", "deployment-7"}, {"deepseek-v3.2", "deployment-8"}};
    CostFlow setup({}, {.regions = regions, .fallback_models = {"deepseek-v3.2"}});
    setup.flow.transport.reply_raw(kUs, 404, {}, error_body("model_not_found"))
        .reply_raw(kUs, 200, {}, answer("deployment-8", R"({"prompt_tokens":1000,"completion_tokens":500})"));
    const auto reply = setup.flow.client.chat(a_question());
    ASSERT_THAT(reply, IsOk());
    ASSERT_THAT(reply->attempts, SizeIs(2));
    EXPECT_EQ(reply->attempts[1].kind, AttemptKind::fallback_model);
    EXPECT_EQ(reply->cost, usd("0.00049"));  // 1,000 × 0.28 + 500 × 0.42, per million
}

TEST(Cost, UsesTheClientsOwnPrices) {
    ClientOptions options;
    options.models["gpt-4.1"].price = ModelPrice{.input = usd("1"), .output = usd("1")};
    options.models["merino-1"].price = ModelPrice{.output = {7, "EUR"}, .per_tokens = 1};
    options.models["merino-1"].price->input.currency = "EUR";
    CostFlow setup({kUs}, options);
    setup.flow.transport.reply_raw(kUs, 200, {}, answer("gpt-4.1", kCounted))
        .reply_raw(kUs, 200, {}, answer("merino-1", kCounted));
    EXPECT_EQ(setup.flow.client.chat(a_question())->cost, usd("0.0015"));
    EXPECT_EQ(setup.flow.client.chat(a_question())->cost, (Money{3'500, "EUR"}));
    EXPECT_EQ(setup.flow.client.ledger().total("EUR").cost.nano, 3'500);
    EXPECT_EQ(setup.flow.client.ledger().total("USD").cost, usd("0.0015"));
    EXPECT_EQ(setup.flow.client.catalogue().find("gpt-4.1")->context_window, 1'047'576)
        << "the rest of the built-in entry is kept";
}

TEST(Cost, UsesPricesSetAtRunTime) {
    CostFlow setup;
    setup.flow.transport.reply_raw(kUs, 200, {}, answer("gpt-4.1", kCounted));
    EXPECT_EQ(setup.flow.client.chat(a_question())->cost, kCountedCost);
    ModelCatalogue own;
    own.set("gpt-4.1", {.price = ModelPrice{.input = usd("4"), .output = usd("4")}});
    setup.flow.client.set_prices(own);
    EXPECT_EQ(setup.flow.client.chat(a_question())->cost, usd("0.006"));
    EXPECT_NE(setup.flow.client.catalogue().price("deepseek-v3.2"), nullptr);
}

TEST(Cost, OfARequestThatNeverArrivedOrWasRefusedIsZero) {
    CostFlow setup({"a", "b", "c", kUs});
    setup.flow.transport.fail("a", ErrorCode::transport_failed)
        .reply_raw("b", 503, {}, "")
        .reply_raw("c", 429, {}, "")
        .reply_raw(kUs, 200, {}, answer("gpt-4.1", kCounted));
    const auto reply = setup.flow.client.chat(a_question());
    ASSERT_THAT(reply, IsOk());
    ASSERT_THAT(reply->attempts, SizeIs(4));
    for (const int i : {0, 1, 2}) {
        EXPECT_EQ(reply->attempts[static_cast<std::size_t>(i)].cost, Money{}) << i;
        EXPECT_FALSE(reply->attempts[static_cast<std::size_t>(i)].cost_is_estimate) << i;
    }
    EXPECT_EQ(setup.record().cost, kCountedCost);
    EXPECT_FALSE(setup.record().cost_is_estimate);
    const auto ledger = setup.flow.client.ledger();
    EXPECT_THAT(ledger.lines, SizeIs(4)) << "each region has its attempts";
    EXPECT_EQ(ledger.total().calls, 1U);
    EXPECT_EQ(ledger.total().estimated_prompt_tokens, 0);
}

TEST(Cost, OfAnAttemptThatTimedOutIsEstimatedFromThePrompt) {
    CostFlow setup({kUs, kEu}, {.timeouts = {.first_byte = 5s}});
    setup.flow.transport.hang(kUs).reply_raw(kEu, 200, {}, answer("gpt-4.1", kCounted));
    auto question = a_question();
    question.messages[0].content = std::string(40'000, 'x');
    const auto reply = setup.flow.client.chat(question);
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->cost, kCountedCost) << "the cost of the answer alone";
    EXPECT_FALSE(reply->cost_is_estimate);
    expect_prompt_estimate(setup, reply->attempts[0]);
    ASSERT_TRUE(setup.record().cost);
    EXPECT_EQ(setup.record().cost->nano, kCountedCost.nano + reply->attempts[0].cost->nano)
        << "the cost of both attempts";
    EXPECT_TRUE(setup.record().cost_is_estimate);
    const auto total = setup.flow.client.ledger().total();
    EXPECT_EQ(total.cost, kCountedCost);
    EXPECT_EQ(total.estimated_cost, *reply->attempts[0].cost);
    EXPECT_NEAR(static_cast<double>(total.estimated_prompt_tokens), 10'000, 50);
}

TEST(Cost, OfARequestThatWasStillWaitingForItsConnectionIsZero) {
    CostFlow setup;
    setup.flow.transport.never_connects(kUs);
    const auto reply = setup.flow.client.chat(a_question(), {.deadline = 1s});
    ASSERT_THAT(reply, FailsWith(ErrorCode::deadline_exceeded));
    ASSERT_FALSE(reply.error().attempts.empty());
    EXPECT_EQ(reply.error().attempts[0].cost, Money{});
    EXPECT_EQ(setup.record().cost, Money{});
}

TEST(Cost, OfACallThatExceededItsDeadlineIsEstimated) {
    CostFlow setup({kUs});
    setup.flow.transport.hang(kUs);
    const auto reply = setup.flow.client.chat(a_question(), {.deadline = 2s});
    ASSERT_THAT(reply, FailsWith(ErrorCode::deadline_exceeded));
    expect_prompt_estimate(setup, reply.error().attempts[0]);
    EXPECT_EQ(setup.record().cost, reply.error().attempts[0].cost);
    EXPECT_TRUE(setup.record().cost_is_estimate);
    EXPECT_EQ(setup.line().calls, 1U);
}

TEST(Cost, OfAnAttemptThatLostToAHedgeIsEstimated) {
    CostFlow setup({kUs, kEu}, {.hedging = {.enabled = true}, .timeouts = {.first_byte = 5s}});
    for (const auto* region : {kUs, kEu}) setup.flow.transport.reply(region, "hello", {.first_byte = 100ms});
    for (int i = 0; i < 31; ++i) {
        ASSERT_THAT(setup.flow.client.chat(a_question(), {.regions = {i == 0 ? kEu : kUs}}), IsOk());
    }
    setup.flow.transport.clear(kUs).hang(kUs);
    const auto reply = setup.flow.client.chat(a_question());
    ASSERT_THAT(reply, IsOk());
    ASSERT_THAT(reply->attempts, SizeIs(2));
    ASSERT_EQ(reply->attempts[1].kind, AttemptKind::hedge);
    expect_prompt_estimate(setup, reply->attempts[0]);
    EXPECT_FALSE(reply->attempts[1].cost_is_estimate);
    EXPECT_TRUE(setup.record().cost_is_estimate);
    const auto total = setup.flow.client.ledger().total();
    EXPECT_EQ(total.attempts, setup.flow.client.stats().attempts);
    EXPECT_EQ(total.calls, 32U);
}

TEST(Cost, OfAStreamWithUsageIsExact) {
    CostFlow setup;
    const auto usage = "data: {\"choices\":[],\"model\":\"gpt-4.1\",\"usage\":" + kCounted + "}\n\n";
    setup.flow.transport.stream_bytes(kUs, {kRoleEvent, content_event("Me"), kFinishEvent, usage, kDone});
    const auto reply = setup.flow.client.stream(a_question()).finish();
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->cost, kCountedCost);
    EXPECT_FALSE(reply->cost_is_estimate);
}

TEST(Cost, OfAStreamWithoutUsageIsEstimatedFromItsContent) {
    CostFlow setup;
    setup.flow.transport.stream_bytes(kUs, {kRoleEvent, content_event(std::string(4'000, 'x')), kFinishEvent, kDone});
    const auto reply = setup.flow.client.stream(a_question()).finish();
    ASSERT_THAT(reply, IsOk());
    ASSERT_TRUE(reply->cost);
    EXPECT_TRUE(reply->cost_is_estimate);
    EXPECT_EQ(setup.line().estimated_completion_tokens, 1'000);
    EXPECT_NEAR(static_cast<double>(reply->cost->nano), 8'000'000, 200'000);
}

TEST(Cost, OfAnAnswerWithZeroUsageIsEstimated) {
    CostFlow setup;
    setup.flow.transport.reply_raw(kUs, 200, {},
                                   answer("gpt-4.1", R"({"prompt_tokens":0,"completion_tokens":0,"total_tokens":0})"));
    const auto reply = setup.flow.client.chat(a_question());
    ASSERT_THAT(reply, IsOk());
    ASSERT_TRUE(reply->cost);
    EXPECT_GT(reply->cost->nano, 0);
    EXPECT_TRUE(reply->cost_is_estimate);
}

TEST(Cost, OfACutStreamIsEstimatedFromItsPartialContent) {
    CostFlow setup;
    setup.flow.transport.stream_bytes(kUs, {kRoleEvent, content_event(std::string(4'000, 'x'))}, StreamEnd::cut);
    const auto reply = setup.flow.client.stream(a_question()).finish();
    ASSERT_THAT(reply, FailsWith(ErrorCode::stream_interrupted));
    const auto& error = reply.error();
    ASSERT_TRUE(error.attempts[0].cost);
    EXPECT_TRUE(error.attempts[0].cost_is_estimate);
    EXPECT_NEAR(static_cast<double>(error.attempts[0].cost->nano), 8'000'000, 200'000);
    ASSERT_TRUE(error.partial);
    EXPECT_EQ(error.partial->cost, error.attempts[0].cost);
    EXPECT_TRUE(error.partial->cost_is_estimate);
}

TEST(Cost, IsEstimatedAtNoMoreThanTheRequestAllows) {
    CostFlow setup;
    setup.flow.transport.stream_bytes(kUs, {kRoleEvent, content_event(std::string(4'000'000, 'x'))}, StreamEnd::cut);
    auto question = a_question();
    question.max_completion_tokens = 1'000;
    // The clock runs ahead of the reading thread.
    const auto reply = setup.flow.client.stream(question, {.timeouts = TimeoutOptions{.unread = 0ms}}).finish();
    ASSERT_THAT(reply, FailsWith(ErrorCode::stream_interrupted));
    EXPECT_NEAR(static_cast<double>(reply.error().attempts[0].cost->nano), 8'000'000, 200'000);
    EXPECT_EQ(setup.flow.client.stats().wasted_tokens, 1'000);
}

TEST(Cost, OfARecoveredStreamIsTheSumOfItsParts) {
    CostFlow setup({kUs, "asia", kEu}, {.timeouts = {.first_byte = 5s}});
    const auto usage = "data: {\"choices\":[],\"usage\":" + kCounted + "}\n\n";
    setup.flow.transport.stream_bytes(kUs, {kRoleEvent, content_event(std::string(4'000, 'x'))}, StreamEnd::cut);
    setup.flow.transport.hang("asia");
    setup.flow.transport.stream_bytes(kEu, {kRoleEvent, content_event("Me"), kFinishEvent, usage, kDone});
    const auto reply = setup.flow.client.stream(a_question(), {.stream_recovery = StreamRecovery::restart}).finish();
    ASSERT_THAT(reply, IsOk());
    const auto& attempts = reply->attempts;
    ASSERT_THAT(attempts, SizeIs(3));
    ASSERT_TRUE(reply->cost && attempts[0].cost && attempts[1].cost && attempts[2].cost);
    EXPECT_EQ(reply->cost->nano, attempts[0].cost->nano + attempts[2].cost->nano)
        << "the second attempt contributed no content";
    EXPECT_TRUE(reply->cost_is_estimate);
    EXPECT_FALSE(attempts[2].cost_is_estimate);
    EXPECT_EQ(setup.record().cost->nano, reply->cost->nano + attempts[1].cost->nano);
}

TEST(Cost, OfOtherEndpointsIsNotInTheLedger) {
    CostFlow setup;
    setup.flow.transport.reply(kUs, "hello");
    EXPECT_THAT(setup.flow.client.models(), IsOk());
    EXPECT_THAT(setup.flow.client.ledger().lines, SizeIs(0));
    EXPECT_FALSE(setup.record().cost);
}

TEST(Cost, IsListedPerKeyPosition) {
    CostFlow setup({kUs}, {.keys = {"sk-first-key", "sk-second-key"}});
    setup.flow.transport.reply_raw(kUs, 429, {}, error_body("insufficient_quota"))
        .reply_raw(kUs, 200, {}, answer("gpt-4.1", kCounted));
    ASSERT_THAT(setup.flow.client.chat(a_question()), IsOk());
    const auto ledger = setup.flow.client.ledger();
    ASSERT_THAT(ledger.lines, SizeIs(2));
    EXPECT_EQ(ledger.lines[0].key, 0);
    EXPECT_EQ(ledger.lines[0].calls, 0U);
    EXPECT_EQ(ledger.lines[0].cost, Money{});
    EXPECT_EQ(ledger.lines[1].key, 1);
    EXPECT_EQ(ledger.lines[1].calls, 1U);
    EXPECT_EQ(ledger.lines[1].cost, kCountedCost);
    EXPECT_EQ(ledger.to_json().find("sk-"), std::string::npos);
}

TEST(Cost, IsListedPerLabel) {
    CostFlow setup;
    setup.flow.transport.reply_raw(kUs, 200, {}, answer("gpt-4.1", kCounted));
    for (const auto* label : {"shop", "search", "shop"}) {
        ASSERT_THAT(setup.flow.client.chat(a_question(), {.label = label}), IsOk());
    }
    const auto lines = setup.flow.client.ledger().lines;
    ASSERT_THAT(lines, SizeIs(2));
    EXPECT_EQ(lines[0].label, "search");
    EXPECT_EQ(lines[0].calls, 1U);
    EXPECT_EQ(lines[1].label, "shop");
    EXPECT_EQ(lines[1].calls, 2U);
    EXPECT_EQ(lines[1].cost.nano, 2 * kCountedCost.nano);
}

}  // namespace
}  // namespace holysheep::flow
