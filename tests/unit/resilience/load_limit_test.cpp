// How refusals for load change a region's limit and its pauses.
#include "resilience/load_limit.hpp"

#include <gtest/gtest.h>

namespace holysheep::resilience {
namespace {

using namespace std::chrono_literals;

constexpr LoadLimit::time_point kLimitStart{1h};
constexpr double kMiddle = 0.5;  // the middle of the random spread

/// A region that refuses immediately.
class Region {
  public:
    void serve(int times) {
        for (int i = 0; i < times; ++i) limit.on_success(now);
    }
    LoadLimit::nanoseconds refuse(int others, std::optional<milliseconds> hint = {}, bool throttled = false,
                                  bool used_up = false) {
        return limit.on_refusal(
            {.sent = now, .others = others, .throttled = throttled, .used_up = used_up, .hint = hint}, kMiddle, now);
    }
    LoadLimit::nanoseconds throttle(std::optional<milliseconds> hint = {}) { return refuse(3, hint, true); }

    LoadLimit limit;
    LoadLimit::time_point now = kLimitStart;
};

TEST(LoadLimit, NothingIsLimitedBeforeARefusal) {
    Region region;
    region.serve(100);
    EXPECT_TRUE(region.limit.admits(100'000, region.now));
}

TEST(LoadLimit, ARefusalLowersTheLimitBelowWhatWasInFlight) {
    Region region;
    region.refuse(20);
    EXPECT_LT(region.limit.limit(region.now), 20);
    EXPECT_GT(region.limit.limit(region.now), 0.84 * 20);
    EXPECT_TRUE(region.limit.admits(17, region.now));
    EXPECT_FALSE(region.limit.admits(19, region.now));
}

TEST(LoadLimit, AThirdOfTheRequestsMayBeRefused) {
    Region region;
    region.serve(32);
    for (int i = 0; i < 30; ++i) {
        region.now += 10ms;
        region.refuse(5);
        region.serve(2);
    }
    EXPECT_TRUE(region.limit.admits(100, region.now));
    for (int i = 0; i < 30; ++i) {
        region.now += 10ms;
        region.refuse(5);
        region.serve(1);
    }
    EXPECT_FALSE(region.limit.admits(5, region.now));
}

TEST(LoadLimit, ABurstLowersItOnce) {
    Region region;
    const auto sent = region.now;
    region.now += 10ms;
    for (int others = 9; others < 40; ++others) {
        region.limit.on_refusal({.sent = sent, .others = others}, kMiddle, region.now);
    }
    EXPECT_GT(region.limit.limit(region.now), 7.6);
}

TEST(LoadLimit, TheLimitRecoversInSecondsAndExpiresAfterAMinute) {
    Region region;
    region.refuse(20);
    EXPECT_NEAR(region.limit.limit(region.now + 1542ms), 20, 0.1) << "K = cbrt(20 * 0.096 / 0.4) s";
    EXPECT_GT(region.limit.limit(region.now + 5s), 30);
    EXPECT_TRUE(region.limit.admits(1'000'000, region.now + 61s));
}

TEST(LoadLimit, OneRequestIsAlwaysAdmitted) {
    Region region;
    for (int i = 0; i < 50; ++i) {
        region.now += 1ms;
        region.refuse(0);
    }
    EXPECT_TRUE(region.limit.admits(0, region.now));
    EXPECT_FALSE(region.limit.admits(1, region.now));
}

TEST(LoadLimit, WithoutServedRequestsNothingIsLearned) {
    Region region;
    for (int i = 0; i < 20; ++i) {
        region.now += 10ms;
        region.limit.on_refusal({.sent = region.now, .others = 0, .dead = true}, kMiddle, region.now);
    }
    EXPECT_TRUE(region.limit.admits(100, region.now));
}

// ---- pauses ----

TEST(LoadLimit, ARefusalForLackOfCapacityIsNoPause) {
    Region region;
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(region.refuse(3), 0ns);
        region.now += 1ms;
    }
}

TEST(LoadLimit, AThrottleWithoutAHintIsAShortPauseThatGrowsAndResets) {
    Region region;
    for (const auto pause : {350ms, 700ms, 1'400ms, 2'800ms, 5'000ms, 5'000ms}) {
        EXPECT_EQ(region.throttle(), pause);
        region.now += 6s;
    }
    region.serve(1);
    region.now += 1s;
    EXPECT_EQ(region.throttle(), 350ms);
    EXPECT_EQ(region.throttle(0ms), 700ms) << "a hint of 0 is ignored";
}

TEST(LoadLimit, AHintAppliesToItsRequestFirst) {
    Region region;
    region.serve(1);
    EXPECT_EQ(region.throttle(10s), 0ns);
    region.now += 1s;
    EXPECT_EQ(region.throttle(10s), 700ms) << "the shorter computed pause";
}

TEST(LoadLimit, AHintPausesTheRegionIfTheQuotaIsUsedUp) {
    Region region;
    region.serve(1);
    EXPECT_EQ(region.refuse(3, 10s, true, true), 10s);
}

TEST(LoadLimit, AHintPausesTheRegionAfterRefusingEverythingForAsLong) {
    Region region;
    EXPECT_EQ(region.refuse(3, 2s), 2s) << "no request was ever served";
    region.serve(1);
    region.now += 10min;
    EXPECT_EQ(region.refuse(3, 2s), 0ns) << "a single refusal after an idle time";
    region.now += 1s;
    EXPECT_EQ(region.refuse(3, 2s), 0ns);
    region.now += 1s;
    EXPECT_EQ(region.refuse(3, 2s), 2s);
    region.serve(1);
    EXPECT_EQ(region.refuse(3, 2s), 0ns);
}

TEST(LoadLimit, APauseIsNotLongerThanTheTimeWithoutService) {
    Region region;
    for (int i = 0; i < 20; ++i) {
        region.serve(19);
        region.now += 10ms;
        EXPECT_EQ(region.throttle(), 10ms);
    }
    region.now += 30ms;
    EXPECT_EQ(region.throttle(), 40ms) << "the second consecutive refusal";
    region.now += 10s;
    EXPECT_EQ(region.throttle(), 1'400ms);
}

TEST(LoadLimit, AfterAPauseTheLimitGrowsFromItsLastValue) {
    Region region;
    region.refuse(20, 10s, true, true);
    const double low = region.limit.limit(region.now);
    EXPECT_EQ(region.limit.limit(region.now + 10s), low);
    EXPECT_GT(region.limit.limit(region.now + 11s), low);
}

}  // namespace
}  // namespace holysheep::resilience
