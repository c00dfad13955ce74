// The token bucket that keeps retries from making an outage worse.
#include "resilience/retry_budget.hpp"

#include <gtest/gtest.h>

namespace holysheep::resilience {
namespace {

TEST(RetryBudget, AFreshOneIsFull) {
    RetryBudget budget(0.2, 3);
    EXPECT_TRUE(budget.try_take());
    EXPECT_TRUE(budget.try_take());
    EXPECT_TRUE(budget.try_take());
    EXPECT_FALSE(budget.try_take());
    EXPECT_EQ(budget.tokens(), 0);
}

TEST(RetryBudget, AFractionOfATokenIsNotEnough) {
    RetryBudget budget(0.25, 1);
    ASSERT_TRUE(budget.try_take());
    for (int i = 0; i < 3; ++i) budget.earn();
    EXPECT_FALSE(budget.try_take()) << "three quarters of a token are not enough";
    budget.earn();
    EXPECT_TRUE(budget.try_take());
}

TEST(RetryBudget, NeverHoldsMoreThanItsCapacity) {
    RetryBudget budget(1.0, 2);
    for (int i = 0; i < 100; ++i) budget.earn();
    EXPECT_EQ(budget.tokens(), 2);
}

TEST(RetryBudget, WithoutCapacityNothingIsEverGranted) {
    RetryBudget budget(1.0, 0);
    budget.earn();
    EXPECT_FALSE(budget.try_take());
}

}  // namespace
}  // namespace holysheep::resilience
