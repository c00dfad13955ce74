// The estimators for the latency of regions and models, and their limits.
#include "health/latency.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "resilience/random.hpp"

namespace holysheep::health {
namespace {

using namespace std::chrono_literals;

TEST(RttEstimate, TheFirstSampleSetsTheVariationToHalfOfIt) {
    RttEstimate rtt;
    EXPECT_FALSE(rtt.known());
    rtt.add(100ms);
    EXPECT_TRUE(rtt.known());
    EXPECT_EQ(rtt.srtt(), 100ms);
    EXPECT_EQ(rtt.rttvar(), 50ms);
}

TEST(RttEstimate, LaterSamplesWeighAnEighthAndAQuarter) {
    RttEstimate rtt;
    rtt.add(100ms);
    rtt.add(180ms);
    EXPECT_EQ(rtt.samples(), 2);
    EXPECT_EQ(rtt.srtt(), 110ms);
    EXPECT_EQ(rtt.rttvar(), 57'500us) << "3/4 of 50 and 1/4 of the distance to the old average";
}

TEST(RttEstimate, AnAveragedSampleBringsItsOwnVariation) {
    RttEstimate rtt;
    for (int i = 0; i < 100; ++i) rtt.add(100ms, 40ms);
    EXPECT_EQ(rtt.srtt(), 100ms);
    EXPECT_NEAR(static_cast<double>(rtt.rttvar().count()), 40e6, 1e3);
}

TEST(RttEstimate, IsLateAfterFourVariationsOrTheFloor) {
    RttEstimate rtt;
    rtt.add(100ms);
    EXPECT_EQ(rtt.late_after(30ms), 300ms);
    EXPECT_EQ(rtt.late_after(250ms), 350ms);
    for (int i = 0; i < 100; ++i) rtt.add(100ms);
    EXPECT_NEAR(static_cast<double>(rtt.late_after(30ms).count()), 130e6, 1e3);
}

TEST(RttEstimate, TreatsANegativeSampleAsZero) {
    RttEstimate rtt;
    rtt.add(-5ms);
    EXPECT_EQ(rtt.srtt(), 0ms);
    EXPECT_EQ(rtt.late_after(30ms), 30ms);
}

class LatencyAverageTest : public testing::Test {
  protected:
    /// The value after a first sample of 100 ms and, `gap` later, this second one.
    static double after(double sample, std::chrono::nanoseconds gap) {
        LatencyAverage average;
        average.add(Latency{100}, start);
        average.add(Latency{sample}, start + gap);
        return average.value().count();
    }
    static constexpr Clock::time_point start = Clock::time_point{} + 1h;
    LatencyAverage average;
};

TEST_F(LatencyAverageTest, StartsAtTheFirstSample) {
    EXPECT_FALSE(average.known());
    average.add(Latency{5'000}, start);
    EXPECT_TRUE(average.known());
    EXPECT_EQ(average.value().count(), 5'000);
}

TEST_F(LatencyAverageTest, RisesFastAndFallsSlowly) {
    EXPECT_NEAR(after(200, 1s), 100 + 100 * (1 - std::exp(-1.0 / 4)), 1e-9);
    EXPECT_NEAR(after(20, 1s), 100 - 80 * (1 - std::exp(-1.0 / 12)), 1e-9);
}

TEST_F(LatencyAverageTest, OneOutlierCountsAsFiveTimesTheAverageAtMost) {
    EXPECT_EQ(after(1e9, 1s), after(700, 1s));
    EXPECT_LT(after(699, 1s), after(700, 1s));
}

TEST_F(LatencyAverageTest, ABurstOfSimultaneousAnswersDoesNotReplaceIt) {
    EXPECT_EQ(after(200, 0s), after(200, 60ms));
    EXPECT_LT(after(200, 60ms), after(200, 61ms));
    for (int i = 0; i < 10; ++i) average.add(Latency{i == 0 ? 100 : 20}, start);
    EXPECT_GT(average.value().count(), 90);
}

TEST_F(LatencyAverageTest, AfterALongPauseTheNewSampleDominates) { EXPECT_NEAR(after(150, 2min), 150, 1e-6); }

TEST_F(LatencyAverageTest, DriftsTowardsALowerTargetThatItNeverPasses) {
    average.add(Latency{1'000}, start);
    average.drift(Latency{200}, start + 30s);
    EXPECT_NEAR(average.value().count(), 200 + 800 * std::exp(-1.0), 1e-9);
    EXPECT_EQ(average.samples(), 1U);
    average.drift(Latency{200}, start + 1h);
    EXPECT_NEAR(average.value().count(), 200, 1e-6);
}

TEST_F(LatencyAverageTest, TheDriftDoesNotDependOnItsStepSize) {
    LatencyAverage often;
    often.add(Latency{1'000}, start);
    average.add(Latency{1'000}, start);
    for (int i = 1; i <= 300; ++i) often.drift(Latency{200}, start + i * 100ms);
    average.drift(Latency{200}, start + 30s);
    EXPECT_NEAR(often.value().count(), average.value().count(), 1e-6);
}

TEST_F(LatencyAverageTest, NeverDriftsUpAndDoesNotCatchUpLater) {
    average.add(Latency{1'000}, start);
    average.drift(Latency{2'000}, start + 1h);
    EXPECT_EQ(average.value().count(), 1'000);
    average.drift(Latency{200}, start + 1h);
    EXPECT_EQ(average.value().count(), 1'000) << "the lower target has just been set";
    average.drift(Latency{200}, start + 30min);
    EXPECT_EQ(average.value().count(), 1'000) << "negative time is ignored";
}

TEST_F(LatencyAverageTest, DoesNotDriftWithoutSamples) {
    average.drift(Latency{200}, start);
    EXPECT_FALSE(average.known());
    average.add(Latency{500}, start);
    EXPECT_EQ(average.value().count(), 500);
}

TEST(Quantiles, AreExactByNearestRank) {
    struct Row {
        int count;
        double p50, p95, p99;
    };
    for (const auto& [count, p50, p95, p99] : {Row{1, 1, 1, 1}, Row{2, 1, 2, 2}, Row{3, 2, 3, 3}, Row{20, 10, 19, 20},
                                               Row{100, 50, 95, 99}, Row{256, 128, 244, 254}}) {
        Quantiles quantiles;
        for (int i = 0; i < count; ++i) quantiles.add(Latency{count - i});  // the values 1 to `count`
        EXPECT_EQ(quantiles.p50().count(), p50) << count;
        EXPECT_EQ(quantiles.p95().count(), p95) << count;
        EXPECT_EQ(quantiles.p99().count(), p99) << count;
    }
}

TEST(Quantiles, AreZeroWithoutSamples) {
    const Quantiles quantiles;
    EXPECT_EQ(quantiles.size(), 0U);
    EXPECT_EQ(quantiles.p99().count(), 0);
}

TEST(Quantiles, RememberTheLast256Samples) {
    Quantiles quantiles;
    for (int i = 0; i < 256; ++i) quantiles.add(Latency{1'000});
    for (int i = 0; i < 256; ++i) quantiles.add(Latency{1});
    EXPECT_EQ(quantiles.size(), 256U);
    EXPECT_EQ(quantiles.p99().count(), 1);
}

TEST(Quantiles, StoreSamplesToAFifthOfAPercent) {
    for (const double sample : {0.001, 0.3, 1.0, 17.77, 511.4, 1'234.5, 59'999.9, 3.6e6}) {
        Quantiles quantiles;
        quantiles.add(Latency{sample});
        EXPECT_NEAR(quantiles.p50().count(), sample, sample * 0.002);
    }
}

TEST(Quantiles, ClampInvalidArguments) {
    Quantiles quantiles;
    quantiles.add(Latency{-1});
    EXPECT_EQ(quantiles.p50().count(), 0);
    quantiles.add(Latency{1e300});
    EXPECT_GT(quantiles.p99().count(), 1e29);
}

TEST(Quantiles, MatchTheSortedSamplesInAnyOrder) {
    resilience::Random random(3);
    Quantiles quantiles;
    std::vector<double> all;
    for (int i = 0; i < 3'000; ++i) {
        all.push_back(static_cast<double>(random.next() % (i < 1'500 ? 64 : 512)));  // many equal values, then fewer
        quantiles.add(Latency{all.back()});
        std::vector<double> sorted(all.end() - static_cast<std::ptrdiff_t>(std::min<std::size_t>(all.size(), 256)),
                                   all.end());
        std::ranges::sort(sorted);
        for (const auto& [q, value] : {std::pair{0.5, quantiles.p50().count()},
                                       {0.95, quantiles.p95().count()},
                                       {0.99, quantiles.p99().count()}}) {
            const double rank = std::ceil(static_cast<double>(sorted.size()) * q - 1e-9);
            ASSERT_EQ(value, sorted[static_cast<std::size_t>(rank) - 1]) << i;
        }
    }
}

TEST(ContentGaps, ReportTheLongestInAHundred) {
    ContentGaps gaps;
    EXPECT_EQ(gaps.p99(), 0ns);
    for (int i = 0; i < 99; ++i) gaps.add(20ms);
    EXPECT_FALSE(gaps.enough());
    gaps.add(3s);
    EXPECT_TRUE(gaps.enough());
    EXPECT_EQ(gaps.p99(), 125ms) << "one gap in a hundred may be longer";
    gaps.add(2s);
    EXPECT_EQ(gaps.p99(), 2'125ms);
}

TEST(ContentGaps, CountAllLongGapsAlike) {
    ContentGaps gaps;
    for (const nanoseconds gap : {nanoseconds(7'500ms), nanoseconds(60s), nanoseconds::max()}) {
        gaps.add(gap);
        EXPECT_EQ(gaps.p99(), 7'625ms);
    }
}

TEST(ContentGaps, CountPiecesReadTogetherAsOne) {
    ContentGaps gaps;
    for (const nanoseconds gap : {nanoseconds(0), nanoseconds(999us), nanoseconds(-5s)}) gaps.add(gap);
    EXPECT_EQ(gaps.size(), 0U);
    gaps.add(1ms);
    EXPECT_EQ(gaps.size(), 1U);
}

TEST(ContentGaps, DecaySlowly) {
    ContentGaps gaps;
    for (int i = 0; i < 1'000; ++i) gaps.add(5s);
    EXPECT_GT(gaps.p99(), 5s);
    for (int i = 0; i < 8'000; ++i) gaps.add(20ms);
    EXPECT_GT(gaps.p99(), 5s) << "still one gap in eighteen";
    for (int i = 0; i < 30'000; ++i) gaps.add(20ms);
    EXPECT_EQ(gaps.p99(), 125ms);
    EXPECT_LT(gaps.size(), 8'192U);
}

TEST(Quantiles, AreSmall) { EXPECT_LE(sizeof(Quantiles), 1'028U); }

TEST(ContentGaps, AreSmall) { EXPECT_LE(sizeof(ContentGaps), 124U); }

}  // namespace
}  // namespace holysheep::health
