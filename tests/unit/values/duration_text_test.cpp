// Durations as text.
#include "values/duration_text.hpp"

#include <gtest/gtest.h>

namespace holysheep::values {
namespace {

using namespace std::chrono_literals;

TEST(DurationText, WritesMillisecondsOfAnyLength) {
    EXPECT_EQ(milliseconds_text(1'500ms), "1500 ms");
    EXPECT_EQ(milliseconds_text(0ms), "0 ms");
    EXPECT_EQ(milliseconds_text(-5ms), "-5 ms");
    EXPECT_EQ(milliseconds_text(std::chrono::milliseconds::max()), "9223372036854775807 ms");
}

TEST(DurationText, RoundsWaitsUp) {
    EXPECT_EQ(wait_text(60s), "60 s");
    EXPECT_EQ(wait_text(1'500ms), "1500 ms");
    EXPECT_EQ(wait_text(1ns), "1 ms");
    EXPECT_EQ(wait_text(999'000'001ns), "1 s");
}

TEST(DurationText, AMeasuredDurationHasAtMostFourDigits) {
    EXPECT_EQ(measured_text(0ns), "0.0 ms");
    EXPECT_EQ(measured_text(9'949us), "9.9 ms");
    EXPECT_EQ(measured_text(9'960us), "10 ms");
    EXPECT_EQ(measured_text(212ms), "212 ms");
    EXPECT_EQ(measured_text(9'999'400us), "9999 ms");
    EXPECT_EQ(measured_text(9'999'600us), "10.0 s");
    EXPECT_EQ(measured_text(12'345ms), "12.3 s");
}

}  // namespace
}  // namespace holysheep::values
