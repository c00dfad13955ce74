// Whether unanswered probes of a region count as evidence.
#include "health/probe_trust.hpp"

#include <gtest/gtest.h>

namespace holysheep::health {
namespace {

using namespace std::chrono_literals;

constexpr Clock::time_point kProbedAt{1h};

TEST(ProbeTrust, SilenceIsTrustedUntilCallsContradictIt) {
    ProbeTrust trust;
    trust.on_missed();
    trust.on_missed();
    EXPECT_TRUE(trust.trusted());
    EXPECT_TRUE(trust.on_call_bytes());
    EXPECT_FALSE(trust.trusted()) << "no probe was ever answered";
    EXPECT_FALSE(trust.on_call_bytes()) << "a miss is contradicted only once";
}

TEST(ProbeTrust, ResumingAfterAFreezeIsOneContradiction) {
    ProbeTrust trust;
    trust.on_answered();
    for (int thaws = 0; thaws < 5; ++thaws) {
        trust.on_missed();
        EXPECT_TRUE(trust.on_call_bytes());
        EXPECT_TRUE(trust.trusted());
        trust.on_answered();
    }
}

TEST(ProbeTrust, TwoContradictionsInARowEndTheTrust) {
    ProbeTrust trust;
    trust.on_answered();
    trust.on_missed();
    trust.on_call_bytes();
    trust.on_missed_beside_calls();
    EXPECT_FALSE(trust.trusted());
    trust.on_answered();
    EXPECT_TRUE(trust.trusted());
}

TEST(ProbeTrust, WithoutTrustOneProbeAMinuteIsFullAndTheOthersOnlyConnect) {
    ProbeTrust trust;
    EXPECT_FALSE(trust.only_connect(kProbedAt));
    trust.on_missed_beside_calls();
    EXPECT_FALSE(trust.only_connect(kProbedAt));
    EXPECT_TRUE(trust.only_connect(kProbedAt + 1s));
    EXPECT_TRUE(trust.only_connect(kProbedAt + 59s));
    EXPECT_FALSE(trust.only_connect(kProbedAt + 60s));
    EXPECT_TRUE(trust.only_connect(kProbedAt + 61s));
}

}  // namespace
}  // namespace holysheep::health
