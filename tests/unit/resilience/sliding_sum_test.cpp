// The sum over a time span that slides in sixty steps.
#include "resilience/sliding_sum.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

namespace holysheep::resilience {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using time_point = SlidingSum::time_point;

constexpr time_point kSumStart{1h};

TEST(SlidingSum, ReservationsCount) {
    SlidingSum sum(100, 60s);
    sum.hold(80);
    EXPECT_TRUE(sum.fits(20, kSumStart));
    EXPECT_FALSE(sum.fits(21, kSumStart));
    EXPECT_FALSE(sum.fits_at(21, kSumStart)) << "depends on the pending call";
    sum.release(80);
    EXPECT_TRUE(sum.fits(100, kSumStart));
}

TEST(SlidingSum, AnAmountCountsForTheWholeSpan) {
    SlidingSum sum(100, 60s);
    sum.hold(100);
    sum.book(100, kSumStart + 900ms);
    EXPECT_EQ(sum.sum(kSumStart + 60s + 899ms), 100);
    EXPECT_EQ(sum.fits_at(1, kSumStart + 2s), kSumStart + 61s) << "expires with its bucket";
    EXPECT_EQ(sum.sum(kSumStart + 61s), 0);
}

TEST(SlidingSum, SavingsApplyAtOnce) {
    SlidingSum sum(100, 60s);
    sum.hold(100);
    sum.book(100, kSumStart);
    sum.settle(100, 30, kSumStart, kSumStart + 10s);
    EXPECT_EQ(sum.sum(kSumStart + 10s), 30);
}

TEST(SlidingSum, ExcessCountsFromItsReport) {
    SlidingSum sum(100, 60s);
    sum.hold(10);
    sum.book(10, kSumStart);
    sum.settle(10, 70, kSumStart, kSumStart + 50s);
    EXPECT_EQ(sum.sum(kSumStart + 50s), 70);
    EXPECT_EQ(sum.sum(kSumStart + 62s), 60);
}

TEST(SlidingSum, SavingsOnExpiredAmountsAreIgnored) {
    SlidingSum sum(100, 60s);
    sum.hold(50);
    sum.book(50, kSumStart);
    sum.hold(40);
    sum.book(40, kSumStart + 61s);  // uses the same entry of the ring
    sum.settle(50, 0, kSumStart, kSumStart + 62s);
    EXPECT_EQ(sum.sum(kSumStart + 62s), 40);
}

TEST(SlidingSum, ToleratesAClockThatStepsBack) {
    SlidingSum sum(100, 60s);
    sum.hold(100);
    sum.book(100, kSumStart + 50s);
    EXPECT_EQ(sum.fits_at(10, kSumStart), kSumStart + 50s + 61s);
}

/// In every history, also when the clock jumps, the sum equals that of its bookings, added one by one.
TEST(SlidingSum, EqualsTheSumOfItsEntries) {
    std::mt19937_64 dice(7);
    const auto pick = [&](std::int64_t below) {
        return static_cast<std::int64_t>(dice() % static_cast<std::uint64_t>(below));
    };
    for (int round = 0; round < 200; ++round) {
        SlidingSum sum(1'000, 60s);
        std::vector<std::pair<time_point, std::int64_t>> booked;
        auto now = kSumStart;
        for (int step = 0; step < 300; ++step) {
            now += pick(10) == 0 ? std::chrono::seconds(pick(150)) : milliseconds(pick(1'500));
            const auto amount = pick(100);
            if (booked.empty() || pick(3) > 0) {
                sum.hold(amount);
                sum.book(amount, now);
                booked.emplace_back(now, amount);
            } else if (auto& [when, before] = booked[booked.size() - 1 -
                                                     static_cast<std::size_t>(pick(static_cast<std::int64_t>(
                                                         std::min<std::size_t>(booked.size(), 20))))];
                       amount < before && now - when < 60s) {
                sum.settle(before, amount, when, now);
                before = amount;
            }
            // Older entries of the ring have been reused.
            const auto seen = now - kSumStart < 58s ? now - milliseconds(pick(3'000)) : now;
            std::int64_t expected = 0;
            for (const auto& [when, booked_amount] : booked) {
                const auto second = std::chrono::floor<std::chrono::seconds>(when);
                if (second + 61s > seen) expected += booked_amount;
            }
            ASSERT_EQ(sum.sum(seen), expected) << "round " << round << ", step " << step;
        }
    }
}

TEST(SlidingSum, WaitsForAsManyBucketsAsNeeded) {
    SlidingSum sum(100, 60s);
    for (int i = 0; i < 10; ++i) {
        sum.hold(10);
        sum.book(10, kSumStart + i * 1s);
    }
    EXPECT_EQ(sum.fits_at(25, kSumStart + 10s), kSumStart + 2s + 61s);
    EXPECT_FALSE(sum.fits_at(101, kSumStart + 10s)) << "larger than the limit";
}

}  // namespace
}  // namespace holysheep::resilience
