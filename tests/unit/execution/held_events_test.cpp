// Events before the first content: from which attempt they are kept, and how many.
#include "execution/held_events.hpp"

#include <gtest/gtest.h>

namespace holysheep::execution {
namespace {

TEST(HeldEvents, ReleasesTheChosenAttemptsEventsInOrder) {
    HeldEvents held;
    held.add(1, {.event = ChunkEvent::started});
    held.add(2, {.event = ChunkEvent::started});
    held.add(1, {.event = ChunkEvent::usage});
    const auto events = held.take(1);
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events[0].chunk.event, ChunkEvent::started);
    EXPECT_EQ(events[1].chunk.event, ChunkEvent::usage);
    EXPECT_TRUE(held.take(2).empty());
}

TEST(HeldEvents, CopiesTheDataThatAnEventViews) {
    HeldEvents held;
    {
        const std::string json = R"({"id":"a"})";
        Usage usage;
        usage.total_tokens = 7;
        held.add(1, {.event = ChunkEvent::usage, .usage = &usage, .raw_json = json});
    }
    auto events = held.take(1);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].view().raw_json, R"({"id":"a"})");
    EXPECT_EQ(events[0].view().usage->total_tokens, 7);
}

TEST(HeldEvents, DiscardsTheEventsOfAFailedAttempt) {
    HeldEvents held;
    held.add(1, {.event = ChunkEvent::started});
    held.add(2, {.event = ChunkEvent::started});
    held.forget(1);
    EXPECT_TRUE(HeldEvents(held).take(1).empty());
    EXPECT_EQ(held.take(2).size(), 1U);
}

TEST(HeldEvents, HoldsAtMostFourMebibytesOfAllAttempts) {
    HeldEvents held;
    const std::string mebibyte(std::size_t{1} << 20U, ' ');
    for (int i = 0; i < 6; ++i) held.add(1, {.event = ChunkEvent::started, .raw_json = mebibyte});
    EXPECT_EQ(HeldEvents(held).take(1).size(), 3U);
    held.forget(1);
    held.add(2, {.event = ChunkEvent::started, .raw_json = mebibyte});
    EXPECT_EQ(held.take(2).size(), 1U);
}

}  // namespace
}  // namespace holysheep::execution
