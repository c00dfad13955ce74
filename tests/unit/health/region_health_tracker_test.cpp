// The tracked state of a region: quota, errors, liveness, breakers, and whether a call may go there.
#include "health/region_health_tracker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holysheep::health {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Clock::time_point kStart{1h};

std::vector<Region> regions_of(std::size_t count) {
    std::vector<Region> regions(count);
    for (std::size_t i = 0; i < count; ++i) regions[i].id = std::string(1, static_cast<char>('a' + i));
    return regions;
}

/// A tracker, its clock, and calls that end at once.
struct TrackedRegions {
    explicit TrackedRegions(std::size_t count, BreakerOptions breaker = {}, HealthOptions health = {})
        : regions(regions_of(count), health, breaker, 7), model(regions.model_id("m")) {
        regions.start_probes(now);
    }

    Clock::time_point now = kStart;
    RegionHealthTracker regions;
    ModelId model;

    AttemptToken dispatch(std::size_t region, Awaited awaited = Awaited::stream) {
        return regions.on_dispatch(region, model, awaited, now);
    }
    void end_with(std::size_t region, FailureClass failure_class) {
        auto token = dispatch(region, Awaited::other);
        if (failure_class == FailureClass::success) regions.on_alive(region, now);
        regions.on_outcome(token, failure_class, now);
    }
    /// Records a stream whose first content came after `ms`.
    void stream(std::size_t region, double ms) {
        auto token = dispatch(region);
        now += nanoseconds(static_cast<std::int64_t>(ms * 1e6));
        regions.on_alive(region, now);
        regions.on_first_content(token, now);
        regions.on_outcome(token, FailureClass::success, now);
    }
    void probe(std::size_t region, bool good) {
        ASSERT_TRUE(regions.take_probe(region, now));
        regions.on_probe_end(region, {.answered = good, .good = good, .took = 10ms}, now);
    }
    values::RegionFacts facts(std::size_t region) const { return regions.facts(region, now); }
    Liveness liveness(std::size_t region) const { return facts(region).liveness; }
    BreakerState breaker(std::size_t region) const { return facts(region).breaker; }
    double latency(std::size_t region, Awaited awaited = Awaited::stream) {
        regions.refresh(now);
        return regions.view(region, model, awaited, now).latency.count();
    }
    bool usable(std::size_t region) const { return regions.usable(region, model, now); }
};

TEST(RegionHealthTracker, ANewRegionIsUnknownAndUsable) {
    TrackedRegions tracked(2);
    EXPECT_EQ(tracked.regions.size(), 2U);
    EXPECT_EQ(tracked.liveness(0), Liveness::unknown);
    EXPECT_TRUE(tracked.usable(0));
    EXPECT_TRUE(tracked.regions.healthy(0, tracked.model, tracked.now));
    EXPECT_EQ(tracked.regions.error_rate(0, tracked.now), 0);
    EXPECT_EQ(tracked.regions.usable_at(0, tracked.model, tracked.now), tracked.now);
}

TEST(RegionHealthTracker, NamesTheEvidenceForTheStateOfARegion) {
    TrackedRegions tracked(2);
    const auto reason = [&] { return std::string(tracked.facts(0).liveness_reason); };
    EXPECT_EQ(reason(), "no response yet");
    tracked.stream(0, 100);
    tracked.regions.refresh(tracked.now);
    EXPECT_EQ(reason(), "answers") << "too few answers to call it slow";
    tracked.end_with(0, FailureClass::transport);
    EXPECT_EQ(tracked.liveness(0), Liveness::suspect);
    EXPECT_EQ(reason(), "the last attempt failed");
    tracked.stream(0, 100);
    tracked.now += 60s;
    tracked.probe(0, false);
    EXPECT_EQ(tracked.liveness(0), Liveness::suspect);
    EXPECT_EQ(reason(), "the last probe failed");
    tracked.now += 60s;
    tracked.probe(0, false);
    EXPECT_EQ(tracked.liveness(0), Liveness::down);
    EXPECT_EQ(reason(), "probes fail");
    tracked.regions.set_draining(0, true, tracked.now);
    EXPECT_EQ(reason(), "drained by the program");
}

TEST(RegionHealthTracker, RefreshesItsStateAtMostTenTimesASecond) {
    TrackedRegions tracked(1);
    EXPECT_TRUE(tracked.regions.refresh(tracked.now));
    tracked.now += 100ms - 1ns;
    EXPECT_FALSE(tracked.regions.refresh(tracked.now));
    tracked.now += 1ns;
    EXPECT_TRUE(tracked.regions.refresh(tracked.now));
}

TEST(RegionHealthTracker, BlocksTheLastUsableRegionForASecondAtMost) {
    for (const bool last : {false, true}) {
        TrackedRegions tracked(2, {.open_for = 20s});
        if (last) tracked.regions.set_draining(1, true, tracked.now);
        for (int i = 0; i < 3; ++i) tracked.end_with(0, FailureClass::transport);
        ASSERT_EQ(tracked.breaker(0), BreakerState::open) << last;
        EXPECT_EQ(tracked.facts(0).open_until <= tracked.now + 1s, last);
    }
}

TEST(RegionHealthTracker, IsNotHealthyWithAnyDoubtAboutIt) {
    const auto healthy = [](const TrackedRegions& tracked) {
        return tracked.regions.healthy(0, tracked.model, tracked.now);
    };
    TrackedRegions drained(2);
    drained.stream(0, 100);
    EXPECT_TRUE(healthy(drained));
    drained.regions.set_draining(0, true, drained.now);
    EXPECT_FALSE(healthy(drained));
    TrackedRegions unprobed(2);
    unprobed.stream(0, 100);
    unprobed.now += 60s;
    unprobed.probe(0, false);
    EXPECT_FALSE(healthy(unprobed));
    TrackedRegions failed(2);
    failed.stream(0, 100);
    failed.end_with(0, FailureClass::transport);
    failed.now += 5min;  // the error rate has decayed
    EXPECT_FALSE(healthy(failed));
}

TEST(RegionHealthTracker, ProbesARegionAboutASecondAfterAFailure) {
    TrackedRegions tracked(1, {}, {.interval = 100s});
    tracked.stream(0, 100);
    tracked.probe(0, true);
    ASSERT_GT(tracked.regions.next_probe_at(), tracked.now + 10s);
    tracked.end_with(0, FailureClass::gateway);
    EXPECT_GE(tracked.regions.next_probe_at(), tracked.now + 800ms);
    EXPECT_LE(tracked.regions.next_probe_at(), tracked.now + 1200ms);
}

// ---- quota ----

TEST(RegionHealthTracker, ALaterShorterHintNeverEndsAPause) {
    TrackedRegions tracked(1);
    tracked.regions.limit_until(0, tracked.model, kStart + 30s);
    tracked.regions.limit_until(0, tracked.model, kStart + 2s);
    EXPECT_EQ(tracked.regions.limited_until(0, tracked.model), kStart + 30s);
    tracked.regions.limit_until(0, tracked.model, kStart + 40s);
    EXPECT_EQ(tracked.regions.limited_until(0, tracked.model), kStart + 40s);
}

