// The time limits of an attempt in each of its phases.
#include <gtest/gtest.h>

#include "call/time_limits.hpp"

namespace holysheep::call {
namespace {

using namespace std::chrono_literals;

constexpr time_point kDispatched{1h};

CallPolicy limits() {
    CallPolicy policy;
    policy.connect = 5s;
    policy.first_byte = 20s;
    policy.first_byte_last = 60s;
    policy.first_content = 90s;
    policy.first_body = 30s;
    policy.stall = 40s;
    return policy;
}

Attempt in_phase(Phase phase) { return {.phase = phase, .started = kDispatched, .progress = kDispatched + 2s}; }

TEST(TimeLimits, ConnectingHasTheShortestLimit) {
    const auto expiry = expiry_of(in_phase(Phase::connecting), limits(), true);
    ASSERT_TRUE(expiry);
    EXPECT_EQ(expiry->when, kDispatched + 5s);
    EXPECT_EQ(expiry->limit, Limit::connect);
}

TEST(TimeLimits, TheLastRegionGetsMoreTimeForItsFirstByte) {
    const auto attempt = in_phase(Phase::waiting);
    EXPECT_EQ(expiry_of(attempt, limits(), true)->when, kDispatched + 20s);
    EXPECT_EQ(expiry_of(attempt, limits(), false)->when, kDispatched + 60s);
    EXPECT_EQ(expiry_of(attempt, limits(), false)->limit, Limit::first_byte);
}

TEST(TimeLimits, AStreamThatSentItsHeadWaitsForContent) {
    auto policy = limits();
    policy.stream = true;
    const auto expiry = expiry_of(in_phase(Phase::receiving), policy, true);
    EXPECT_EQ(expiry->when, kDispatched + 90s);
    EXPECT_EQ(expiry->limit, Limit::first_content);
}

TEST(TimeLimits, APlainAnswerMayStallAfterItsHeadOnTheLastRegion) {
    auto attempt = in_phase(Phase::receiving);
    EXPECT_EQ(expiry_of(attempt, limits(), true)->when, kDispatched + 2s + 30s) << "from the head";
    EXPECT_FALSE(expiry_of(attempt, limits(), false)) << "no other region can be asked";
    attempt.body = true;
    EXPECT_EQ(expiry_of(attempt, limits(), false)->when, kDispatched + 2s + 40s);
}

TEST(TimeLimits, TheWholeAttemptIsLimitedInEveryPhase) {
    auto policy = limits();
    policy.attempt = 1s;
    for (const auto phase : {Phase::connecting, Phase::waiting, Phase::receiving, Phase::committed}) {
        EXPECT_EQ(expiry_of(in_phase(phase), policy, true)->limit, Limit::attempt);
    }
    EXPECT_FALSE(expiry_of(in_phase(Phase::ended), policy, true));
}

TEST(TimeLimits, ALimitOfZeroIsNone) {
    EXPECT_FALSE(expiry_of(in_phase(Phase::connecting), {}, true));
    EXPECT_FALSE(expiry_of(in_phase(Phase::committed), {}, true));
}

TEST(TimeLimits, TheLearnedStallLimitIsThatOfTheRequestedModel) {
    auto policy = limits();
    policy.learned_stall = 12s;
    auto attempt = in_phase(Phase::committed);
    EXPECT_EQ(stall_limit(attempt, policy), 12s);
    attempt.model = 1;
    EXPECT_EQ(stall_limit(attempt, policy), 40s) << "a fallback model";
}

}  // namespace
}  // namespace holysheep::call
