// Budgets: money is reserved before a call and settled after it.
#include <limits>

#include "call_flow.hpp"

namespace holysheep::flow {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

/// A dollar per thousand tokens keeps the sums easy to check.
ClientOptions with_budget(const char* ceiling) {
    ClientOptions options;
    options.budget.ceiling = usd(ceiling);
    options.models = {{"gpt-4.1", {.price = ModelPrice{.input = usd("1"), .output = usd("1"), .per_tokens = 1'000}}}};
    return options;
}

ChatRequest costing(int dollars) {
    auto question = a_question();
    question.max_completion_tokens = dollars * 1'000;
    return question;
}

const std::string kUsed2000 =
    R"({"id":"c","object":"chat.completion","created":1,"model":"gpt-4.1","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1000,"completion_tokens":1000,"total_tokens":2000}})";

TEST(Budget, ACallThatMayCostTooMuchIsNotSent) {
    CallFlow flow({"us-west"}, with_budget("5"));
    flow.transport.reply_raw("us-west", 200, {}, kUsed2000);
    const auto reply = flow.client.chat(costing(6));
    ASSERT_THAT(reply, FailsWith(ErrorCode::budget_exceeded));
    EXPECT_THAT(reply.error().message, AllOf(HasSubstr("5.00 USD"), HasSubstr("max_completion_tokens")));
    EXPECT_THAT(flow.attempts(), SizeIs(0));
}

TEST(Budget, ReservesNoMoreThanTheModelsMaximumOutput) {
    auto options = with_budget("5");
    options.models["gpt-4.1"].max_output = 4'000;
    CallFlow flow({"us-west"}, options);
    flow.transport.reply_raw("us-west", 200, {}, kUsed2000);
    EXPECT_THAT(flow.client.chat(costing(6)), IsOk());
    options.models["gpt-4.1"].max_output = 500;
    options.budget.ceiling = usd("0.6");
    CallFlow short_output({"us-west"}, options);
    short_output.transport.reply_raw("us-west", 200, {}, kUsed2000);
    EXPECT_THAT(short_output.client.chat(a_question()), IsOk())
        << "a request without a limit reserves at most 1,000 tokens";
}

TEST(Budget, SettlesTheActualCost) {
    CallFlow flow({"us-west"}, with_budget("5"));
    flow.transport.reply_raw("us-west", 200, {}, kUsed2000);
    EXPECT_THAT(flow.client.chat(costing(4)), IsOk());
    EXPECT_THAT(flow.client.chat(costing(2)), IsOk()) << "two were spent, not four";
    const auto reply = flow.client.chat(costing(2));
    ASSERT_THAT(reply, FailsWith(ErrorCode::budget_exceeded));
    EXPECT_THAT(reply.error().message, HasSubstr("4.00 USD of 5.00 USD"));
    ASSERT_TRUE(reply.error().retry_after);
    EXPECT_GT(*reply.error().retry_after, 23h);
    flow.clock.advance(*reply.error().retry_after);
    EXPECT_THAT(flow.client.chat(costing(2)), IsOk()) << "a day later";
}

TEST(Budget, ThePeriodIsConfigurable) {
    auto options = with_budget("3");
    options.budget.per = 60s;
    CallFlow flow({"us-west"}, options);
    flow.transport.reply_raw("us-west", 200, {}, kUsed2000);
    EXPECT_THAT(flow.client.chat(costing(2)), IsOk());
    EXPECT_THAT(flow.client.chat(costing(2)), FailsWith(ErrorCode::budget_exceeded));
    flow.clock.advance(61s);
    EXPECT_THAT(flow.client.chat(costing(2)), IsOk());
}

TEST(Budget, ALabelHasItsOwnBudget) {
    auto options = with_budget("100");
    options.budget.labels = {{"nightly", usd("3")}};
    CallFlow flow({"us-west"}, options);
    flow.transport.reply_raw("us-west", 200, {}, kUsed2000);
    EXPECT_THAT(flow.client.chat(costing(2), {.label = "nightly"}), IsOk());
    const auto reply = flow.client.chat(costing(2), {.label = "nightly"});
    ASSERT_THAT(reply, FailsWith(ErrorCode::budget_exceeded));
    EXPECT_THAT(reply.error().message, HasSubstr("nightly"));
    EXPECT_THAT(flow.client.chat(costing(2), {.label = "daily"}), IsOk());
}

TEST(Budget, AnUnsentCallReleasesItsReservation) {
    CallFlow flow({"us-west"}, with_budget("5"));
    flow.transport.fail("us-west", ErrorCode::transport_failed).reply_raw("us-west", 200, {}, kUsed2000);
    for (int i = 0; i < 3; ++i) {
        EXPECT_FALSE(flow.client.chat(costing(4), {.retry = RetryOptions{.max_attempts = 1}})) << i;
        flow.transport.clear("us-west").fail("us-west", ErrorCode::transport_failed);
    }
    flow.transport.clear("us-west").reply_raw("us-west", 200, {}, kUsed2000);
    flow.clock.advance(30s);
    EXPECT_THAT(flow.client.chat(costing(4)), IsOk());
}

TEST(Budget, AModelWithoutAPriceIsRefused) {
    CallFlow flow({"us-west"}, with_budget("5"));
    flow.transport.reply("us-west", "hello");
    const auto reply = flow.client.chat("custom-model", "hello?");
    ASSERT_THAT(reply, FailsWith(ErrorCode::budget_exceeded));
    EXPECT_THAT(reply.error().message, AllOf(HasSubstr("custom-model"), HasSubstr("ClientOptions::models")));
}

TEST(Budget, AMoreExpensiveFallbackReservesTheDifference) {
    auto options = with_budget("5");
    options.fallback_models = {"expensive"};
    options.models["expensive"] = {.price = ModelPrice{.input = usd("3"), .output = usd("3"), .per_tokens = 1'000}};
    CallFlow flow({"us-west"}, options);
    flow.transport.reply_raw("us-west", 404, {}, error_body("model_not_found"))
        .reply_raw("us-west", 200, {}, kUsed2000);
    const auto reply = flow.client.chat(costing(2));
    ASSERT_THAT(reply, FailsWith(ErrorCode::model_not_found));
    EXPECT_THAT(reply.error().message, HasSubstr("the client's budget"));
    EXPECT_THAT(flow.attempts(), SizeIs(1)) << "six dollars are more than five";
    EXPECT_THAT(flow.client.chat(costing(1)), IsOk()) << "three are not, and nothing stayed reserved";
}

TEST(Budget, AFallbackWithoutAPriceIsNotUsed) {
    auto options = with_budget("5");
    options.fallback_models = {"custom-model"};
    CallFlow flow({"us-west"}, options);
    flow.transport.reply_raw("us-west", 404, {}, error_body("model_not_found")).reply("us-west", "hello");
    const auto reply = flow.client.chat(costing(1));
    ASSERT_THAT(reply, FailsWith(ErrorCode::model_not_found));
    EXPECT_THAT(reply.error().message, HasSubstr("custom-model"));
    EXPECT_THAT(flow.attempts(), SizeIs(1));
}

TEST(Budget, OutOfRangeTokenLimitsDoNotCorruptTheBudget) {
    CallFlow flow({"us-west"}, with_budget("5"));
    flow.transport.reply_raw("us-west", 200, {}, kUsed2000);
    auto question = costing(-1'000'000);
    EXPECT_THAT(flow.client.chat(question), IsOk()) << "the gateway judges the limit, not the budget";
    question.n = 2'000'000'000;
    question.max_completion_tokens = std::numeric_limits<std::int64_t>::max();
    EXPECT_THAT(flow.client.chat(question), FailsWith(ErrorCode::budget_exceeded));
    EXPECT_THAT(flow.client.chat(costing(4)), FailsWith(ErrorCode::budget_exceeded)) << "two are spent";
    EXPECT_THAT(flow.client.chat(costing(2)), IsOk());
}

TEST(Budget, ACostInAnotherCurrencyKeepsTheEstimate) {
    auto options = with_budget("5");
    options.budget.ceiling->currency = "EUR";
    auto& price = *options.models["gpt-4.1"].price;
    price.input.currency = price.output.currency = "EUR";
    CallFlow flow({"us-west"}, options);
    flow.transport.reply_raw(
        "us-west", 200, {},
        R"({"id":"c","object":"chat.completion","created":1,"model":"gpt-4.1","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2,"cost":0.5}})");
    const auto reply = flow.client.chat(costing(4));
    ASSERT_THAT(reply, IsOk());
    ASSERT_TRUE(reply->cost);
    EXPECT_EQ(reply->cost->currency, "USD");
    EXPECT_THAT(flow.client.chat(costing(2)), FailsWith(ErrorCode::budget_exceeded));
}

TEST(Budget, ConcurrentCallsShareTheBudget) {
    CallFlow flow({"us-west"}, with_budget("5"), CallFlow::kManual);
    flow.transport.reply_raw("us-west", 200, {}, kUsed2000, {.first_byte = 1s});
    auto first = flow.client.chat_async(costing(4));
    auto second = flow.client.chat_async(costing(2));
    flow.clock.advance(1s);
    EXPECT_THAT(second.get(), FailsWith(ErrorCode::budget_exceeded));
    EXPECT_THAT(first.get(), IsOk());
}

}  // namespace
}  // namespace holysheep::flow