TEST(RegionHealthTracker, QuotaIsKeptPerModelAndRegionAndDoesNotAffectHealth) {
    TrackedRegions tracked(2);
    const auto small = tracked.regions.model_id("small");
    tracked.regions.limit_until(0, tracked.model, kStart + 30s);
    EXPECT_FALSE(tracked.usable(0));
    EXPECT_TRUE(tracked.usable(1));
    EXPECT_TRUE(tracked.regions.usable(0, small, kStart));
    EXPECT_EQ(tracked.regions.usable_at(0, tracked.model, kStart), kStart + 30s);
    EXPECT_EQ(tracked.facts(0).limited_until, kStart + 30s) << "the latest pause of any model";
    EXPECT_NE(tracked.liveness(0), Liveness::down);
    tracked.now += 30s;
    EXPECT_TRUE(tracked.usable(0));
}

TEST(RegionHealthTracker, AMissingModelIsNotTriedForAMinuteThatGrowsToTen) {
    TrackedRegions tracked(2);
    EXPECT_TRUE(tracked.regions.usable(0, tracked.regions.model_id("another"), kStart));
    for (const auto span : {1min, 2min, 4min, 8min, 10min, 10min}) {
        for (int concurrent_call = 0; concurrent_call < 3; ++concurrent_call) {
            tracked.regions.on_model_missing(0, tracked.model, tracked.now);
        }
        tracked.now += span - 1s;
        EXPECT_FALSE(tracked.usable(0)) << span.count();
        EXPECT_TRUE(tracked.usable(1));
        tracked.now += 1s;
        EXPECT_TRUE(tracked.usable(0)) << span.count();
    }
}

TEST(RegionHealthTracker, AModelThatAnswersIsNoLongerMissing) {
    TrackedRegions tracked(2);
    tracked.regions.on_model_missing(0, tracked.model, tracked.now);
    tracked.stream(0, 100);
    EXPECT_TRUE(tracked.usable(0));
    tracked.regions.on_model_missing(0, tracked.model, tracked.now);
    tracked.now += 1min;
    EXPECT_TRUE(tracked.usable(0)) << "back to one minute";
}

// ---- invented model names ----

/// Requests each invented model in region 0, which answers that the quota for it is used up.
void call_unknown_models(TrackedRegions& tracked, int count) {
    for (int i = 0; i < count; ++i) {
        tracked.regions.limit_until(0, tracked.regions.model_id("made up " + std::to_string(i)), kStart + 1h);
    }
}

