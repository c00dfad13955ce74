// How fast the rest of a quota may be used.
#include "resilience/quota_pace.hpp"

#include <gtest/gtest.h>

namespace holysheep::resilience {
namespace {

using namespace std::chrono_literals;

RateLimits requests(std::int64_t limit, std::int64_t remaining, std::chrono::milliseconds reset) {
    return {.limit_requests = limit, .remaining_requests = remaining, .reset_requests = reset};
}

TEST(QuotaPace, SpacesCallsOnceATenthIsLeft) {
    EXPECT_FALSE(pace_of(requests(100, 11, 60s), 1));
    const auto pace = pace_of(requests(100, 10, 60s), 1);
    ASSERT_TRUE(pace);
    EXPECT_EQ(pace->spacing, 6s);
    EXPECT_EQ(pace->hold, 6s);
    EXPECT_EQ(pace->reset, 60s);
}

TEST(QuotaPace, WaitsForTheResetWhenNothingIsLeft) {
    const auto pace = pace_of(requests(100, 0, 12s), 1);
    ASSERT_TRUE(pace);
    EXPECT_EQ(pace->hold, 12s);
}

TEST(QuotaPace, DelaysNoCallByMoreThanHalfAMinute) {
    // Some gateways report when the whole quota is restored, for instance that of a day.
    EXPECT_EQ(pace_of(requests(100, 0, 6min), 1)->hold, 30s);
    EXPECT_EQ(pace_of(requests(100, 1, 6min), 1)->hold, 30s) << "one remaining request is not worse than none";
    EXPECT_EQ(pace_of(requests(100, 1, 6min), 1)->spacing, 30s);
}

TEST(QuotaPace, ConvertsTokensToCallsAndUsesTheStricterLimit) {
    auto limits = requests(100, 10, 60s);
    limits.limit_tokens = 10'000;
    limits.remaining_tokens = 1'000;
    limits.reset_tokens = 60s;
    EXPECT_EQ(pace_of(limits, 500)->spacing, 30s) << "tokens for two calls";
    EXPECT_EQ(pace_of(limits, 10)->spacing, 6s) << "the request limit is stricter";
    EXPECT_EQ(pace_of(limits, 2'000)->hold, 30s) << "not enough tokens for one call";
}

TEST(QuotaPace, IgnoresALimitOfZeroAndOneWithoutAReset) {
    EXPECT_FALSE(pace_of(requests(0, 0, 60s), 1));
    EXPECT_FALSE(pace_of(requests(-1, -1, 60s), 1));
    EXPECT_FALSE(pace_of(requests(100, 0, 0s), 1));
    EXPECT_FALSE(pace_of({.limit_requests = 100, .remaining_requests = 0}, 1));
    EXPECT_EQ(remaining_share(requests(100, 25, 60s)), 0.25);
    EXPECT_FALSE(remaining_share({}));
}

}  // namespace
}  // namespace holysheep::resilience
