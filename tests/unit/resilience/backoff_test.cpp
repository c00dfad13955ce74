// How long a call waits before it returns to a region that it has already tried.
#include "resilience/backoff.hpp"

#include <gtest/gtest.h>

namespace holysheep::resilience {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

TEST(Backoff, DoublesWithEachRetryUpToItsCeiling) {
    struct Row {
        int retries;
        nanoseconds transient, throttled;
    };
    const Row rows[] = {{0, 50ms, 1s},   {1, 100ms, 2s},        {2, 200ms, 4s},    {3, 400ms, 8s},
                        {4, 800ms, 16s}, {5, 1600ms, 20s},      {8, 12800ms, 20s}, {9, 20s, 20s},
                        {30, 20s, 20s},  {1'000'000, 20s, 20s}, {-5, 50ms, 1s}};
    for (const auto& row : rows) {
        EXPECT_EQ(backoff({}, false, row.retries, 1.0), row.transient) << row.retries;
        EXPECT_EQ(backoff({}, true, row.retries, 1.0), row.throttled) << row.retries;
    }
}

TEST(Backoff, IsUniformBetweenZeroAndTheCeiling) {
    EXPECT_EQ(backoff({}, false, 3, 0.0), 0ns);
    EXPECT_EQ(backoff({}, false, 3, 0.25), 100ms);
    EXPECT_EQ(backoff({}, false, 3, 0.5), 200ms);
    EXPECT_LT(backoff({}, false, 3, 0.999), 400ms);
}

TEST(Backoff, UsesTheConfiguredSpans) {
    const RetryOptions options{.initial_backoff = 10ms, .throttle_backoff = 30ms, .max_backoff = 35ms};
    EXPECT_EQ(backoff(options, false, 1, 1.0), 20ms);
    EXPECT_EQ(backoff(options, true, 0, 1.0), 30ms);
    EXPECT_EQ(backoff(options, true, 1, 1.0), 35ms);
    EXPECT_EQ(backoff({.initial_backoff = 0ms}, false, 5, 1.0), 0ns);
}

TEST(WaitWithHint, FollowsTheHintWithinBounds) {
    struct Row {
        std::optional<milliseconds> hint;
        bool throttled;
        nanoseconds expected;
        const char* why;
    };
    const Row rows[] = {{std::nullopt, false, 100ms, "no hint: the computed wait"},
                        {std::nullopt, true, 100ms, "no hint: the computed wait"},
                        {30s, true, 30s, "after throttling: the hint"},
                        {1ms, true, 1ms, "after throttling: a shorter hint"},
                        {0ms, true, 0ms, "after throttling: a hint of zero"},
                        {1ms, false, 100ms, "after a failure: at least the computed wait"},
                        {2s, false, 2s, "after a failure: a longer hint"},
                        {30s, false, 5100ms, "after a failure: at most five seconds more"}};
    for (const auto& row : rows) EXPECT_EQ(wait_with_hint(100ms, row.hint, row.throttled), row.expected) << row.why;
}

}  // namespace
}  // namespace holysheep::resilience
