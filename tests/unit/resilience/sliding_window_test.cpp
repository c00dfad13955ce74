// The slots of a window: taken, returned, blocked, free again.
#include "resilience/sliding_window.hpp"

#include <gtest/gtest.h>

namespace holysheep::resilience {
namespace {

using namespace std::chrono_literals;
using time_point = SlidingWindow::time_point;

constexpr time_point kWindowStart{1h};

TEST(SlidingWindow, AdmitsAsManyAtOnceAsItHasSlots) {
    SlidingWindow window(3, 60s);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(window.take(kWindowStart)) << i;
    EXPECT_FALSE(window.take(kWindowStart));
    EXPECT_EQ(window.used(kWindowStart), 3U);
}

TEST(SlidingWindow, ASlotIsBlockedForTheSpanAfterItsCallArrived) {
    SlidingWindow window(1, 60s);
    ASSERT_TRUE(window.take(kWindowStart));
    const auto mark = window.sent(kWindowStart + 5ms);
    EXPECT_EQ(window.free_at(), kWindowStart + 5ms + 61s + 50ms) << "the arrival time is unknown yet";
    window.arrived(mark, kWindowStart + 105ms);
    EXPECT_EQ(window.free_at(), kWindowStart + 105ms + 60s + 50ms);
    EXPECT_FALSE(window.take(kWindowStart + 60s));
    EXPECT_TRUE(window.take(kWindowStart + 60s + 155ms));
}

TEST(SlidingWindow, AnUnsentCallLeavesNoTrace) {
    SlidingWindow window(1, 60s);
    const auto slot = window.take(kWindowStart);
    ASSERT_TRUE(slot);
    EXPECT_FALSE(window.free_at()) << "depends on the pending call";
    window.give_back(*slot);
    EXPECT_TRUE(window.take(kWindowStart));
}

TEST(SlidingWindow, SlotsAreReusedInTheOrderTheyBecomeFree) {
    SlidingWindow window(2, 60s);
    ASSERT_TRUE(window.take(kWindowStart));
    ASSERT_TRUE(window.take(kWindowStart));
    const auto slow = window.sent(kWindowStart);
    const auto quick = window.sent(kWindowStart + 10ms);
    window.arrived(quick, kWindowStart + 20ms);
    window.arrived(slow, kWindowStart + 900ms);
    EXPECT_EQ(window.free_at(0), kWindowStart + 20ms + 60s + 50ms);
    EXPECT_EQ(window.free_at(1), kWindowStart + 900ms + 60s + 50ms);
    EXPECT_EQ(window.free_at(2), *window.free_at(0) + 60s + 50ms) << "in the next round";
}

TEST(SlidingWindow, TheGraceOfAShortSpanIsShort) {
    SlidingWindow window(1, 100ms);
    ASSERT_TRUE(window.take(kWindowStart));
    window.sent(kWindowStart);
    EXPECT_EQ(window.free_at(), kWindowStart + 100ms + 10ms + 5ms);
}

TEST(SlidingWindow, ALateArrivalOfASlotInUseChangesNothing) {
    SlidingWindow window(1, 100ms);
    ASSERT_TRUE(window.take(kWindowStart));
    const auto mark = window.sent(kWindowStart);
    ASSERT_TRUE(window.take(kWindowStart + 200ms));
    window.arrived(mark, kWindowStart + 1ms);
    EXPECT_FALSE(window.free_at());
}

TEST(SlidingWindow, FewerSlotsCountTheCallsThatWereSentAlready) {
    SlidingWindow window(4, 60s);
    for (int i = 0; i < 2; ++i) {
        ASSERT_TRUE(window.take(kWindowStart));
        window.sent(kWindowStart);
    }
    window.resize(3, kWindowStart);
    EXPECT_TRUE(window.take(kWindowStart));
    EXPECT_FALSE(window.take(kWindowStart)) << "two sent calls and one pending call";
    EXPECT_EQ(window.used(kWindowStart), 3U);
}

TEST(SlidingWindow, RemovedSlotsInUseGoOnceReturned) {
    SlidingWindow window(2, 60s);
    ASSERT_TRUE(window.take(kWindowStart));
    ASSERT_TRUE(window.take(kWindowStart));
    window.resize(1, kWindowStart);
    window.sent(kWindowStart);
    window.sent(kWindowStart);
    EXPECT_TRUE(window.take(kWindowStart + 2min));
    EXPECT_FALSE(window.take(kWindowStart + 2min));
}

TEST(SlidingWindow, AddedSlotsAreBlockedForTheSpanFirst) {
    SlidingWindow window(1, 60s);
    ASSERT_TRUE(window.take(kWindowStart));
    window.resize(3, kWindowStart);
    EXPECT_FALSE(window.take(kWindowStart));
    EXPECT_TRUE(window.take(kWindowStart + 61s));
    EXPECT_TRUE(window.take(kWindowStart + 61s));
}

}  // namespace
}  // namespace holysheep::resilience
