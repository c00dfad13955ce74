// The slots of a window: taken, given back, resting, free again.
#include "resilience/sliding_window.hpp"

#include <gtest/gtest.h>

namespace holysheep::resilience {
namespace {

using namespace std::chrono_literals;
using time_point = SlidingWindow::time_point;

constexpr time_point kStart{1h};

TEST(SlidingWindow, LetsAsManyGoAtOnceAsItHasSlots) {
    SlidingWindow window(3, 60s);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(window.take(kStart)) << i;
    EXPECT_FALSE(window.take(kStart));
    EXPECT_EQ(window.used(kStart), 3U);
}

TEST(SlidingWindow, ASlotRestsForTheSpanAfterItsCallArrived) {
    SlidingWindow window(1, 60s);
    ASSERT_TRUE(window.take(kStart));
    const auto mark = window.sent(kStart + 5ms);
    EXPECT_EQ(window.free_at(), kStart + 5ms + 61s + 50ms) << "nobody knows yet when it arrived";
    window.arrived(mark, kStart + 105ms);
    EXPECT_EQ(window.free_at(), kStart + 105ms + 60s + 50ms);
    EXPECT_FALSE(window.take(kStart + 60s));
    EXPECT_TRUE(window.take(kStart + 60s + 155ms));
}

TEST(SlidingWindow, AnUnsentCallLeavesNoTrace) {
    SlidingWindow window(1, 60s);
    const auto slot = window.take(kStart);
    ASSERT_TRUE(slot);
    EXPECT_FALSE(window.free_at()) << "it depends on the call under way";
    window.give_back(*slot);
    EXPECT_TRUE(window.take(kStart));
}

TEST(SlidingWindow, SlotsGoInTheOrderInWhichTheyBecomeFree) {
    SlidingWindow window(2, 60s);
    ASSERT_TRUE(window.take(kStart));
    ASSERT_TRUE(window.take(kStart));
    const auto slow = window.sent(kStart);
    const auto quick = window.sent(kStart + 10ms);
    window.arrived(quick, kStart + 20ms);
    window.arrived(slow, kStart + 900ms);
    EXPECT_EQ(window.free_at(0), kStart + 20ms + 60s + 50ms);
    EXPECT_EQ(window.free_at(1), kStart + 900ms + 60s + 50ms);
    EXPECT_EQ(window.free_at(2), *window.free_at(0) + 60s + 50ms) << "in the round after that";
}

TEST(SlidingWindow, TheGraceOfAShortSpanIsShort) {
    SlidingWindow window(1, 100ms);
    ASSERT_TRUE(window.take(kStart));
    window.sent(kStart);
    EXPECT_EQ(window.free_at(), kStart + 100ms + 10ms + 5ms);
}

TEST(SlidingWindow, ALateArrivalOfASlotInUseChangesNothing) {
    SlidingWindow window(1, 100ms);
    ASSERT_TRUE(window.take(kStart));
    const auto mark = window.sent(kStart);
    ASSERT_TRUE(window.take(kStart + 200ms));
    window.arrived(mark, kStart + 1ms);
    EXPECT_FALSE(window.free_at());
}

TEST(SlidingWindow, FewerSlotsCountTheCallsThatWereSentAlready) {
    SlidingWindow window(4, 60s);
    for (int i = 0; i < 2; ++i) {
        ASSERT_TRUE(window.take(kStart));
        window.sent(kStart);
    }
    window.resize(3, kStart);
    EXPECT_TRUE(window.take(kStart));
    EXPECT_FALSE(window.take(kStart)) << "two were sent, one is taken";
    EXPECT_EQ(window.used(kStart), 3U);
}

TEST(SlidingWindow, TakenSlotsGoWhenTheyComeBack) {
    SlidingWindow window(2, 60s);
    ASSERT_TRUE(window.take(kStart));
    ASSERT_TRUE(window.take(kStart));
    window.resize(1, kStart);
    window.sent(kStart);
    window.sent(kStart);
    EXPECT_TRUE(window.take(kStart + 2min));
    EXPECT_FALSE(window.take(kStart + 2min));
}

TEST(SlidingWindow, MoreSlotsRestFirst) {
    SlidingWindow window(1, 60s);
    ASSERT_TRUE(window.take(kStart));
    window.resize(3, kStart);
    EXPECT_FALSE(window.take(kStart));
    EXPECT_TRUE(window.take(kStart + 61s));
    EXPECT_TRUE(window.take(kStart + 61s));
}

}  // namespace
}  // namespace holysheep::resilience
