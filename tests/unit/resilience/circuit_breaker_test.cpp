// Tests each transition of the breaker's state diagram.
#include "resilience/circuit_breaker.hpp"

#include <chrono>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace holysheep::resilience {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using enum FailureKind;

constexpr double kNoSpread = 0.5;  // the middle of ±20 %

/// A breaker with a clock that the test moves.
struct Fixture {
    explicit Fixture(BreakerOptions with = {}) : options(with) {}

    bool fail(FailureKind kind = transport, bool trial = false, double random = kNoSpread) {
        return breaker.on_failure(kind, trial, others, random, now);
    }
    void fail_times(int times, FailureKind kind = transport) {
        for (int i = 0; i < times; ++i) fail(kind);
    }
    void succeed(bool trial = false) { breaker.on_success(trial, now); }
    bool dispatch() { return breaker.on_dispatch(now); }
    BreakerState state() const { return breaker.state(now); }
    bool admits() const { return breaker.admits(now); }
    nanoseconds open_for() const { return breaker.opens_trial_at(now).value_or(now) - now; }
    /// Moves to the end of the open time and reports one failed trial.
    void fail_a_trial(FailureKind kind = transport) {
        now += open_for();
        ASSERT_TRUE(dispatch());
        ASSERT_TRUE(fail(kind, true));
    }
    /// Reports successful trials until the breaker is closed.
    void recover() {
        now += open_for();
        for (int i = 0; i < options.half_open_successes; ++i) {
            ASSERT_TRUE(dispatch());
            succeed(true);
        }
        ASSERT_EQ(state(), BreakerState::closed);
    }

    BreakerOptions options;
    CircuitBreaker breaker{options};
    CircuitBreaker::Others others{};
    Clock::time_point now = Clock::time_point{} + 1h;
};

TEST(CircuitBreaker, StartsClosed) {
    Fixture f;
    EXPECT_EQ(f.state(), BreakerState::closed);
    EXPECT_TRUE(f.admits());
    EXPECT_FALSE(f.dispatch()) << "attempts of a closed breaker are not trials";
    EXPECT_EQ(f.breaker.trip(), Trip::none);
    EXPECT_EQ(f.breaker.opens_trial_at(f.now), std::nullopt);
}

struct ConsecutiveFailures {
    std::string name;
    std::vector<FailureKind> staying_closed;
    FailureKind opening;
    Trip trip;
    bool by_transport;
};
void PrintTo(const ConsecutiveFailures& row, std::ostream* out) { *out << row.name; }

class CircuitBreakerConsecutiveFailures : public testing::TestWithParam<ConsecutiveFailures> {};

TEST_P(CircuitBreakerConsecutiveFailures, OpenItAtTheThreshold) {
    Fixture f;
    for (const FailureKind kind : GetParam().staying_closed) ASSERT_FALSE(f.fail(kind));
    ASSERT_TRUE(f.admits());
    EXPECT_TRUE(f.fail(GetParam().opening));
    EXPECT_EQ(f.state(), BreakerState::open);
    EXPECT_FALSE(f.admits());
    EXPECT_EQ(f.breaker.trip(), GetParam().trip);
    EXPECT_EQ(f.breaker.opened_by_transport(), GetParam().by_transport);
}

INSTANTIATE_TEST_SUITE_P(
    , CircuitBreakerConsecutiveFailures,
    testing::Values(
        ConsecutiveFailures{"ThreeTransport", {transport, transport}, transport, Trip::transport_in_a_row, true},
        ConsecutiveFailures{"ThreeGateway", {gateway, gateway}, gateway, Trip::gateway_in_a_row, false},
        ConsecutiveFailures{"ThreeGatewayWithOthersBetween",
                            {gateway, timeout, gateway, server},
                            gateway,
                            Trip::gateway_in_a_row,
                            false},
        ConsecutiveFailures{"FiveOfAnyKind", {server, timeout, server, timeout}, server, Trip::any_in_a_row, false},
        ConsecutiveFailures{"TransportWithAnotherBetween",
                            {transport, transport, timeout, transport},
                            transport,
                            Trip::any_in_a_row,
                            false}),
    [](const auto& row) { return row.param.name; });

