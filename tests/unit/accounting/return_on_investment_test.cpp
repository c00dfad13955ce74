// The monthly cost on one model compared with another.
#include <holysheep/return_on_investment.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace holysheep {
namespace {

const ModelPrice& listed_price(const char* model) {
    static const auto catalogue = ModelCatalogue::built_in();
    return *catalogue.price(model);
}

TEST(MonthlyCost, PricesTenMillionTokensAtTheOutputPrice) {
    EXPECT_EQ(monthly_cost({10'000'000}, listed_price("gpt-4.1"))->amount(), "80.00");
    EXPECT_EQ(monthly_cost({10'000'000}, listed_price("claude-sonnet-4.5"))->amount(), "150.00");
    EXPECT_EQ(monthly_cost({10'000'000}, listed_price("gemini-2.5-flash"))->amount(), "25.00");
    EXPECT_EQ(monthly_cost({10'000'000}, listed_price("deepseek-v3.2"))->amount(), "4.20");
}

TEST(MonthlyCost, AppliesTheSharesOfInputAndCache) {
    EXPECT_EQ(monthly_cost({10'000'000, 1}, listed_price("gpt-4.1"))->amount(), "20.00");
    EXPECT_EQ(monthly_cost({10'000'000, 1, 1}, listed_price("gpt-4.1"))->amount(), "5.00");
    EXPECT_EQ(monthly_cost({10'000'000, 0.7, 0.5}, listed_price("gpt-4.1"))->amount(), "32.75");
    EXPECT_EQ(monthly_cost({10'000'000, 0, 1}, listed_price("gpt-4.1"))->amount(), "80.00");
}

TEST(MonthlyCost, IgnoresTheTiersOfLongPrompts) {
    EXPECT_EQ(monthly_cost({10'000'000, 1}, listed_price("claude-sonnet-4.5"))->amount(), "30.00");
}

TEST(MonthlyCost, IsUnknownForInvalidInput) {
    for (const double share : {-0.1, 1.1, std::nan("")}) {
        EXPECT_FALSE(monthly_cost({1, share}, listed_price("gpt-4.1")));
        EXPECT_FALSE(monthly_cost({1, 0, share}, listed_price("gpt-4.1")));
    }
    EXPECT_FALSE(monthly_cost({-1}, listed_price("gpt-4.1")));
    EXPECT_FALSE(monthly_cost({std::numeric_limits<std::int64_t>::max()}, listed_price("gpt-4.1")));
}

TEST(Saving, ComparesFiftyMillionTokensOnACheaperModel) {
    const auto from = monthly_cost({50'000'000}, listed_price("gpt-4.1"));
    const auto to = monthly_cost({50'000'000}, listed_price("deepseek-v3.2"));
    EXPECT_EQ(from->amount(), "400.00");
    EXPECT_EQ(to->amount(), "21.00");
    const auto result = saving(*from, *to);
    ASSERT_TRUE(result);
    EXPECT_EQ(result->saved.amount(), "379.00");
    EXPECT_EQ(result->percent, 94.75);
}

TEST(Saving, IsNegativeForADearerModel) {
    EXPECT_EQ(saving({300}, {400})->percent, -33.33);
    EXPECT_EQ(saving({300}, {100})->percent, 66.67);
    EXPECT_EQ(saving({300}, {500})->percent, -66.67);
    EXPECT_EQ(saving({300}, {400})->saved.nano, -100);
    EXPECT_EQ(saving({0}, {400})->percent, 0);
}

TEST(Saving, IsUnknownAcrossCurrencies) { EXPECT_FALSE(saving({1, "USD"}, {1, "EUR"})); }

TEST(CostOn, PricesTheTokensOfALedger) {
    const CostLedger ledger{{{.model = "gpt-4.1",
                              .attempts = 2,
                              .prompt_tokens = 1'000'000,
                              .cached_input_tokens = 400'000,
                              .completion_tokens = 100'000,
                              .estimated_prompt_tokens = 10'000,
                              .estimated_completion_tokens = 1'000},
                             {.model = "gpt-4.1", .attempts = 1, .completion_tokens = 1'000'000}}};
    // 610,000 × 0.28 + 400,000 × 0.028 + 1,101,000 × 0.42
    EXPECT_EQ(cost_on(ledger, listed_price("deepseek-v3.2"))->amount(), "0.64442");
    EXPECT_EQ(cost_on({}, listed_price("gpt-4.1"))->amount(), "0.00");
}

TEST(CostOn, UsesTheTierOfTheMeanPrompt) {
    CostLedger ledger{{{.attempts = 5, .prompt_tokens = 1'000'000}}};
    EXPECT_EQ(cost_on(ledger, listed_price("claude-sonnet-4.5"))->amount(), "3.00");
    ledger.lines[0].attempts = 4;
    EXPECT_EQ(cost_on(ledger, listed_price("claude-sonnet-4.5"))->amount(), "6.00");
}

TEST(CostOn, IsUnknownWithoutAValidPrice) {
    EXPECT_FALSE(cost_on({{{.attempts = 1, .prompt_tokens = 1}}}, {.input = {1}, .output = {1, "EUR"}}));
}

}  // namespace
}  // namespace holysheep
