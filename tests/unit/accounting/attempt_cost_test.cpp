// The cost of an attempt by how it ended, sums that contain unknown costs, and prices that change meanwhile.
#include "accounting/attempt_cost.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "accounting/shared_catalogue.hpp"

namespace holysheep::accounting {
namespace {

const ModelPrice kPrice{.input = {2'000}, .output = {8'000}, .per_tokens = 1};
const Usage kUsage{.present = true, .prompt_tokens = 10, .completion_tokens = 5, .total_tokens = 15};

TEST(AttemptCost, IsExactForACompleteAnswer) {
    const auto cost = cost_of_attempt({.counted = &kUsage, .answered = true, .maybe_billed = true}, &kPrice);
    EXPECT_EQ(cost.cost, (Money{60'000}));
    EXPECT_FALSE(cost.is_estimate);
}

TEST(AttemptCost, IsAnEstimateForAnAttemptThatBrokeAfterItsUsage) {
    const auto cost = cost_of_attempt({.counted = &kUsage, .maybe_billed = true}, &kPrice);
    EXPECT_EQ(cost.cost, (Money{60'000}));
    EXPECT_TRUE(cost.is_estimate);
}

TEST(AttemptCost, IsEstimatedWithoutTokenCounts) {
    const auto cost = cost_of_attempt({.maybe_billed = true, .prompt_tokens = 7, .completion_tokens = 1}, &kPrice);
    EXPECT_EQ(cost.cost, (Money{22'000}));
    EXPECT_TRUE(cost.is_estimate);
}

TEST(AttemptCost, IsZeroForAnUnbilledAttemptAtAnyPrice) {
    EXPECT_EQ(cost_of_attempt({.prompt_tokens = 7}, &kPrice).cost, Money{});
    EXPECT_EQ(cost_of_attempt({.prompt_tokens = 7}, nullptr).cost, Money{});
    EXPECT_FALSE(cost_of_attempt({.prompt_tokens = 7}, &kPrice).is_estimate);
}

TEST(AttemptCost, IsUnknownWithoutAPrice) {
    EXPECT_FALSE(cost_of_attempt({.counted = &kUsage, .answered = true, .maybe_billed = true}, nullptr).cost);
    EXPECT_FALSE(cost_of_attempt({.maybe_billed = true, .prompt_tokens = 7}, nullptr).cost);
}

TEST(AttemptCost, IsTheGatewaysFigureWithoutAPrice) {
    auto usage = kUsage;
    usage.reported_cost = Money{77};
    EXPECT_EQ(cost_of_attempt({.counted = &usage, .answered = true, .maybe_billed = true}, nullptr).cost, Money{77});
}

TEST(CostSum, IsKnownOnlyIfEveryPartIsKnown) {
    CostSum sum;
    EXPECT_EQ(sum.cost(), Money{});
    sum.add(Money{5}, false);
    sum.add(Money{}, false);
    EXPECT_EQ(sum.cost(), Money{5});
    EXPECT_FALSE(sum.is_estimate());
    sum.add(Money{2}, true);
    EXPECT_EQ(sum.cost(), Money{7});
    EXPECT_TRUE(sum.is_estimate());
    sum.add(std::nullopt, false);
    EXPECT_FALSE(sum.cost());
    sum.add(Money{1}, false);
    EXPECT_FALSE(sum.cost());
    EXPECT_FALSE(sum.is_estimate());
}

TEST(CostSum, TakesTheCurrencyOfItsParts) {
    CostSum sum;
    sum.add(Money{}, false);
    sum.add(Money{5, "EUR"}, false);
    sum.add(Money{}, false);
    EXPECT_EQ(sum.cost(), (Money{5, "EUR"}));
    sum.add(Money{1}, false);
    EXPECT_FALSE(sum.cost()) << "currencies cannot be added";
}

TEST(SharedCatalogue, CanBeReadDuringAnUpdate) {
    SharedCatalogue catalogue(ModelCatalogue::built_in());
    const auto before = catalogue.get();
    constexpr int kChanges = 200;
    std::jthread writer([&] {
        for (int i = 1; i <= kChanges; ++i) {
            ModelCatalogue own;
            own.set("merino-1", {.context_window = i});
            catalogue.amend(own);
        }
    });
    std::int64_t seen = 0;
    while (seen < kChanges) {
        const auto now = catalogue.get();
        const auto* traits = now->find("merino-1");
        ASSERT_GE(traits == nullptr ? 0 : traits->context_window, seen);
        seen = traits == nullptr ? 0 : traits->context_window;
    }
    EXPECT_EQ(before->find("merino-1"), nullptr) << "a snapshot does not change";
}

}  // namespace
}  // namespace holysheep::accounting