TEST(CircuitBreaker, ASuccessResetsEveryFailureCount) {
    for (const FailureKind kind : {transport, gateway}) {
        Fixture f;
        for (int i = 0; i < 2; ++i) {
            f.fail_times(2, kind);
            for (int good = 0; good < 3; ++good) f.succeed();
        }
        EXPECT_EQ(f.state(), BreakerState::closed);
    }
}

TEST(CircuitBreaker, OpensWhenHalfOfTenFailWithinTheWindow) {
    Fixture f;
    for (int i = 0; i < 5; ++i) {
        ASSERT_EQ(f.state(), BreakerState::closed);
        f.succeed();
        f.now += 500ms;
        f.fail(timeout);
        f.now += 500ms;
    }
    EXPECT_EQ(f.state(), BreakerState::open);
    EXPECT_EQ(f.breaker.trip(), Trip::failure_rate);
}

TEST(CircuitBreaker, NineCallsAreTooFewForARate) {
    Fixture f;
    for (int i = 0; i < 4; ++i) {
        f.succeed();
        f.fail(timeout);
    }
    f.fail(timeout);
    EXPECT_EQ(f.state(), BreakerState::closed);
}

TEST(CircuitBreaker, ForgetsWhatIsOlderThanTheWindow) {
    Fixture f;
    for (int i = 0; i < 40; ++i) {
        f.succeed();
        f.now += 1200ms;
        f.fail(timeout);
        f.now += 1200ms;  // at most nine calls in ten seconds
        ASSERT_EQ(f.state(), BreakerState::closed) << i;
    }
}

TEST(CircuitBreaker, ForgetsTheWholeWindowAfterAPause) {
    Fixture f;
    for (int i = 0; i < 4; ++i) {
        f.succeed();
        f.fail(timeout);
    }
    f.now += 10s;
    f.succeed();
    f.fail(timeout);
    EXPECT_EQ(f.state(), BreakerState::closed);
}

TEST(CircuitBreaker, StaysClosedWhileForbiddenToOpenAndOpensAtTheNextFailure) {
    Fixture f;
    for (int i = 0; i < 7; ++i)
        EXPECT_FALSE(f.breaker.on_failure(timeout, false, {.may_open = false}, kNoSpread, f.now));
    EXPECT_EQ(f.state(), BreakerState::closed);
    EXPECT_TRUE(f.fail(timeout)) << "suppressed failures still count";
}

TEST(CircuitBreaker, SilenceOpensOnlyAClosedBreaker) {
    Fixture f;
    EXPECT_TRUE(f.breaker.on_silence(kNoSpread, f.now));
    EXPECT_EQ(f.breaker.trip(), Trip::silent);
    EXPECT_TRUE(f.breaker.opened_by_transport());
    EXPECT_EQ(f.open_for(), 2s);
    f.now += 1s;
    EXPECT_FALSE(f.breaker.on_silence(kNoSpread, f.now)) << "missed probes do not extend it";
    EXPECT_EQ(f.open_for(), 1s);
    f.now += 1s;
    EXPECT_FALSE(f.breaker.on_silence(kNoSpread, f.now));
    EXPECT_TRUE(f.admits()) << "missed probes do not block trials";
}

TEST(CircuitBreaker, EachOpeningLastsTwiceAsLongUpToTheCap) {
    Fixture f;
    f.fail_times(3);
    for (const nanoseconds expected : {2s, 4s, 8s, 16s, 20s, 20s}) {
        EXPECT_EQ(f.open_for(), expected);
        f.fail_a_trial();
    }
}

TEST(CircuitBreaker, TheLastUsableRegionOpensForASecondAtMost) {
    Fixture f;
    f.others.usable = false;
    f.fail_times(3);
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(f.open_for(), 1s);
        f.fail_a_trial();
    }
    f.others.usable = true;
    f.fail_a_trial();
    EXPECT_EQ(f.open_for(), 2s) << "openings as the last region do not count";
}

