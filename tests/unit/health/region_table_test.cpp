// What the client remembers of a region: quota clocks per model, a fading error rate, draining.
#include "health/region_table.hpp"

#include <gtest/gtest.h>

namespace holysheep::health {
namespace {

using namespace std::chrono_literals;

constexpr Clock::time_point kNow{1h};

TEST(RegionTable, ANewRegionIsUnlimitedAndWithoutFault) {
    const RegionTable regions(2);
    EXPECT_EQ(regions.size(), 2U);
    EXPECT_LT(regions.limited_until(0, "m"), kNow);
    EXPECT_LT(regions.limited_until(0), kNow);
    EXPECT_EQ(regions.error_rate(0, kNow), 0);
    EXPECT_FALSE(regions.draining(0));
    EXPECT_EQ(regions.in_flight(0), 0);
}

TEST(RegionTable, ALaterShorterHintNeverEndsAPause) {
    RegionTable regions(1);
    regions.limit_until(0, "m", kNow + 30s, kNow);
    regions.limit_until(0, "m", kNow + 2s, kNow + 1s);
    EXPECT_EQ(regions.limited_until(0, "m"), kNow + 30s);
    regions.limit_until(0, "m", kNow + 40s, kNow + 1s);
    EXPECT_EQ(regions.limited_until(0, "m"), kNow + 40s);
}

TEST(RegionTable, QuotaIsKeptPerModelAndRegion) {
    RegionTable regions(2);
    regions.limit_until(0, "large", kNow + 30s, kNow);
    regions.limit_until(0, "small", kNow + 5s, kNow);
    EXPECT_EQ(regions.limited_until(0, "large"), kNow + 30s);
    EXPECT_EQ(regions.limited_until(0, "small"), kNow + 5s);
    EXPECT_LT(regions.limited_until(0, "other"), kNow);
    EXPECT_LT(regions.limited_until(1, "large"), kNow);
    EXPECT_EQ(regions.limited_until(0), kNow + 30s) << "the latest of any model";
}

TEST(RegionTable, PausesThatEndedAreForgottenWhenANewOneComes) {
    RegionTable regions(1);
    regions.limit_until(0, "old", kNow + 1s, kNow);
    regions.limit_until(0, "new", kNow + 10s, kNow + 5s);
    EXPECT_EQ(regions.limited_until(0, "old"), Clock::time_point{});
    EXPECT_EQ(regions.limited_until(0, "new"), kNow + 10s);
}

TEST(RegionTable, TheErrorRateIsAMovingAverage) {
    RegionTable regions(1);
    const auto end_with = [&](Charge charge) {
        regions.on_dispatch(0);
        regions.on_outcome(0, charge, kNow);
    };
    end_with(Charge::failure);
    EXPECT_DOUBLE_EQ(regions.error_rate(0, kNow), 0.1);
    end_with(Charge::failure);
    EXPECT_DOUBLE_EQ(regions.error_rate(0, kNow), 0.19);
    end_with(Charge::success);
    EXPECT_DOUBLE_EQ(regions.error_rate(0, kNow), 0.171);
    end_with(Charge::none);
    EXPECT_DOUBLE_EQ(regions.error_rate(0, kNow), 0.171) << "what says nothing about the region changes nothing";
    for (int i = 0; i < 100; ++i) end_with(Charge::failure);
    EXPECT_GT(regions.error_rate(0, kNow), 0.99);
    EXPECT_LE(regions.error_rate(0, kNow), 1.0);
}

TEST(RegionTable, TheErrorRateFadesWhileNothingIsTried) {
    RegionTable regions(1);
    for (int i = 0; i < 100; ++i) {
        regions.on_dispatch(0);
        regions.on_outcome(0, Charge::failure, kNow);
    }
    EXPECT_NEAR(regions.error_rate(0, kNow + 10s), 0.3679, 1e-3);
    EXPECT_LT(regions.error_rate(0, kNow + 60s), 0.01);
    EXPECT_LE(regions.error_rate(0, kNow - 1h), 1.0) << "a clock that looks back does not blow it up";
    regions.on_dispatch(0);
    regions.on_outcome(0, Charge::success, kNow + 10s);
    EXPECT_NEAR(regions.error_rate(0, kNow + 10s), 0.331, 1e-3) << "an outcome adds to what is left";
}

TEST(RegionTable, CountsAttemptsInFlight) {
    RegionTable regions(2);
    regions.on_dispatch(1);
    regions.on_dispatch(1);
    EXPECT_EQ(regions.in_flight(1), 2);
    EXPECT_EQ(regions.in_flight(0), 0);
    regions.on_outcome(1, Charge::none, kNow);
    EXPECT_EQ(regions.in_flight(1), 1);
}

TEST(RegionTable, DrainingIsSetAndEnded) {
    RegionTable regions(2);
    regions.set_draining(1, true);
    EXPECT_TRUE(regions.draining(1));
    EXPECT_FALSE(regions.draining(0));
    regions.set_draining(1, false);
    EXPECT_FALSE(regions.draining(1));
}

}  // namespace
}  // namespace holysheep::health
