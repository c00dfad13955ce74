// How the settings of a call become its clocks.
#include <gtest/gtest.h>

#include <limits>

#include "call/machine.hpp"

namespace holysheep::call {
namespace {

using namespace std::chrono_literals;

constexpr time_point kNow{1h};

TEST(MakePolicy, FillsInTheDefaultRules) {
    const auto plain = make_policy({}, {}, std::nullopt, false, kNow);
    EXPECT_EQ(plain.connect, 3s);
    EXPECT_EQ(plain.first_byte, 300s);
    EXPECT_EQ(plain.first_byte_last, 0s);
    EXPECT_EQ(plain.first_content, 120s);
    EXPECT_EQ(plain.stall, 60s);
    EXPECT_EQ(plain.attempt, 0s);
    EXPECT_EQ(plain.connect_race, 250ms);
    EXPECT_EQ(plain.deadline, kNow + 600s);
    EXPECT_FALSE(plain.deadline_covers_stream);
    const auto stream = make_policy({}, {}, std::nullopt, true, kNow);
    EXPECT_EQ(stream.first_byte, 60s);
    EXPECT_EQ(stream.first_byte_last, 90s);
}

TEST(MakePolicy, WhatIsSetReplacesTheRule) {
    const TimeoutOptions set{
        .connect = 1ms, .first_byte = 2ms, .first_content = 3ms, .stall = 4ms, .attempt = 5ms, .total = 6ms};
    const auto policy = make_policy({}, set, std::nullopt, true, kNow);
    EXPECT_EQ(policy.connect, 1ms);
    EXPECT_EQ(policy.first_byte, 2ms);
    EXPECT_EQ(policy.first_byte_last, 2ms);
    EXPECT_EQ(policy.first_content, 3ms);
    EXPECT_EQ(policy.stall, 4ms);
    EXPECT_EQ(policy.attempt, 5ms);
    EXPECT_EQ(policy.deadline, kNow + 6ms);
    EXPECT_TRUE(policy.deadline_covers_stream);
}

TEST(MakePolicy, TheEarlierOfDeadlineAndTotalCounts) {
    struct Row {
        milliseconds total;
        std::optional<milliseconds> deadline;
        std::optional<time_point> expected;
        bool covers_stream;
    };
    const Row rows[] = {{600s, std::nullopt, kNow + 600s, false},
                        {600s, 5s, kNow + 5s, true},
                        {5s, 600s, kNow + 5s, true},
                        {0s, std::nullopt, std::nullopt, true},
                        {0s, 5s, kNow + 5s, true},
                        {600s, 0s, kNow, true},
                        {600s, -5s, kNow - 5s, true},
                        {600s, 700s, kNow + 600s, true}};
    for (const auto& row : rows) {
        const auto policy = make_policy({}, {.total = row.total}, row.deadline, true, kNow);
        EXPECT_EQ(policy.deadline, row.expected) << row.total.count();
        EXPECT_EQ(policy.deadline_covers_stream, row.covers_stream) << row.total.count();
    }
}

TEST(MakePolicy, SpansThatMeanForEverDoNotOverflow) {
    const auto forever = milliseconds::max();
    const auto late = make_policy({.max_wait = forever}, {.total = 0s}, forever, false, kNow);
    ASSERT_TRUE(late.deadline);
    EXPECT_GT(*late.deadline, kNow + std::chrono::hours(100'000));
    EXPECT_GT(nanoseconds(late.retry.max_wait), nanoseconds(std::chrono::hours(100'000)));
    const auto early = make_policy({}, {}, milliseconds::min(), false, kNow);
    ASSERT_TRUE(early.deadline);
    EXPECT_LE(*early.deadline, kNow);
}

}  // namespace
}  // namespace holysheep::call