TEST(CircuitBreaker, OpenTimeSpreadsByAFifth) {
    for (const auto& [random, expected] : {std::pair{0.0, 1600ms}, {0.25, 1800ms}, {0.999'999'999'999, 2400ms}}) {
        Fixture f;
        f.fail_times(2);
        f.fail(transport, false, random);
        EXPECT_NEAR(std::chrono::duration<double>(f.open_for()).count(),
                    std::chrono::duration<double>(expected).count(), 1e-6);
    }
}

TEST(CircuitBreaker, UsesTheConfiguredNumbers) {
    BreakerOptions options{};
    options.failures = 2;
    options.open_for = 60s;  // longer than max_open_for, which is then ignored
    for (const double random : {0.0, 0.5, 0.999}) {
        Fixture f(options);
        EXPECT_FALSE(f.fail(server));
        EXPECT_TRUE(f.fail(server));
        f.now += 47'999ms;
        EXPECT_FALSE(f.admits());
        EXPECT_EQ(f.breaker.on_failure(server, false, {}, random, f.now), false);
        f.now += 24'001ms;
        EXPECT_TRUE(f.admits());
        ASSERT_TRUE(f.dispatch());
        f.fail(server, true, random);
        EXPECT_GE(f.open_for(), 48s);
        EXPECT_LE(f.open_for(), 72s) << "the second opening is as long as the first";
    }
}

TEST(CircuitBreaker, UnboundedOpenTimesDoNotOverflow) {
    BreakerOptions options{};
    options.open_for = milliseconds::max();
    options.max_open_for = options.open_for;
    Fixture f(options);
    f.fail_times(3);
    EXPECT_GE(f.open_for(), 1h);
    EXPECT_FALSE(f.admits());
}

TEST(CircuitBreaker, LongOpeningsAreForgottenAfterAMinuteClosed) {
    for (const auto& [closed_for, expected] : {std::pair{59s, 16s}, {60s, 2s}}) {
        Fixture f;
        f.fail_times(3);
        f.fail_a_trial();
        f.fail_a_trial();
        f.recover();
        f.now += closed_for;
        f.fail_times(3);
        EXPECT_EQ(f.open_for(), expected);
    }
}

TEST(CircuitBreaker, HalfOpenAdmitsOneTrialAtATime) {
    Fixture f;
    f.fail_times(3);
    f.now += 2s - 1ns;
    EXPECT_FALSE(f.admits());
    f.now += 1ns;
    EXPECT_EQ(f.state(), BreakerState::half_open);
    EXPECT_TRUE(f.admits());
    EXPECT_TRUE(f.dispatch());
    EXPECT_FALSE(f.admits());
    EXPECT_FALSE(f.dispatch()) << "an attempt without a permit is not a trial";
    f.succeed(true);
    EXPECT_EQ(f.state(), BreakerState::half_open) << "one good trial is not enough";
    EXPECT_TRUE(f.admits());
}

TEST(CircuitBreaker, ThreeGoodTrialsCloseItAndResetItsCounts) {
    Fixture f;
    for (int i = 0; i < 4; ++i) {
        f.succeed();
        f.fail(timeout);
    }
    f.fail_times(2, gateway);  // half of the ten calls
    ASSERT_EQ(f.breaker.trip(), Trip::failure_rate);
    f.recover();
    EXPECT_EQ(f.breaker.trip(), Trip::none);
    EXPECT_FALSE(f.fail(gateway));
    EXPECT_FALSE(f.fail(gateway));
    EXPECT_TRUE(f.fail(gateway));
}

TEST(CircuitBreaker, GoodTrialsBeforeAFailedOneDoNotCount) {
    Fixture f;
    f.fail_times(3);
    f.now += f.open_for();
    for (int i = 0; i < 2; ++i) {
        ASSERT_TRUE(f.dispatch());
        f.succeed(true);
    }
    f.fail_a_trial(server);
    EXPECT_EQ(f.breaker.trip(), Trip::trial_failed);
    EXPECT_EQ(f.open_for(), 4s);
    f.now += f.open_for();
    for (int i = 0; i < 2; ++i) {
        ASSERT_TRUE(f.dispatch());
        f.succeed(true);
    }
    EXPECT_EQ(f.state(), BreakerState::half_open);
}

TEST(CircuitBreaker, ADroppedTrialOnlyReturnsItsPermit) {
    Fixture f;
    f.fail_times(3);
    f.now += 2s;
    ASSERT_TRUE(f.dispatch());
    f.breaker.on_dropped(true);
    EXPECT_EQ(f.state(), BreakerState::half_open);
    EXPECT_TRUE(f.admits());
    f.fail_a_trial();
    EXPECT_EQ(f.open_for(), 4s);
}

TEST(CircuitBreaker, AttemptsFromBeforeTheOpeningAreIgnored) {
    Fixture f;
    f.fail_times(3);
    f.succeed();
    EXPECT_FALSE(f.fail());
    f.breaker.on_dropped(false);
    EXPECT_EQ(f.open_for(), 2s);
    f.now += 2s;
    for (int i = 0; i < 3; ++i) f.succeed();
    EXPECT_FALSE(f.fail());
    EXPECT_EQ(f.state(), BreakerState::half_open);
    ASSERT_TRUE(f.dispatch());
    EXPECT_FALSE(f.fail());
    f.breaker.on_dropped(false);
    EXPECT_FALSE(f.admits()) << "the trial still holds the permit";
}

TEST(CircuitBreaker, LiveProbesShortenAnOpeningByTransport) {
    Fixture f;
    f.fail_times(3);
    EXPECT_TRUE(f.breaker.on_live_probes(f.now));
    EXPECT_EQ(f.state(), BreakerState::half_open);
    EXPECT_FALSE(f.breaker.on_live_probes(f.now)) << "no further change";
    f.recover();
}

TEST(CircuitBreaker, LiveProbesDoNotShortenAnOpeningByTheGateway) {
    Fixture f;
    f.fail_times(3, gateway);
    EXPECT_FALSE(f.breaker.on_live_probes(f.now));
    EXPECT_EQ(f.state(), BreakerState::open);
    f.fail_a_trial(transport);
    EXPECT_TRUE(f.breaker.on_live_probes(f.now)) << "the last opening was by transport";
}

TEST(CircuitBreaker, AFailedTrialAfterAnEarlyExitDisablesEarlyExitsUntilClosed) {
    Fixture f;
    f.fail_times(3);
    ASSERT_TRUE(f.breaker.on_live_probes(f.now));
    ASSERT_TRUE(f.dispatch());
    f.fail(transport, true);
    EXPECT_FALSE(f.breaker.on_live_probes(f.now));
    f.fail_a_trial(transport);
    EXPECT_FALSE(f.breaker.on_live_probes(f.now));
    f.recover();
    f.fail_times(3);
    EXPECT_TRUE(f.breaker.on_live_probes(f.now));
}

TEST(CircuitBreaker, AFailedTrialWithoutAnEarlyExitKeepsEarlyExitsEnabled) {
    Fixture f;
    f.fail_times(3);
    f.fail_a_trial(transport);
    EXPECT_TRUE(f.breaker.on_live_probes(f.now));
}

TEST(CircuitBreaker, AShortSecondOpeningDoesNotShortenTheFirst) {
    BreakerOptions options{};
    options.open_for = 10s;
    options.max_open_for = 10s;
    Fixture f(options);
    f.fail_times(2);
    f.fail(transport, false, 0.999'999'999);
    const auto first_end = f.breaker.opens_trial_at(f.now);
    ASSERT_TRUE(f.breaker.on_live_probes(f.now));
    ASSERT_TRUE(f.dispatch());
    f.fail(transport, true, 0.0);
    EXPECT_EQ(f.breaker.opens_trial_at(f.now), first_end);
}

TEST(CircuitBreaker, ForcedOpenAdmitsNothingUntilReleased) {
    Fixture f;
    f.breaker.force(BreakerState::open, f.now);
    f.now += 24h;
    EXPECT_EQ(f.state(), BreakerState::open);
    EXPECT_FALSE(f.admits());
    EXPECT_FALSE(f.dispatch());
    EXPECT_EQ(f.breaker.trip(), Trip::forced);
    EXPECT_EQ(f.breaker.opens_trial_at(f.now), std::nullopt);
    EXPECT_FALSE(f.breaker.on_live_probes(f.now));
    f.breaker.force(std::nullopt, f.now);
    EXPECT_EQ(f.state(), BreakerState::closed);
    EXPECT_EQ(f.breaker.trip(), Trip::none);
}

TEST(CircuitBreaker, ForcedClosedAdmitsEverythingDespiteFailures) {
    Fixture f;
    f.fail_times(3);
    f.breaker.force(BreakerState::closed, f.now);
    f.fail_times(20);
    EXPECT_FALSE(f.breaker.on_silence(kNoSpread, f.now));
    EXPECT_TRUE(f.admits());
    EXPECT_FALSE(f.dispatch());
    f.breaker.force(std::nullopt, f.now);
    f.fail_times(2);
    EXPECT_TRUE(f.admits()) << "failures during the force are ignored";
    f.fail();
    EXPECT_EQ(f.open_for(), 2s);
}

TEST(CircuitBreaker, ForcedHalfOpenStartsWithTrials) {
    Fixture f;
    f.breaker.force(BreakerState::half_open, f.now);
    EXPECT_EQ(f.state(), BreakerState::half_open);
    f.recover();
}

TEST(CircuitBreaker, ATrialThatEndsAfterAForceIsIgnoredAndReturnsItsPermit) {
    for (const int report : {0, 1, 2}) {
        Fixture f;
        f.fail_times(3);
        f.now += 2s;
        ASSERT_TRUE(f.dispatch());
        f.breaker.force(BreakerState::open, f.now);
        f.breaker.force(std::nullopt, f.now);
        f.fail_times(3);
        f.now += 2s;
        ASSERT_EQ(f.state(), BreakerState::half_open);
        EXPECT_FALSE(f.admits()) << "the old trial still holds the permit";
        if (report == 0) f.succeed(true);
        if (report == 1) f.fail(transport, true);
        if (report == 2) f.breaker.on_dropped(true);
        EXPECT_EQ(f.state(), BreakerState::half_open);
        EXPECT_TRUE(f.admits());
        ASSERT_NO_FATAL_FAILURE(f.recover());  // three more successes: the old one did not count
    }
}

TEST(CircuitBreaker, ATrialThatEndsWhileForcedChangesNothing) {
    for (const BreakerState forced : {BreakerState::open, BreakerState::closed}) {
        Fixture f;
        f.fail_times(3);
        f.now += 2s;
        ASSERT_TRUE(f.dispatch());
        f.breaker.force(forced, f.now);
        EXPECT_FALSE(f.fail(transport, true));
        EXPECT_EQ(f.state(), forced);
        f.breaker.force(BreakerState::half_open, f.now);
        EXPECT_TRUE(f.admits()) << "the permit was returned";
    }
}

TEST(CircuitBreaker, WhenDisabledIsClosedAndAlwaysAdmits) {
    BreakerOptions options{};
    options.enabled = false;
    Fixture f(options);
    f.fail_times(50);
    EXPECT_FALSE(f.breaker.on_silence(kNoSpread, f.now));
    EXPECT_EQ(f.state(), BreakerState::closed);
    EXPECT_TRUE(f.admits());
    EXPECT_FALSE(f.dispatch());
}

TEST(CircuitBreaker, IsSmall) { EXPECT_LE(sizeof(CircuitBreaker), 160U); }

}  // namespace
}  // namespace holysheep::resilience
