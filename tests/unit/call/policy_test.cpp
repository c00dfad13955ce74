// How the settings of a call become its time limits.
#include <gtest/gtest.h>

#include <limits>
#include <vector>

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

TEST(MakePolicy, AnExplicitValueReplacesTheRule) {
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

TEST(MakePolicy, TheDeadlineOfACallReplacesTheTotal) {
    struct Row {
        std::optional<milliseconds> total;
        std::optional<milliseconds> deadline;
        std::optional<time_point> expected;
        bool covers_stream;
    };
    const Row rows[] = {{std::nullopt, std::nullopt, kNow + 600s, false},
                        {600s, std::nullopt, kNow + 600s, true},
                        {600s, 5s, kNow + 5s, true},
                        {5s, 600s, kNow + 600s, true},
                        {0s, std::nullopt, std::nullopt, true},
                        {0s, 5s, kNow + 5s, true},
                        {600s, 0s, kNow, true},
                        {600s, -5s, kNow - 5s, true},
                        {600s, 700s, kNow + 700s, true}};
    for (const auto& row : rows) {
        const auto policy = make_policy({}, {.total = row.total}, row.deadline, true, kNow);
        EXPECT_EQ(policy.deadline, row.expected) << row.total.value_or(-1ms).count();
        EXPECT_EQ(policy.deadline_covers_stream, row.covers_stream) << row.total.value_or(-1ms).count();
    }
}

TEST(MakePolicy, InfiniteSpansDoNotOverflow) {
    const auto forever = milliseconds::max();
    const auto late = make_policy({.max_wait = forever}, {.total = 0s}, forever, false, kNow);
    ASSERT_TRUE(late.deadline);
    EXPECT_GT(*late.deadline, kNow + std::chrono::hours(100'000));
    EXPECT_GT(nanoseconds(late.retry.max_wait), nanoseconds(std::chrono::hours(100'000)));
    const auto early = make_policy({}, {}, milliseconds::min(), false, kNow);
    ASSERT_TRUE(early.deadline);
    EXPECT_LE(*early.deadline, kNow);
}

// The stall limit after 200 streams of a model.
class LearnedStall : public ::testing::Test {
  protected:
    nanoseconds limit(const TimeoutOptions& timeouts = {}, const ModelTraits& traits = {}, bool stream = true) {
        auto policy = make_policy({}, timeouts, std::nullopt, stream, kNow, traits);
        adapt_policy(policy, regions_, model_, stream ? health::Awaited::stream : health::Awaited::plain);
        return policy.learned_stall.value_or(policy.stall);
    }
    void learn(int times, nanoseconds gap) {
        for (int i = 0; i < times; ++i) regions_.on_content_gap(model_, gap);
    }

    const std::vector<Region> one_{{.id = "us-west"}};
    health::RegionHealthTracker regions_{one_, HealthOptions{}, BreakerOptions{}, 1};
    const values::ModelId model_ = regions_.model_id("gpt-4.1");
};

TEST_F(LearnedStall, IsEightTimesTheLongestInAHundredWithinBounds) {
    learn(99, 2s);
    EXPECT_EQ(limit(), 60s) << "too few samples";
    learn(1, 2s);
    EXPECT_EQ(limit(), 17s) << "eight times 2.125 s";
    learn(5'000, 20ms);
    EXPECT_GT(limit(), 10s) << "still two gaps in a hundred";
    learn(5'000, 20ms);
    EXPECT_EQ(limit(), 10s);
    learn(1'000, 100s);
    EXPECT_EQ(limit(), 60s);
}

TEST_F(LearnedStall, DoesNotChangeExplicitOrUnrelatedLimits) {
    learn(1'000, 20ms);
    EXPECT_EQ(limit(), 10s);
    EXPECT_EQ(limit({.stall = 45s}), 45s);
    EXPECT_EQ(limit({.stall = 5s}), 5s);
    EXPECT_EQ(limit({}, {.reasoning = true}), 300s);
    EXPECT_EQ(limit({}, {}, false), 60s) << "plain answers are not adapted";
    auto other = make_policy({}, {}, std::nullopt, true, kNow);
    adapt_policy(other, regions_, regions_.model_id("slow-model"), health::Awaited::stream);
    EXPECT_EQ(other.learned_stall, std::nullopt) << "learned per model";
    EXPECT_EQ(limit({.first_byte = 1s}), 10s) << "independent of the other limits";
}

TEST_F(LearnedStall, IsIgnoredDuringAGeneralOutage) {
    learn(1'000, 20ms);
    regions_.force_breaker(0, BreakerState::open, kNow);
    regions_.refresh(kNow);
    ASSERT_TRUE(regions_.general_trouble());
    EXPECT_EQ(limit(), 60s);
}

// What is learned from the times to the first content of a model's answers. Powers of two are stored exactly.
class LearnedWaits : public ::testing::Test {
  protected:
    void answers(int times, milliseconds after) {
        for (int i = 0; i < times; ++i) {
            auto token = regions_.on_dispatch(0, model_, health::Awaited::stream, kNow);
            regions_.on_first_content(token, kNow + after);
        }
    }
    CallPolicy adapted(const TimeoutOptions& timeouts = {}, bool hedge = false, milliseconds least_delay = 0ms) {
        auto policy = make_policy({}, timeouts, std::nullopt, true, kNow);
        policy.hedge = hedge;
        policy.hedge_min_delay = least_delay;
        adapt_policy(policy, regions_, model_, health::Awaited::stream);
        return policy;
    }
    void begin_general_trouble() {
        regions_.force_breaker(0, BreakerState::open, kNow);
        regions_.refresh(kNow);
    }

    const std::vector<Region> one_{{.id = "us-west"}};
    health::RegionHealthTracker regions_{one_, HealthOptions{}, BreakerOptions{}, 1};
    const values::ModelId model_ = regions_.model_id("gpt-4.1");
};

TEST_F(LearnedWaits, ApplyFromThirtyAnswers) {
    answers(29, 8'192ms);
    EXPECT_EQ(adapted().first_byte, 60s);
    EXPECT_EQ(adapted().usual, std::nullopt);
    EXPECT_EQ(adapted({}, true).hedge_after, std::nullopt);
    answers(1, 8'192ms);
    EXPECT_EQ(adapted().first_byte, 3 * 8'192ms);
    EXPECT_EQ(adapted().first_body, 3 * 8'192ms);
    EXPECT_EQ(adapted().usual, 8'192ms);
    EXPECT_EQ(adapted({}, true).hedge_after, 8'192ms);
}

TEST_F(LearnedWaits, StayWithinTwentySecondsAndTheDefault) {
    answers(30, 1'024ms);
    EXPECT_EQ(adapted().first_byte, 20s);
    answers(256, 32'768ms);
    EXPECT_EQ(adapted().first_byte, 60s);
}

TEST_F(LearnedWaits, HedgeNotBeforeTheConfiguredTimeAndOnlyIfEnabled) {
    answers(30, 64ms);
    EXPECT_EQ(adapted({}, true, 100ms).hedge_after, 100ms);
    EXPECT_EQ(adapted({}, true, 50ms).hedge_after, 64ms);
    EXPECT_EQ(adapted({}, false, 50ms).hedge_after, std::nullopt);
}

TEST_F(LearnedWaits, DoubleDuringAGeneralOutage) {
    answers(30, 8'192ms);
    begin_general_trouble();
    const auto policy = adapted();
    EXPECT_EQ(policy.first_byte, 6 * 8'192ms);
    EXPECT_EQ(policy.first_body, 6 * 8'192ms);
    EXPECT_EQ(policy.first_byte_last, 180s);
}

TEST_F(LearnedWaits, DoNotChangeTheCallersLimit) {
    answers(30, 8'192ms);
    begin_general_trouble();
    const auto policy = adapted({.first_byte = 7s});
    EXPECT_EQ(policy.first_byte, 7s);
    EXPECT_EQ(policy.first_byte_last, 7s);
    EXPECT_EQ(policy.usual, 8'192ms) << "what is usual is no limit";
}

TEST_F(LearnedWaits, AreAtLeastAMinuteForPlainAnswers) {
    for (int i = 0; i < 30; ++i) {
        auto token = regions_.on_dispatch(0, model_, health::Awaited::plain, kNow);
        regions_.on_outcome(token, health::FailureClass::success, kNow + 1'024ms);
    }
    auto policy = make_policy({}, {}, std::nullopt, false, kNow);
    adapt_policy(policy, regions_, model_, health::Awaited::plain);
    EXPECT_EQ(policy.first_byte, 60s);
    EXPECT_EQ(policy.first_byte_last, 0s) << "the last region may take as long as it needs";
}

}  // namespace
}  // namespace holysheep::call