TEST(RegionHealthTracker, UnknownModelNamesDoNotEvictOneThatAnswers) {
    TrackedRegions tracked(2);
    tracked.stream(0, 100);
    tracked.regions.limit_until(0, tracked.model, kStart + 30s);
    call_unknown_models(tracked, 1'000);
    EXPECT_EQ(tracked.regions.limited_until(0, tracked.model), kStart + 30s);
    EXPECT_EQ(tracked.regions.quantiles(tracked.model, Awaited::stream).size(), 1U);
}

TEST(RegionHealthTracker, AModelBeyondTheLimitSharesNoStateWithOthers) {
    TrackedRegions tracked(2);
    call_unknown_models(tracked, 1'000);
    EXPECT_TRUE(tracked.usable(0)) << "pauses of other models do not apply";
    for (int i = 0; i < 5; ++i) tracked.end_with(1, FailureClass::timeout);
    EXPECT_FALSE(tracked.usable(1));
    EXPECT_TRUE(tracked.regions.usable(1, tracked.regions.model_id("made up 999"), tracked.now));
    EXPECT_TRUE(tracked.regions.usable(1, 0, tracked.now)) << "requests without a model have their own state";
}

TEST(RegionHealthTracker, TheLeastRecentlyUsedModelIsEvicted) {
    TrackedRegions tracked(1);
    const auto name = [](int i) { return "model " + std::to_string(i); };
    const auto serve = [&](int i) {
        auto token = tracked.regions.on_dispatch(0, tracked.regions.model_id(name(i)), Awaited::stream, tracked.now);
        tracked.regions.on_first_content(token, tracked.now + 100ms);
        tracked.regions.on_outcome(token, FailureClass::success, tracked.now + 100ms);
    };
    const auto known = [&](int i) {
        return tracked.regions.quantiles(tracked.regions.model_id(name(i)), Awaited::stream).size() > 0;
    };
    for (int i = 0; i < 64; ++i) serve(i);
    EXPECT_TRUE(known(0));
    serve(0);
    serve(64);
    EXPECT_TRUE(known(0)) << "recently used";
    EXPECT_FALSE(known(1));
    EXPECT_TRUE(known(64));
}

TEST(RegionHealthTracker, AModelWithOnlyNetworkFailuresIsNotRemembered) {
    TrackedRegions tracked(2);
    for (int i = 0; i < 64; ++i) {
        const auto model = tracked.regions.model_id("model " + std::to_string(i));
        tracked.regions.limit_until(0, model, kStart + 1h);
    }
    tracked.end_with(1, FailureClass::transport);
    tracked.end_with(1, FailureClass::none);
    EXPECT_FALSE(tracked.regions.usable(0, tracked.regions.model_id("model 0"), kStart)) << "nothing was evicted";
}

TEST(RegionHealthTracker, AnAttemptMayOutliveTheEntryOfItsModel) {
    TrackedRegions tracked(2);
    auto token = tracked.dispatch(0);
    for (int i = 0; i < 5; ++i) tracked.end_with(0, FailureClass::timeout);
    call_unknown_models(tracked, 200);
    tracked.regions.on_first_content(token, kStart + 1s);
    tracked.regions.on_content_gap(tracked.model, 200ms);
    tracked.regions.on_outcome(token, FailureClass::success, kStart + 2s);
    EXPECT_EQ(tracked.regions.quantiles(tracked.model, Awaited::stream).size(), 1U);
    EXPECT_EQ(tracked.regions.in_flight(0), 0);
}

// ---- errors ----

TEST(RegionHealthTracker, TheErrorRateIsAMovingAverage) {
    TrackedRegions tracked(1, {.enabled = false});
    tracked.end_with(0, FailureClass::gateway);
    EXPECT_DOUBLE_EQ(tracked.regions.error_rate(0, kStart), 0.1);
    tracked.end_with(0, FailureClass::transport);
    EXPECT_DOUBLE_EQ(tracked.regions.error_rate(0, kStart), 0.19);
    tracked.end_with(0, FailureClass::success);
    EXPECT_DOUBLE_EQ(tracked.regions.error_rate(0, kStart), 0.171);
    tracked.end_with(0, FailureClass::none);
    tracked.end_with(0, FailureClass::timeout);
    EXPECT_DOUBLE_EQ(tracked.regions.error_rate(0, kStart), 0.171) << "a slow model does not make the region unhealthy";
    for (int i = 0; i < 100; ++i) tracked.end_with(0, FailureClass::server);
    EXPECT_GT(tracked.regions.error_rate(0, kStart), 0.99);
    EXPECT_LE(tracked.regions.error_rate(0, kStart), 1.0);
}

TEST(RegionHealthTracker, TheErrorRateDecaysWithoutTraffic) {
    TrackedRegions tracked(1, {.enabled = false});
    for (int i = 0; i < 100; ++i) tracked.end_with(0, FailureClass::gateway);
    EXPECT_NEAR(tracked.regions.error_rate(0, kStart + 10s), 0.3679, 1e-3);
    EXPECT_LT(tracked.regions.error_rate(0, kStart + 60s), 0.01);
    EXPECT_LE(tracked.regions.error_rate(0, kStart - 1h), 1.0) << "a time in the past must not inflate it";
    tracked.now += 10s;
    tracked.end_with(0, FailureClass::success);
    EXPECT_NEAR(tracked.regions.error_rate(0, tracked.now), 0.331, 1e-3) << "an outcome is added to the decayed rate";
}

TEST(RegionHealthTracker, CountsAttemptsInFlight) {
    TrackedRegions tracked(2);
    auto first = tracked.dispatch(1);
    auto second = tracked.dispatch(1);
    EXPECT_EQ(tracked.regions.in_flight(1), 2);
    EXPECT_EQ(tracked.regions.in_flight(0), 0);
    tracked.regions.on_outcome(first, FailureClass::none, kStart);
    tracked.regions.on_outcome(second, FailureClass::success, kStart);
    EXPECT_EQ(tracked.regions.in_flight(1), 0);
}

// ---- liveness ----

TEST(RegionHealthTracker, AnyByteIsProofOfLife) {
    TrackedRegions tracked(1);
    tracked.regions.on_alive(0, tracked.now);
    EXPECT_EQ(tracked.liveness(0), Liveness::healthy);
    EXPECT_EQ(tracked.regions.alive_at(0), tracked.now);
}

TEST(RegionHealthTracker, GoesFromHealthyToDownAndBack) {
    TrackedRegions tracked(2);
    tracked.probe(0, true);
    EXPECT_EQ(tracked.liveness(0), Liveness::healthy);
    tracked.now += 1s;
    tracked.probe(0, false);
    EXPECT_EQ(tracked.liveness(0), Liveness::suspect);
    tracked.now += 1s;
    tracked.probe(0, false);
    EXPECT_EQ(tracked.liveness(0), Liveness::down);
    tracked.now += 30s;
    tracked.probe(0, true);
    EXPECT_EQ(tracked.liveness(0), Liveness::down) << "one good probe is not enough";
    tracked.now += 1s;
    tracked.probe(0, true);
    EXPECT_EQ(tracked.liveness(0), Liveness::recovering);
    for (int i = 0; i < 3; ++i) tracked.end_with(0, FailureClass::success);
    EXPECT_EQ(tracked.liveness(0), Liveness::healthy);
}

TEST(RegionHealthTracker, AnIdleRegionRecoversByProbesAlone) {
    TrackedRegions tracked(2, {.enabled = false});
    tracked.probe(0, false);
    tracked.probe(0, false);
    tracked.probe(0, true);
    tracked.probe(0, true);
    EXPECT_EQ(tracked.liveness(0), Liveness::recovering);
    tracked.now += 11s;
    tracked.probe(0, true);
    EXPECT_EQ(tracked.liveness(0), Liveness::healthy);
}

TEST(RegionHealthTracker, BytesDuringAProbeExcuseItsSilence) {
    TrackedRegions tracked(2);
    ASSERT_TRUE(tracked.regions.take_probe(0, tracked.now));
    tracked.now += 1s;
    tracked.regions.on_alive(0, tracked.now);
    tracked.regions.on_probe_end(0, {}, tracked.now);
    EXPECT_EQ(tracked.liveness(0), Liveness::healthy);
}

TEST(RegionHealthTracker, AProbeAnsweredWith5xxIsAMissButNotSilence) {
    TrackedRegions tracked(2);
    for (int i = 0; i < 2; ++i) {
        ASSERT_TRUE(tracked.regions.take_probe(0, tracked.now));
        tracked.regions.on_probe_end(0, {.answered = true, .took = 5ms}, tracked.now);
        tracked.now += 1s;
    }
    EXPECT_EQ(tracked.liveness(0), Liveness::down);
    EXPECT_EQ(tracked.breaker(0), BreakerState::closed);
    EXPECT_THAT(tracked.regions.take_notices().dead, IsEmpty());
}

TEST(RegionHealthTracker, TwoMissedProbesWithoutReceivedBytesOpenTheBreaker) {
    TrackedRegions tracked(2);
    tracked.regions.on_alive(0, tracked.now);
    tracked.now += 3s;
    tracked.probe(0, false);
    EXPECT_EQ(tracked.breaker(0), BreakerState::closed);
    tracked.now += 1s;
    tracked.probe(0, false);
    EXPECT_EQ(tracked.breaker(0), BreakerState::open);
    EXPECT_FALSE(tracked.usable(0));
    EXPECT_THAT(tracked.facts(0).breaker_reason, ::testing::HasSubstr("probes fail"));
}

TEST(RegionHealthTracker, ARegionWithUnansweredProbesIsDownEvenIfATrialIsDue) {
    TrackedRegions tracked(2);
    for (int i = 0; i < 3; ++i) tracked.end_with(0, FailureClass::transport);
    const auto open_facts = tracked.facts(0);
    tracked.now += 3s;
    EXPECT_EQ(tracked.breaker(0), BreakerState::half_open);
    EXPECT_EQ(tracked.liveness(0), Liveness::recovering);
    EXPECT_STREQ(tracked.facts(0).liveness_reason, "one call at a time may try it") << "without any answer";
    EXPECT_EQ(values::to_health("a", open_facts, tracked.now).liveness, Liveness::recovering);
    tracked.probe(0, false);
    tracked.probe(0, false);
    EXPECT_EQ(tracked.liveness(0), Liveness::down);
    EXPECT_TRUE(tracked.usable(0)) << "the trial is still admitted";
    EXPECT_EQ(values::to_health("a", tracked.facts(0), tracked.now + 1h).liveness, Liveness::down);
    tracked.probe(0, true);
    tracked.probe(0, true);
    EXPECT_EQ(tracked.liveness(0), Liveness::recovering);
    EXPECT_THAT(tracked.facts(0).liveness_reason, ::testing::StartsWith("answers again"));
}

TEST(RegionHealthTracker, ASilentRegionIsReportedDeadToWaitingAttempts) {
    TrackedRegions tracked(2);
    tracked.regions.on_alive(1, tracked.now);
    tracked.now += 2s;
    tracked.probe(1, false);
    EXPECT_THAT(tracked.regions.take_notices().dead, ElementsAre(1U));
    EXPECT_FALSE(tracked.regions.has_notices());
}

TEST(RegionHealthTracker, ReportsEveryStateChangeOnce) {
    TrackedRegions tracked(2);
    tracked.regions.on_alive(1, tracked.now);
    EXPECT_THAT(tracked.regions.take_notices().changed, ElementsAre(1U));
    tracked.regions.on_alive(1, tracked.now + 1s);
    EXPECT_FALSE(tracked.regions.has_notices());
    tracked.regions.set_draining(0, true, tracked.now);
    EXPECT_THAT(tracked.regions.take_notices().changed, ElementsAre(0U));
    EXPECT_EQ(tracked.liveness(0), Liveness::draining);
    EXPECT_FALSE(tracked.usable(0));
    EXPECT_EQ(tracked.regions.usable_at(0, tracked.model, tracked.now), std::nullopt);
    tracked.regions.set_draining(0, false, tracked.now);
    EXPECT_TRUE(tracked.usable(0));
}

// ---- breakers ----

TEST(RegionHealthTracker, ThreeTransportFailuresOpenTheRegionAndReportItDead) {
    TrackedRegions tracked(2);
    for (int i = 0; i < 3; ++i) tracked.end_with(0, FailureClass::transport);
    EXPECT_EQ(tracked.breaker(0), BreakerState::open);
    EXPECT_EQ(tracked.liveness(0), Liveness::down);
    EXPECT_THAT(tracked.regions.take_notices().dead, ElementsAre(0U));
    EXPECT_GT(*tracked.regions.usable_at(0, tracked.model, tracked.now), tracked.now + 1s);
}

TEST(RegionHealthTracker, GatewayErrorsOpenTheRegionButDoNotReportItDead) {
    TrackedRegions tracked(2);
    for (int i = 0; i < 3; ++i) tracked.end_with(0, FailureClass::gateway);
    EXPECT_EQ(tracked.breaker(0), BreakerState::open);
    EXPECT_THAT(tracked.regions.take_notices().dead, IsEmpty()) << "pending requests may still be answered";
}

// ---- refusals for load ----

TEST(RegionHealthTracker, RefusalsOpenARegionThatServesNoOtherCalls) {
    TrackedRegions tracked(2);
    for (int i = 0; i < 3; ++i) tracked.end_with(0, FailureClass::overload);
    EXPECT_FALSE(tracked.regions.full(0));
    EXPECT_EQ(tracked.breaker(0), BreakerState::open);
}

TEST(RegionHealthTracker, RefusalsMarkARegionThatServesOthersAsFull) {
    TrackedRegions tracked(2);
    auto stream = tracked.dispatch(0);
    tracked.regions.on_first_content(stream, tracked.now);
    for (int i = 0; i < 50; ++i) tracked.end_with(0, FailureClass::overload);
    EXPECT_TRUE(tracked.regions.full(0));
    EXPECT_EQ(tracked.breaker(0), BreakerState::closed);
    EXPECT_EQ(tracked.regions.error_rate(0, tracked.now), 0);
    EXPECT_GT(tracked.regions.view(0, tracked.model, Awaited::stream, tracked.now).error_rate, 0.5) << "it ranks last";
    tracked.regions.on_outcome(stream, FailureClass::success, tracked.now);
}

TEST(RegionHealthTracker, PendingAttemptsOfABurstCountAsAdmitted) {
    TrackedRegions tracked(2);
    std::vector<AttemptToken> tokens;
    for (int i = 0; i < 20; ++i) tokens.push_back(tracked.dispatch(0, Awaited::plain));
    tracked.now += 30ms;
    for (int i = 0; i < 16; ++i)
        tracked.regions.on_outcome(tokens[static_cast<std::size_t>(i)], FailureClass::overload, tracked.now);
    EXPECT_TRUE(tracked.regions.full(0));
    EXPECT_EQ(tracked.breaker(0), BreakerState::closed);
    for (int i = 16; i < 20; ++i)
        tracked.regions.on_outcome(tokens[static_cast<std::size_t>(i)], FailureClass::success, tracked.now);
}

TEST(RegionHealthTracker, ARegionThatRefusesEverythingForSecondsIsDead) {
    TrackedRegions tracked(2);
    auto stream = tracked.dispatch(0);
    tracked.regions.on_first_content(stream, tracked.now);
    for (int i = 0; i < 30; ++i) {
        tracked.now += 100ms;
        tracked.end_with(0, FailureClass::overload);
    }
    EXPECT_EQ(tracked.breaker(0), BreakerState::open) << "drained except for one stream";
    tracked.regions.on_outcome(stream, FailureClass::none, tracked.now);
}

TEST(RegionHealthTracker, TimeoutsOpenOnlyTheirModelInTheRegion) {
    TrackedRegions tracked(2);
    for (int i = 0; i < 5; ++i) tracked.end_with(0, FailureClass::timeout);
    EXPECT_EQ(tracked.breaker(0), BreakerState::closed);
    EXPECT_FALSE(tracked.usable(0));
    EXPECT_TRUE(tracked.regions.usable(0, tracked.regions.model_id("another"), tracked.now));
}

TEST(RegionHealthTracker, TimeoutsDoNotBlockTheLastHalfOfTheWeight) {
    TrackedRegions tracked(2);
    for (int i = 0; i < 3; ++i) tracked.end_with(1, FailureClass::transport);
    for (int i = 0; i < 50; ++i) tracked.end_with(0, FailureClass::timeout);
    EXPECT_TRUE(tracked.usable(0));
}

TEST(RegionHealthTracker, ThrottlingCancelsAndLostRacesNeverOpenABreaker) {
    TrackedRegions tracked(2);
    for (int i = 0; i < 100; ++i) tracked.end_with(0, FailureClass::none);
    EXPECT_EQ(tracked.breaker(0), BreakerState::closed);
    EXPECT_EQ(tracked.regions.error_rate(0, tracked.now), 0);
}

TEST(RegionHealthTracker, OneTrialAtATimeAndItsPermitIsAlwaysReturned) {
    TrackedRegions tracked(2);
    for (int i = 0; i < 3; ++i) tracked.end_with(0, FailureClass::transport);
    tracked.now += 3s;
    for (const auto failure_class :
         {FailureClass::none, FailureClass::success, FailureClass::success, FailureClass::success}) {
        EXPECT_TRUE(tracked.usable(0));
        auto trial = tracked.dispatch(0);
        EXPECT_FALSE(tracked.usable(0)) << "the permit is in use";
        EXPECT_EQ(tracked.regions.usable_at(0, tracked.model, tracked.now), std::nullopt);
        tracked.regions.on_outcome(trial, failure_class, tracked.now);
    }
    EXPECT_EQ(tracked.breaker(0), BreakerState::closed);
}

TEST(RegionHealthTracker, ATrialSucceedsAtItsFirstContent) {
    TrackedRegions tracked(2);
    for (int i = 0; i < 3; ++i) tracked.end_with(0, FailureClass::transport);
    tracked.now += 3s;
    std::vector<AttemptToken> streams;
    for (int i = 0; i < 3; ++i) {
        streams.push_back(tracked.dispatch(0));
        tracked.regions.on_first_content(streams.back(), tracked.now);
    }
    EXPECT_EQ(tracked.breaker(0), BreakerState::closed) << "while all are still open";
    for (auto& token : streams) tracked.regions.on_outcome(token, FailureClass::success, tracked.now);
    EXPECT_EQ(tracked.regions.in_flight(0), 0);
}

TEST(RegionHealthTracker, ASilentAttemptCountsAsOneFailure) {
    TrackedRegions tracked(2);
    auto token = tracked.dispatch(0);
    tracked.regions.on_late(token, tracked.now);
    tracked.regions.on_late(token, tracked.now);
    EXPECT_DOUBLE_EQ(tracked.regions.error_rate(0, tracked.now), 0.1);
    tracked.regions.on_outcome(token, FailureClass::transport, tracked.now);
    EXPECT_DOUBLE_EQ(tracked.regions.error_rate(0, tracked.now), 0.1);
}

TEST(RegionHealthTracker, ALateAttemptIsNoFailureIfBytesCameSinceItsDispatch) {
    TrackedRegions tracked(2);
    auto token = tracked.dispatch(0);
    tracked.now += 500ms;
    tracked.regions.on_alive(0, tracked.now);
    tracked.now += 500ms;
    tracked.regions.on_late(token, tracked.now);
    EXPECT_EQ(tracked.regions.error_rate(0, tracked.now), 0);
    tracked.regions.on_outcome(token, FailureClass::none, tracked.now);
}

TEST(RegionHealthTracker, ContentRevertsAFalseAlarm) {
    TrackedRegions tracked(2);
    auto token = tracked.dispatch(0);
    tracked.regions.on_late(token, tracked.now);
    tracked.regions.on_alive(0, tracked.now);
    tracked.regions.on_first_content(token, tracked.now);
    tracked.regions.on_outcome(token, FailureClass::success, tracked.now);
    EXPECT_DOUBLE_EQ(tracked.regions.error_rate(0, tracked.now), 0.09);
    EXPECT_EQ(tracked.liveness(0), Liveness::healthy);
}

TEST(RegionHealthTracker, ASingleRegionIsNeverBlockedByItsBreaker) {
    TrackedRegions tracked(1);
    for (int i = 0; i < 10; ++i) tracked.end_with(0, FailureClass::transport);
    EXPECT_EQ(tracked.breaker(0), BreakerState::open) << "the state is reported";
    EXPECT_TRUE(tracked.usable(0)) << "the only region stays usable";
}

TEST(RegionHealthTracker, BreakersCanBeForced) {
    TrackedRegions tracked(2);
    tracked.regions.force_breaker(0, BreakerState::open, tracked.now);
    tracked.now += 1h;
    EXPECT_FALSE(tracked.usable(0));
    EXPECT_THAT(tracked.facts(0).breaker_reason, ::testing::HasSubstr("forced by the program"));
    tracked.regions.force_breaker(0, std::nullopt, tracked.now);
    EXPECT_TRUE(tracked.usable(0));
    for (int i = 0; i < 3; ++i) tracked.end_with(0, FailureClass::transport);
    EXPECT_FALSE(tracked.usable(0)) << "the breaker works automatically again";
}

// ---- speed ----

TEST(RegionHealthTracker, LatencyIsMeasuredOnServedTrafficOnly) {
    TrackedRegions tracked(2);
    EXPECT_EQ(tracked.latency(0), 300) << "no samples yet";
    for (int i = 0; i < 5; ++i) tracked.stream(0, 100);
    EXPECT_NEAR(tracked.latency(0), 100, 1);
    tracked.probe(0, true);
    tracked.end_with(0, FailureClass::transport);
    EXPECT_NEAR(tracked.latency(0), 100, 1) << "probes and failures are not samples";
    EXPECT_NEAR(tracked.latency(1), 100, 1) << "a new region starts at the others' latency";
}

TEST(RegionHealthTracker, QuantilesAreKeptPerRegionAndPerModel) {
    TrackedRegions tracked(2);
    for (int i = 1; i <= 100; ++i) {
        tracked.stream(0, i);
        tracked.stream(1, 1'000);
    }
    EXPECT_NEAR(tracked.facts(0).first_token_p50.count(), 50, 1);
    EXPECT_NEAR(tracked.facts(0).first_token_p95.count(), 95, 1);
    EXPECT_NEAR(tracked.facts(0).first_token_p99.count(), 99, 1);
    EXPECT_NEAR(tracked.facts(1).first_token_p50.count(), 1'000, 5);
    EXPECT_EQ(tracked.regions.quantiles(tracked.model, Awaited::stream).size(), 200U);
    const auto health = values::to_health("a", tracked.facts(0), tracked.now);
    EXPECT_EQ(health.first_token_p95, 95ms);
    EXPECT_EQ(values::to_health("a", {}, tracked.now).first_token_p95, std::nullopt);
}

TEST(RegionHealthTracker, StreamsAndPlainAnswersAreNeverMixed) {
    TrackedRegions tracked(2);
    for (int i = 0; i < 5; ++i) tracked.stream(0, 100);
    auto plain = tracked.dispatch(0, Awaited::plain);
    tracked.now += 4s;
    tracked.regions.on_alive(0, tracked.now);
    tracked.regions.on_outcome(plain, FailureClass::success, tracked.now);
    EXPECT_LT(tracked.latency(0, Awaited::stream), 110);
    EXPECT_GT(tracked.latency(0, Awaited::plain), 3'900);
}

TEST(RegionHealthTracker, AModelsOwnFiguresApplyFromTwentySamples) {
    TrackedRegions tracked(2);
    const auto slow_model = tracked.regions.model_id("slow");
    for (int i = 0; i < 30; ++i) tracked.stream(0, 100);
    tracked.model = slow_model;
    for (int i = 0; i < 19; ++i) tracked.stream(0, 1'000);
    const auto before = tracked.latency(0);
    for (int i = 0; i < 5; ++i) tracked.stream(0, 1'000);
    EXPECT_GT(tracked.latency(0), before);
    EXPECT_NEAR(tracked.latency(0), 1'000, 150);
}

TEST(RegionHealthTracker, ATimeoutCountsAsSlownessNotAsAShortLatency) {
    TrackedRegions tracked(2);
    for (int i = 0; i < 10; ++i) tracked.stream(0, 100);
    auto token = tracked.dispatch(0);
    tracked.now += 3s;
    tracked.regions.on_outcome(token, FailureClass::timeout, tracked.now);
    EXPECT_GT(tracked.latency(0), 300);
}

TEST(RegionHealthTracker, AnAbandonedAttemptCountsAsAtLeastItsWait) {
    TrackedRegions tracked(2);
    for (int i = 0; i < 10; ++i) tracked.stream(0, 100);
    auto lost = tracked.dispatch(0);
    tracked.now += 500ms;
    tracked.regions.on_outcome(lost, FailureClass::none, tracked.now);
    EXPECT_GT(tracked.latency(0), 130);
    EXPECT_EQ(tracked.regions.error_rate(0, tracked.now), 0);
}

TEST(RegionHealthTracker, ARegionThatWasSlowOnceDriftsBackToTheOthers) {
    TrackedRegions tracked(3);
    for (int i = 0; i < 10; ++i) {
        tracked.stream(0, 2'000);
        tracked.stream(1, 100);
        tracked.stream(2, 100);
    }
    ASSERT_GT(tracked.latency(0), 1'500);
    for (int i = 0; i < 1'200; ++i) {
        tracked.now += 100ms;
        tracked.regions.refresh(tracked.now);
    }
    EXPECT_LT(tracked.latency(0), 200);
}

TEST(RegionHealthTracker, ALiveRegionUnusedForThirtySecondsIsOverdueUnderTraffic) {
    TrackedRegions tracked(2);
    tracked.stream(1, 100);
    for (int i = 0; i < 25; ++i) {
        tracked.stream(0, 100);
        tracked.now += 1500ms;
    }
    EXPECT_TRUE(tracked.regions.view(1, tracked.model, Awaited::stream, tracked.now).overdue);
    EXPECT_FALSE(tracked.regions.view(0, tracked.model, Awaited::stream, tracked.now).overdue)
        << "it served the last call";
    TrackedRegions quiet(2);
    quiet.stream(1, 100);
    quiet.now += 31s;
    EXPECT_FALSE(quiet.regions.view(1, quiet.model, Awaited::stream, quiet.now).overdue);
}

TEST(RegionHealthTracker, TrafficRampsUpOverFourSeconds) {
    TrackedRegions tracked(2);
    for (int i = 0; i < 3; ++i) tracked.end_with(0, FailureClass::transport);
    tracked.now += 3s;
    for (int i = 0; i < 3; ++i) tracked.end_with(0, FailureClass::success);
    const auto ramp = [&] { return tracked.regions.view(0, tracked.model, Awaited::stream, tracked.now).ramp; };
    EXPECT_DOUBLE_EQ(ramp(), 0.1);
    tracked.now += 2s;
    EXPECT_DOUBLE_EQ(ramp(), 0.5);
    tracked.now += 10s;
    EXPECT_DOUBLE_EQ(ramp(), 1);
}

TEST(RegionHealthTracker, MoreThanHalfOfTheWeightFailingIsAGeneralOutage) {
    TrackedRegions tracked(3);
    for (int i = 0; i < 3; ++i) tracked.end_with(0, FailureClass::transport);
    tracked.now += 100ms;
    tracked.regions.refresh(tracked.now);
    EXPECT_FALSE(tracked.regions.general_trouble());
    for (int i = 0; i < 3; ++i) tracked.end_with(1, FailureClass::transport);
    tracked.now += 100ms;
    tracked.regions.refresh(tracked.now);
    EXPECT_TRUE(tracked.regions.general_trouble());
}

TEST(RegionHealthTracker, ARegionFarSlowerThanUsualIsNotInGoodShape) {
    TrackedRegions tracked(2);
    for (int i = 0; i < 40; ++i) {
        tracked.stream(0, 100);
        tracked.regions.refresh(tracked.now);
    }
    EXPECT_TRUE(tracked.regions.in_good_shape(0, tracked.model, tracked.now));
    for (int i = 0; i < 10; ++i) {
        tracked.stream(0, 600);
        tracked.regions.refresh(tracked.now);
    }
    EXPECT_FALSE(tracked.regions.in_good_shape(0, tracked.model, tracked.now));
    EXPECT_TRUE(tracked.regions.healthy(0, tracked.model, tracked.now)) << "slow but healthy";
}

// ---- probes ----

TEST(ProbeSchedule, TheFirstProbesComeWithinTheUnhealthyInterval) {
    TrackedRegions tracked(50);
    tracked.regions.start_probes(tracked.now);
    EXPECT_LT(*tracked.regions.next_probe_at(), tracked.now + 100ms) << "spread over one second";
    int due = 0;
    for (std::size_t i = 0; i < 50; ++i) due += tracked.regions.take_due_probe(i, tracked.now + 1s) ? 1 : 0;
    EXPECT_EQ(due, 50);
}

TEST(ProbeSchedule, HealthyRegionsAreProbedEveryTenSecondsOthersEverySecond) {
    TrackedRegions tracked(2);
    tracked.regions.start_probes(tracked.now);
    const auto probes_within = [&](bool good, nanoseconds span) {
        int probes = 0;
        for (const auto end = tracked.now + span; tracked.now < end; tracked.now += 10ms) {
            if (!tracked.regions.take_due_probe(0, tracked.now)) continue;
            ++probes;
            tracked.regions.on_probe_end(0, {.answered = good, .good = good, .took = 5ms}, tracked.now);
        }
        return probes;
    };
    EXPECT_THAT(probes_within(true, 60s), ::testing::AllOf(::testing::Ge(5), ::testing::Le(9)));
    EXPECT_THAT(probes_within(false, 60s), ::testing::AllOf(::testing::Ge(45), ::testing::Le(80)));
}

TEST(ProbeSchedule, TrafficReplacesProbes) {
    TrackedRegions tracked(1);
    tracked.probe(0, true);
    tracked.regions.start_probes(tracked.now);
    int probes = 0;
    for (const auto end = tracked.now + 60s; tracked.now < end; tracked.now += 100ms) {
        tracked.end_with(0, FailureClass::success);
        probes += tracked.regions.take_due_probe(0, tracked.now) ? 1 : 0;
    }
    EXPECT_EQ(probes, 0);
}

TEST(ProbeSchedule, AnIdleClientProbesOnceAMinute) {
    TrackedRegions tracked(1);
    tracked.regions.start_probes(tracked.now);
    tracked.probe(0, true);
    tracked.now += 6min;
    int probes = 0;
    for (const auto end = tracked.now + 10min; tracked.now < end; tracked.now += 100ms) {
        if (!tracked.regions.take_due_probe(0, tracked.now)) continue;
        ++probes;
        tracked.regions.on_probe_end(0, {.answered = true, .good = true, .took = 5ms}, tracked.now);
    }
    EXPECT_THAT(probes, ::testing::AllOf(::testing::Ge(8), ::testing::Le(13)));
}

TEST(ProbeSchedule, AFailureMakesTheNextProbeSoon) {
    TrackedRegions tracked(2);
    tracked.regions.start_probes(tracked.now);
    tracked.probe(0, true);
    tracked.probe(1, true);
    ASSERT_GT(*tracked.regions.next_probe_at(), tracked.now + 5s);
    tracked.end_with(0, FailureClass::transport);
    EXPECT_LT(*tracked.regions.next_probe_at(), tracked.now + 1300ms);
}

TEST(ProbeSchedule, TheProbeTimeoutFollowsMeasuredProbes) {
    TrackedRegions tracked(1);
    EXPECT_EQ(tracked.regions.probe_timeout(0), 2s) << "no measurements yet";
    for (int i = 0; i < 20; ++i) tracked.probe(0, true);
    EXPECT_EQ(tracked.regions.probe_timeout(0), 50ms) << "the minimum";
    tracked.now += 1s;
    tracked.probe(0, false);
    tracked.regions.on_late_probe(0, 300ms, tracked.now);
    EXPECT_GT(tracked.regions.probe_timeout(0), 300ms) << "the late answer raises the timeout";
    EXPECT_EQ(tracked.liveness(0), Liveness::healthy);
}

TEST(ProbeSchedule, OnlyOneProbePerRegionIsInFlight) {
    TrackedRegions tracked(1);
    EXPECT_TRUE(tracked.regions.take_probe(0, tracked.now));
    EXPECT_FALSE(tracked.regions.take_probe(0, tracked.now));
    tracked.regions.on_probe_end(0, {}, tracked.now);
    EXPECT_TRUE(tracked.regions.take_probe(0, tracked.now));
}

// ---- signs of life that calls wait for ----

struct Watched : TrackedRegions {
    Watched() : TrackedRegions(2) {
        regions.on_alive(0, now);
        probe(0, true);
        now += 5s;
        regions.on_alive(0, now);
    }
    std::optional<nanoseconds> due() const {
        const auto next = regions.next_probe_at();
        return next ? std::optional(*next - now) : std::nullopt;
    }
};

TEST(SignOfLife, IsRequestedAfterOneSilentSecondWithWaitingAttempts) {
    Watched tracked;
    auto token = tracked.dispatch(0);
    EXPECT_TRUE(tracked.regions.watch(token, tracked.now));
    tracked.now += 999ms;
    EXPECT_FALSE(tracked.regions.take_due_probe(0, tracked.now));
    tracked.now += 1ms;
    EXPECT_TRUE(tracked.regions.take_due_probe(0, tracked.now));
    tracked.regions.on_probe_end(0, {.answered = true, .good = true}, tracked.now);
    tracked.now += 500ms;
    tracked.regions.on_alive(0, tracked.now);
    tracked.now += 999ms;
    EXPECT_FALSE(tracked.regions.take_due_probe(0, tracked.now)) << "any received byte postpones it";
    tracked.now += 1ms;
    EXPECT_TRUE(tracked.regions.take_due_probe(0, tracked.now));
}

TEST(SignOfLife, IsNeverRequestedIfTheOptionIsZero) {
    TrackedRegions tracked(1, {}, {.sign_of_life = 0ms});
    auto token = tracked.dispatch(0);
    EXPECT_FALSE(tracked.regions.watch(token, tracked.now));
}

TEST(SignOfLife, IsRequestedOncePerAttempt) {
    TrackedRegions tracked(1);
    auto token = tracked.dispatch(0);
    EXPECT_TRUE(tracked.regions.watch(token, tracked.now));
    EXPECT_FALSE(tracked.regions.watch(token, tracked.now));
}

TEST(ProbeSchedule, ComesBackSoonToARegionThatIsStillUnknown) {
    TrackedRegions tracked(1, {}, {.interval = 100s});
    ASSERT_TRUE(tracked.regions.take_probe(0, tracked.now));
    tracked.regions.on_probe_end(0, {.unsent = true}, tracked.now);
    ASSERT_EQ(tracked.liveness(0), Liveness::unknown);
    EXPECT_LE(tracked.regions.next_probe_at(), tracked.now + 1200ms);
}

TEST(ProbeSchedule, OnlyConnectsForTenMinutesAfterAThrottledProbe) {
    TrackedRegions tracked(1);
    EXPECT_FALSE(tracked.regions.probe_only_connects(0, tracked.now));
    ASSERT_TRUE(tracked.regions.take_probe(0, tracked.now));
    tracked.regions.on_probe_end(0, {.answered = true, .good = true, .throttled = true}, tracked.now);
    tracked.now += 10min - 1ns;
    EXPECT_TRUE(tracked.regions.probe_only_connects(0, tracked.now));
    tracked.now += 1ns;
    EXPECT_FALSE(tracked.regions.probe_only_connects(0, tracked.now));
}

TEST(SignOfLife, IsRequestedAtOnceIfTheRegionWasSilentBefore) {
    Watched tracked;
    tracked.now += 3s;
    auto token = tracked.dispatch(0);
    EXPECT_TRUE(tracked.regions.watch(token, tracked.now));
    EXPECT_TRUE(tracked.regions.take_due_probe(0, tracked.now));
}

TEST(SignOfLife, OneProbeServesTenThousandAttempts) {
    Watched tracked;
    std::vector<AttemptToken> tokens;
    for (int i = 0; i < 10'000; ++i) {
        tokens.push_back(tracked.dispatch(0));
        EXPECT_EQ(tracked.regions.watch(tokens.back(), tracked.now), i == 0);
    }
    int asked = 0;
    for (const auto end = tracked.now + 10s; tracked.now < end; tracked.now += 10ms) {
        if (tracked.regions.take_due_probe(0, tracked.now)) {
            ++asked;
            tracked.regions.on_probe_end(0, {.answered = true, .good = true}, tracked.now);
        }
    }
    EXPECT_LE(asked, 10);
    for (auto& token : tokens) tracked.regions.on_outcome(token, FailureClass::none, tracked.now);
}

TEST(SignOfLife, IsNotRequestedAfterTheLastAttemptEnded) {
    Watched tracked;
    auto token = tracked.dispatch(0);
    tracked.regions.watch(token, tracked.now);
    tracked.regions.on_outcome(token, FailureClass::none, tracked.now);
    tracked.now += 1500ms;
    EXPECT_FALSE(tracked.regions.take_due_probe(0, tracked.now));
}

TEST(SignOfLife, TwoMissedProbesAndSilenceMakeARegionDead) {
    Watched tracked;
    tracked.now += 1s;
    tracked.probe(0, false);
    EXPECT_FALSE(tracked.regions.found_dead(0, tracked.now));
    tracked.now += 1s;
    tracked.probe(0, false);
    EXPECT_TRUE(tracked.regions.found_dead(0, tracked.now));
    tracked.regions.on_alive(0, tracked.now);
    EXPECT_FALSE(tracked.regions.found_dead(0, tracked.now));
}

TEST(SignOfLife, AHeadDoesNotExcuseTheSilenceAfterIt) {
    Watched tracked;
    auto token = tracked.dispatch(0);
    tracked.regions.on_alive(0, tracked.now + 10ms);
    tracked.regions.on_late(token, tracked.now + 1s, true);
    EXPECT_EQ(tracked.regions.error_rate(0, tracked.now + 1s), 0);
    tracked.regions.on_late(token, tracked.now + 1010ms, true);
    EXPECT_GT(tracked.regions.error_rate(0, tracked.now + 1010ms), 0);
}

TEST(SignOfLife, ARegionThatRefusesProbesIsDownButNotSilent) {
    Watched tracked;
    for (int i = 0; i < 3; ++i) {
        tracked.now += 1s;
        tracked.regions.take_probe(0, tracked.now);
        tracked.regions.on_probe_end(0, {.refused = true}, tracked.now);
    }
    EXPECT_EQ(tracked.liveness(0), Liveness::down);
    EXPECT_FALSE(tracked.regions.found_dead(0, tracked.now)) << "it may still finish its streams";
}

TEST(SignOfLife, IsNotRequestedRepeatedlyIfProbesCannotBeSent) {
    Watched tracked;
    auto token = tracked.dispatch(0);
    tracked.regions.watch(token, tracked.now);
    tracked.now += 1s;
    ASSERT_TRUE(tracked.regions.take_due_probe(0, tracked.now));
    tracked.regions.on_probe_end(0, {}, tracked.now);
    int sent = 0;
    for (const auto end = tracked.now + 10s; tracked.now < end; tracked.now += 10ms) {
        if (!tracked.regions.take_due_probe(0, tracked.now)) continue;
        ++sent;
        tracked.regions.on_probe_end(0, {.unsent = true}, tracked.now);
    }
    EXPECT_LE(sent, 21);
}

TEST(SignOfLife, IsRequestedTwiceInARowIfMissed) {
    Watched tracked;
    auto token = tracked.dispatch(0);
    tracked.regions.watch(token, tracked.now);
    const auto miss = [&tracked](nanoseconds after) {
        tracked.now += after;
        EXPECT_TRUE(tracked.regions.take_due_probe(0, tracked.now));
        tracked.now += 50ms;
        tracked.regions.on_probe_end(0, {}, tracked.now);
    };
    miss(1s);
    EXPECT_FALSE(tracked.regions.seems_dead(0, tracked.now));
    miss(0s);
    EXPECT_TRUE(tracked.regions.seems_dead(0, tracked.now));
    EXPECT_FALSE(tracked.regions.found_dead(0, tracked.now)) << "one disturbance may explain both misses";
    EXPECT_FALSE(tracked.regions.take_due_probe(0, tracked.now)) << "no immediate third probe";
    miss(950ms);
    EXPECT_TRUE(tracked.regions.found_dead(0, tracked.now));
    tracked.regions.on_alive(0, tracked.now);
    EXPECT_FALSE(tracked.regions.seems_dead(0, tracked.now));
}

TEST(SignOfLife, IsNotDelayedByEarlyHeadsOfOtherCalls) {
    Watched tracked;
    auto token = tracked.dispatch(0);
    tracked.regions.watch(token, tracked.now);
    tracked.now += 900ms;
    tracked.regions.on_early_head(0, tracked.now);
    tracked.now += 100ms;
    EXPECT_TRUE(tracked.regions.take_due_probe(0, tracked.now));
}

TEST(SignOfLife, AnEarlyHeadProvesOnlyThePath) {
    Watched tracked;
    tracked.now += 10ms;
    auto token = tracked.dispatch(0);
    tracked.regions.on_early_head(0, tracked.now + 20ms);
    tracked.regions.on_late(token, tracked.now + 200ms, false);
    EXPECT_EQ(tracked.regions.error_rate(0, tracked.now), 0) << "the acknowledgement may be late for other reasons";
    tracked.regions.on_late(token, tracked.now + 200ms, true);
    EXPECT_GT(tracked.regions.error_rate(0, tracked.now), 0);
}

// ---- probes that go unanswered while calls are answered ----

TEST(ProbePath, EarlyHeadsDoNotCountAsAnswers) {
    Watched tracked;
    for (int i = 0; i < 3; ++i) {
        tracked.now += 1s;
        ASSERT_TRUE(tracked.regions.take_probe(0, tracked.now));
        tracked.regions.on_early_head(0, tracked.now + 10ms);
        tracked.now += 50ms;
        tracked.regions.on_probe_end(0, {}, tracked.now);
        tracked.regions.on_early_head(0, tracked.now + 10ms);
    }
    EXPECT_TRUE(tracked.regions.found_dead(0, tracked.now));
    EXPECT_EQ(tracked.liveness(0), Liveness::down);
    EXPECT_THAT(tracked.regions.take_notices().dead, ::testing::Contains(0U));
}

TEST(ProbePath, NeverAnsweredProbesAreNoEvidenceIfCallsAreAnswered) {
    TrackedRegions tracked(2);
    tracked.probe(0, false);
    tracked.now += 100ms;
    tracked.regions.on_alive(0, tracked.now);
    tracked.regions.take_notices();
    for (int i = 0; i < 5; ++i) {
        tracked.now += 2s;
        EXPECT_TRUE(tracked.regions.take_probe(0, tracked.now));
        tracked.regions.on_probe_end(0, {}, tracked.now);
    }
    EXPECT_EQ(tracked.liveness(0), Liveness::healthy);
    EXPECT_EQ(tracked.breaker(0), BreakerState::closed);
    EXPECT_THAT(tracked.regions.take_notices().dead, IsEmpty());
    EXPECT_STREQ(tracked.facts(0).liveness_reason, "answers calls, but no probes, so probes only connect");
}

TEST(ProbePath, AContradictionTriggersAProbeAtOnce) {
    Watched tracked;
    tracked.now += 2s;
    tracked.probe(0, false);
    tracked.now += 100ms;
    tracked.regions.on_alive(0, tracked.now);
    EXPECT_TRUE(tracked.regions.take_due_probe(0, tracked.now)) << "traffic does not replace it";
}

TEST(ProbePath, AFailedConnectionIsStillEvidence) {
    TrackedRegions tracked(2);
    tracked.probe(0, false);
    tracked.now += 100ms;
    tracked.regions.on_alive(0, tracked.now);
    for (int i = 0; i < 2; ++i) {
        tracked.now += 2s;
        tracked.regions.take_probe(0, tracked.now);
        tracked.regions.on_probe_end(0, {.bare = true}, tracked.now);
    }
    EXPECT_EQ(tracked.liveness(0), Liveness::down);
}

// ---- evidence from connections ----

TEST(OnConnection, TcpsRoundTripIsPreferredToTheConnectTime) {
    TrackedRegions tracked(1);
    const AttemptTimings fresh{.dns = 5ms, .connect = 1025ms, .tls = 1100ms};  // the first packet was lost
    tracked.regions.on_connection(0, &fresh, PathEvidence{.srtt = 20ms, .rttvar = 10ms}, tracked.now);
    EXPECT_EQ(tracked.regions.rtt(0).srtt(), 20ms);
    EXPECT_NE(tracked.regions.connect_late_after(0), std::nullopt);
}

TEST(OnConnection, WithoutTcpsRoundTripTheConnectTimeCounts) {
    TrackedRegions tracked(1);
    const AttemptTimings fresh{.dns = 5ms, .connect = 25ms};
    tracked.regions.on_connection(0, &fresh, std::nullopt, tracked.now);
    EXPECT_EQ(tracked.regions.rtt(0).srtt(), 20ms);
}

TEST(OnConnection, AProxysRoundTripIsNotTheRegions) {
    TrackedRegions tracked(1);
    const AttemptTimings fresh{.connect = 1ms, .tls = 80ms};
    tracked.regions.on_connection(0, &fresh, PathEvidence{.srtt = 1ms, .via_proxy = true}, tracked.now);
    EXPECT_FALSE(tracked.regions.rtt(0).known());
    EXPECT_NE(tracked.regions.connect_late_after(0), std::nullopt) << "the connect time still applies";
}

TEST(OnConnection, AnOldConnectionsVariationCounts) {
    TrackedRegions tracked(1);
    for (int i = 0; i < 100; ++i) {
        tracked.regions.on_connection(0, nullptr, PathEvidence{.srtt = 200ms, .rttvar = 50ms}, tracked.now);
    }
    EXPECT_NEAR(static_cast<double>(tracked.regions.rtt(0).rttvar().count()), 50e6, 1e3);
}

}  // namespace
}  // namespace holysheep::health
