// The cost of tokens, exact to the nano-unit; the expected amounts were computed by hand.
#include <holysheep/cost.hpp>
#include <holysheep/parse_money.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace holysheep {
namespace {

const ModelPrice& price_of(const char* model) {
    static const auto catalogue = ModelCatalogue::built_in();
    return *catalogue.price(model);
}

Usage used(std::int64_t prompt, std::int64_t completion, std::int64_t cached = 0, std::int64_t cache_write = 0) {
    return {.present = true,
            .prompt_tokens = prompt,
            .completion_tokens = completion,
            .total_tokens = prompt + completion,
            .cached_input_tokens = cached,
            .cache_write_tokens = cache_write};
}

TEST(Cost, IsTokensTimesPriceForPromptAndCompletion) {
    EXPECT_EQ(cost_of(used(1'000, 500), price_of("gpt-4.1")), usd("0.006"));
    EXPECT_EQ(cost_of(used(1'000, 500), price_of("claude-sonnet-4.5")), usd("0.0105"));
    EXPECT_EQ(cost_of(used(1'000, 500), price_of("gemini-2.5-flash")), usd("0.00155"));
    EXPECT_EQ(cost_of(used(1'000, 500), price_of("deepseek-v3.2")), usd("0.00049"));
    EXPECT_EQ(cost_of(1'000, 500, price_of("deepseek-v3.2")), usd("0.00049"));
}

TEST(Cost, ChargesCachedTokensAtTheirPrice) {
    // 200 × 2.00 + 800 × 0.50 + 100 × 8.00, per million
    EXPECT_EQ(cost_of(used(1'000, 100, 800), price_of("gpt-4.1")), usd("0.0016"));
    // 100 × 3.00 + 700 × 0.30 + 200 × 3.75 + 10 × 15.00
    EXPECT_EQ(cost_of(used(1'000, 10, 700, 200), price_of("claude-sonnet-4.5")), usd("0.00141"));
}

TEST(Cost, ChargesCachedTokensAtTheInputPriceByDefault) {
    const ModelPrice price{.input = usd("2"), .output = usd("8")};
    EXPECT_EQ(cost_of(used(1'000, 0, 800, 100), price), usd("0.002"));
}

TEST(Cost, AddsTokensCountedOutsideThePrompt) {
    auto usage = used(100, 10, 5'000);
    usage.total_tokens = 5'110;  // the cached tokens are not output
    // 100 × 3.00 + 5,000 × 0.30 + 10 × 15.00
    EXPECT_EQ(cost_of(usage, price_of("claude-sonnet-4.5")), usd("0.00195"));
}

TEST(Cost, ChargesAllTokensAtTheTierOfALongPrompt) {
    EXPECT_EQ(cost_of(used(200'000, 1'000), price_of("claude-sonnet-4.5")), usd("0.615"));
    EXPECT_EQ(cost_of(used(200'001, 1'000, 200'000), price_of("claude-sonnet-4.5")), usd("0.142506"));
}

TEST(Cost, UsesTheHighestReachedTierInAnyOrder) {
    ModelPrice price{.input = usd("1"), .output = usd("1")};
    price.tiers = {{.above_input_tokens = 300, .input = usd("3"), .output = usd("3")},
                   {.above_input_tokens = 100, .input = usd("2"), .output = usd("2")}};
    EXPECT_EQ(cost_of(100, 0, price)->nano, 100'000);
    EXPECT_EQ(cost_of(101, 0, price)->nano, 202'000);
    EXPECT_EQ(cost_of(300, 0, price)->nano, 600'000);
    EXPECT_EQ(cost_of(301, 0, price)->nano, 903'000);
}

TEST(Cost, ChargesThinkingCountedOnlyInTheTotalAsOutput) {
    auto usage = used(66, 6);
    usage.total_tokens = 100;
    EXPECT_EQ(cost_of(usage, price_of("gemini-2.5-flash")), usd("0.0001048"));
}

TEST(Cost, CountsReasoningAsPartOfTheCompletion) {
    auto usage = used(0, 100);
    usage.reasoning_tokens = 90;
    EXPECT_EQ(cost_of(usage, price_of("gpt-4.1")), usd("0.0008"));
}

TEST(Cost, IsRoundedOnceAndHalfUp) {
    // 0.25 + 0.25 nano-units are one half: rounding each part alone would give zero.
    const ModelPrice price{.input = {250}, .output = {250}, .per_tokens = 1'000};
    EXPECT_EQ(cost_of(1, 1, price)->nano, 1);
    EXPECT_EQ(cost_of(1, 0, price)->nano, 0);
}

TEST(Cost, IsTheGatewaysFigureWhenReported) {
    auto usage = used(1'000, 500);
    usage.reported_cost = Money{12'345};
    EXPECT_EQ(cost_of(usage, price_of("gpt-4.1"))->nano, 12'345);
}

TEST(Cost, IsUnknownWithoutUsage) { EXPECT_FALSE(cost_of(Usage{}, price_of("gpt-4.1"))); }

TEST(Cost, IsUnknownForInvalidPrices) {
    EXPECT_FALSE(cost_of(1, 1, {.input = usd("1"), .output = {1, "EUR"}}));
    EXPECT_FALSE(cost_of(1, 1, {.input = usd("1"), .output = usd("1"), .per_tokens = 0}));
    EXPECT_FALSE(cost_of(1, 0, {.input = {-5'000'000}}));
}

TEST(Cost, IsUnknownOnOverflow) {
    constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
    const ModelPrice expensive{
        .input = {kMax}, .cached_input = Money{kMax}, .cache_write = Money{kMax}, .output = {kMax}};
    EXPECT_FALSE(cost_of(used(kMax, kMax, kMax, kMax), expensive));
    EXPECT_EQ(cost_of(1'000'000, 0, expensive)->nano, kMax);
    EXPECT_FALSE(cost_of(1'000'001, 0, expensive));
    EXPECT_EQ(cost_of(-5, -5, expensive)->nano, 0);
}

TEST(Cost, IsExactForManyTokens) {
    // 123,456,789,012 tokens at 0.28 per million
    EXPECT_EQ(cost_of(123'456'789'012, 0, price_of("deepseek-v3.2")), usd("34567.90092336"));
}

}  // namespace
}  // namespace holysheep
