// The seeded random generator: the same on every platform, and within its bounds.
#include "resilience/random.hpp"

#include <gtest/gtest.h>

namespace holysheep::resilience {
namespace {

TEST(Random, GivesThePublishedSequence) {
    Random random(1234567);
    EXPECT_EQ(random.next(), 6457827717110365317U);
    EXPECT_EQ(random.next(), 3203168211198807973U);
    EXPECT_EQ(random.next(), 9817491932198370423U);
}

TEST(Random, IsUniformBelowOne) {
    Random random(7);
    double sum = 0;
    for (int i = 0; i < 10'000; ++i) {
        const double value = random.uniform();
        ASSERT_GE(value, 0.0);
        ASSERT_LT(value, 1.0);
        sum += value;
    }
    EXPECT_NEAR(sum / 10'000, 0.5, 0.02);
}

}  // namespace
}  // namespace holysheep::resilience
