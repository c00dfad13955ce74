// The guarantees of the histogram: exact extremes and sums, quantiles within 3.2 %, the same after a merge.
#include "telemetry/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace holysheep::telemetry {
namespace {

using namespace std::chrono_literals;

double relative_error(nanoseconds measured, nanoseconds actual) {
    return std::abs(static_cast<double>((measured - actual).count())) / static_cast<double>(actual.count());
}

TEST(Histogram, IsEmptyAtFirst) {
    const Histogram histogram;
    EXPECT_EQ(histogram.count(), 0U);
    EXPECT_EQ(histogram.min(), 0ns);
    EXPECT_EQ(histogram.quantile(0.5), 0ns);
    EXPECT_EQ(histogram.summary().count, 0U);
    EXPECT_EQ(histogram.summary().p99, 0ns);
}

TEST(Histogram, OneSampleDeterminesEveryFigure) {
    Histogram histogram;
    histogram.add(123'456'789ns);
    const auto summary = histogram.summary();
    EXPECT_EQ(summary.count, 1U);
    for (const auto figure :
         {summary.average, summary.min, summary.max, summary.p50, summary.p95, summary.p99, summary.sum}) {
        EXPECT_EQ(figure, 123'456'789ns);
    }
}

TEST(Histogram, CountSumMinimumAndMaximumAreExact) {
    Histogram histogram;
    for (const auto sample : {5ms, 250ms, 7ms}) histogram.add(sample);
    const auto summary = histogram.summary();
    EXPECT_EQ(summary.count, 3U);
    EXPECT_EQ(summary.sum, 262ms);
    EXPECT_EQ(summary.average, 262'000'000ns / 3);
    EXPECT_EQ(summary.min, 5ms);
    EXPECT_EQ(summary.max, 250ms);
}

TEST(Histogram, ASingleValueIsTheMiddleOfItsBucket) {
    // Two distant extremes keep the result from being clamped, which would hide the bucket's own error.
    for (double value = 1100; value < 4e12; value *= 1.0137) {
        const auto sample = nanoseconds(static_cast<std::int64_t>(value));
        Histogram histogram;
        histogram.add(0ns);
        histogram.add(sample);
        histogram.add(std::chrono::hours{100});
        ASSERT_LE(relative_error(histogram.quantile(0.5), sample), 0.032) << sample.count();
    }
}

TEST(Histogram, QuantilesStayWithinTheErrorForAnyDistribution) {
    std::mt19937_64 random(5);
    for (const double sigma : {0.01, 0.3, 1.0, 3.0}) {
        std::lognormal_distribution<double> distribution(std::log(2e8), sigma);
        Histogram histogram;
        std::vector<nanoseconds> samples;
        for (int i = 0; i < 20'000; ++i) {
            samples.emplace_back(static_cast<std::int64_t>(std::clamp(distribution(random), 2e3, 4e12)));
            histogram.add(samples.back());
        }
        std::ranges::sort(samples);
        for (const double share : {0.001, 0.25, 0.5, 0.95, 0.99, 0.999, 1.0}) {
            const auto rank = static_cast<std::size_t>(std::ceil(share * 20'000.0));
            EXPECT_LE(relative_error(histogram.quantile(share), samples[rank - 1]), 0.032) << sigma << ' ' << share;
        }
    }
}

TEST(Histogram, QuantilesStayWithinTheRangeOfTheSamples) {
    Histogram histogram;
    for (int i = 0; i < 100; ++i) histogram.add(1'048'576ns);  // the lower end of a bucket, whose middle is above it
    EXPECT_EQ(histogram.quantile(0.99), 1'048'576ns);
    EXPECT_EQ(histogram.quantile(0), 1'048'576ns);
}

TEST(Histogram, MinimumAndMaximumHoldBeyondItsRange) {
    Histogram histogram;
    histogram.add(-5ms);
    histogram.add(0ns);
    histogram.add(std::chrono::hours{48});
    EXPECT_EQ(histogram.min(), 0ns);
    EXPECT_EQ(histogram.max(), std::chrono::hours{48});
    EXPECT_LE(histogram.quantile(0.5), 2us);
    EXPECT_EQ(histogram.quantile(1), std::chrono::hours{48});
}

TEST(Histogram, AMergeEqualsAddingEverythingToOne) {
    Histogram a;
    Histogram b;
    Histogram whole;
    for (int i = 1; i <= 1000; ++i) {
        const nanoseconds sample = i * i * 1us;
        (i % 3 == 0 ? a : b).add(sample);
        whole.add(sample);
    }
    a.merge(b);
    a.merge(Histogram{});
    EXPECT_EQ(a.count(), whole.count());
    EXPECT_EQ(a.sum(), whole.sum());
    EXPECT_EQ(a.min(), whole.min());
    EXPECT_EQ(a.max(), whole.max());
    for (const double share : {0.1, 0.5, 0.9, 0.99}) EXPECT_EQ(a.quantile(share), whole.quantile(share));
}

TEST(Histogram, OccupiesFourKibibytes) { EXPECT_LE(sizeof(Histogram), 4096U + 64U); }

}  // namespace
}  // namespace holysheep::telemetry
