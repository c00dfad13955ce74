// When a connection or a path is late, by what is known about the region.
#include <gtest/gtest.h>

#include "call/silence_watch.hpp"
#include "call_script.hpp"

namespace holysheep::call {
namespace {

using namespace std::chrono_literals;

struct Silence {
    health::RegionHealthTracker regions{make_regions(2), {}, BreakerOptions{}, 7};
    CallPolicy policy{};
    SilenceWatch watch{policy, regions};
    time_point now{1h};
    Attempt attempt{.region = 0, .started = now, .progress = now};

    void know_rtt(nanoseconds rtt) {
        for (int i = 0; i < 20; ++i) regions.on_rtt(0, rtt, now);
    }
};

TEST(SilenceWatch, AnUnknownRegionIsLateAfterTheDefault) {
    Silence silence;
    auto& attempt = silence.attempt;
    silence.watch.on_started(attempt, silence.now);
    EXPECT_EQ(silence.watch.next_check(attempt), silence.now + 250ms);
    attempt.path_check.reset();
    EXPECT_FALSE(silence.watch.connection_is_late(attempt, silence.now + 249ms));
    EXPECT_TRUE(silence.watch.connection_is_late(attempt, silence.now + 250ms));
}

TEST(SilenceWatch, AHostThatAnswersGetsTimeForTls) {
    Silence silence;
    auto& attempt = silence.attempt;
    silence.watch.on_started(attempt, silence.now);
    EXPECT_FALSE(silence.watch.host_is_silent(attempt, {}, silence.now + 250ms)) << "everything is acknowledged";
    attempt.path_check.reset();
    EXPECT_FALSE(silence.watch.connection_is_late(attempt, silence.now + 999ms));
    EXPECT_TRUE(silence.watch.connection_is_late(attempt, silence.now + 1s));
}

TEST(SilenceWatch, ThePathIsCheckedBeforeTheConnectionCountsAsLate) {
    Silence silence;
    auto& attempt = silence.attempt;
    silence.watch.on_started(attempt, silence.now);
    const auto late = silence.now + 250ms;
    EXPECT_FALSE(silence.watch.connection_is_late(attempt, late));
    EXPECT_TRUE(silence.watch.take_path_check(attempt, late));
    EXPECT_FALSE(silence.watch.take_path_check(attempt, late)) << "once per check";
    EXPECT_TRUE(silence.watch.connection_is_late(attempt, late));
}

TEST(SilenceWatch, AKnownRoundTripShortensTheWait) {
    Silence silence;
    silence.know_rtt(10ms);
    silence.watch.on_started(silence.attempt, silence.now);
    const auto check = silence.attempt.path_check.value() - silence.now;
    EXPECT_GE(check, 40ms) << "srtt + 30 ms";
    EXPECT_LT(check, 60ms);
    silence.watch.on_connected(silence.attempt, silence.now);
    EXPECT_GE(*silence.attempt.path_check - silence.now, 55ms) << "srtt + 45 ms: acknowledgements may be delayed";
}

TEST(SilenceWatch, AnUnacknowledgedRequestIsSilenceOnceItIsLate) {
    Silence silence;
    auto& attempt = silence.attempt;
    attempt.phase = Phase::waiting;
    EXPECT_FALSE(silence.watch.host_is_silent(attempt, {.unacked_for = 100ms}, silence.now));
    EXPECT_EQ(attempt.path_check, silence.now + 150ms) << "checked again when it is late";
    EXPECT_TRUE(silence.watch.host_is_silent(attempt, {.unacked_for = 250ms}, silence.now));
    EXPECT_TRUE(silence.watch.host_is_silent(attempt, {.unacked_for = 60ms, .srtt = 5ms, .rttvar = 1ms}, silence.now))
        << "the connection itself knows its round trip";
}

TEST(SilenceWatch, AProxySaysNothingAboutTheRegion) {
    Silence silence;
    silence.attempt.phase = Phase::waiting;
    EXPECT_FALSE(silence.watch.host_is_silent(silence.attempt, {.unacked_for = 10s, .via_proxy = true}, silence.now));
}

TEST(SilenceWatch, ContentEndsTheWatch) {
    Silence silence;
    auto& attempt = silence.attempt;
    silence.watch.on_started(attempt, silence.now);
    attempt.phase = Phase::committed;
    EXPECT_FALSE(silence.watch.next_check(attempt));
    EXPECT_FALSE(silence.watch.take_path_check(attempt, silence.now + 1h));
    EXPECT_FALSE(silence.watch.host_is_silent(attempt, {.unacked_for = 10s}, silence.now));
}

TEST(SilenceWatch, ARacedConnectionIsNotRacedAgain) {
    Silence silence;
    auto& attempt = silence.attempt;
    attempt.raced = true;
    EXPECT_FALSE(silence.watch.connection_is_late(attempt, silence.now + 1h));
    EXPECT_FALSE(silence.watch.host_is_silent(attempt, {.unacked_for = 10s}, silence.now));
    silence.watch.on_connected(attempt, silence.now);
    EXPECT_FALSE(attempt.raced) << "its answer may be late, too";
}

}  // namespace
}  // namespace holysheep::call
