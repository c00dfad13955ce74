// The tracked state of a region: quota, errors, liveness, breakers, and whether a call may go there.
#include "health/region_health_tracker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holysheep::health {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Clock::time_point kNow{1h};

std::vector<Region> regions_of(std::size_t count) {
    std::vector<Region> regions(count);
    for (std::size_t i = 0; i < count; ++i) regions[i].id = std::string(1, static_cast<char>('a' + i));
    return regions;
}

/// A tracker, its clock, and calls that end at once.
struct World {
    explicit World(std::size_t count, BreakerOptions breaker = {}, HealthOptions health = {})
        : regions(regions_of(count), health, breaker, 7), model(regions.model_id("m")) {
        regions.start_probes(now);
    }

    Clock::time_point now = kNow;
    RegionHealthTracker regions;
    ModelId model;

    AttemptToken dispatch(std::size_t region, Awaited awaited = Awaited::stream) {
        return regions.on_dispatch(region, model, awaited, now);
    }
    void end_with(std::size_t region, FailureClass charge) {
        auto ticket = dispatch(region, Awaited::other);
        if (charge == FailureClass::success) regions.on_alive(region, now);
        regions.on_outcome(ticket, charge, now);
    }
    /// Records a stream whose first content came after `ms`.
    void stream(std::size_t region, double ms) {
        auto ticket = dispatch(region);
        now += nanoseconds(static_cast<std::int64_t>(ms * 1e6));
        regions.on_alive(region, now);
        regions.on_first_content(ticket, now);
        regions.on_outcome(ticket, FailureClass::success, now);
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
    World world(2);
    EXPECT_EQ(world.regions.size(), 2U);
    EXPECT_EQ(world.liveness(0), Liveness::unknown);
    EXPECT_TRUE(world.usable(0));
    EXPECT_TRUE(world.regions.healthy(0, world.model, world.now));
    EXPECT_EQ(world.regions.error_rate(0, world.now), 0);
    EXPECT_EQ(world.regions.usable_at(0, world.model, world.now), world.now);
}

// ---- quota ----

TEST(RegionHealthTracker, ALaterShorterHintNeverEndsAPause) {
    World world(1);
    world.regions.limit_until(0, world.model, kNow + 30s);
    world.regions.limit_until(0, world.model, kNow + 2s);
    EXPECT_EQ(world.regions.limited_until(0, world.model), kNow + 30s);
    world.regions.limit_until(0, world.model, kNow + 40s);
    EXPECT_EQ(world.regions.limited_until(0, world.model), kNow + 40s);
}

TEST(RegionHealthTracker, QuotaIsKeptPerModelAndRegionAndIsNoIllHealth) {
    World world(2);
    const auto small = world.regions.model_id("small");
    world.regions.limit_until(0, world.model, kNow + 30s);
    EXPECT_FALSE(world.usable(0));
    EXPECT_TRUE(world.usable(1));
    EXPECT_TRUE(world.regions.usable(0, small, kNow));
    EXPECT_EQ(world.regions.usable_at(0, world.model, kNow), kNow + 30s);
    EXPECT_EQ(world.facts(0).limited_until, kNow + 30s) << "the latest of any model";
    EXPECT_NE(world.liveness(0), Liveness::down);
    world.now += 30s;
    EXPECT_TRUE(world.usable(0));
}

TEST(RegionHealthTracker, AModelThatARegionLacksIsNotAskedForThereForAMinuteThatGrowsToTen) {
    World world(2);
    EXPECT_TRUE(world.regions.usable(0, world.regions.model_id("another"), kNow));
    for (const auto span : {1min, 2min, 4min, 8min, 10min, 10min}) {
        for (int asked_together = 0; asked_together < 3; ++asked_together) {
            world.regions.on_model_missing(0, world.model, world.now);
        }
        world.now += span - 1s;
        EXPECT_FALSE(world.usable(0)) << span.count();
        EXPECT_TRUE(world.usable(1));
        world.now += 1s;
        EXPECT_TRUE(world.usable(0)) << span.count();
    }
}

TEST(RegionHealthTracker, AModelThatAnswersIsNotMissingAnyMore) {
    World world(2);
    world.regions.on_model_missing(0, world.model, world.now);
    world.stream(0, 100);
    EXPECT_TRUE(world.usable(0));
    world.regions.on_model_missing(0, world.model, world.now);
    world.now += 1min;
    EXPECT_TRUE(world.usable(0)) << "the next time it is a minute again";
}

// ---- invented model names ----

/// Requests each invented model in region 0, which answers that the quota for it is used up.
void ask_for_made_up_models(World& world, int count) {
    for (int i = 0; i < count; ++i) {
        world.regions.limit_until(0, world.regions.model_id("made up " + std::to_string(i)), kNow + 1h);
    }
}

TEST(RegionHealthTracker, MadeUpModelsDoNotPushOutOneThatAnswers) {
    World world(2);
    world.stream(0, 100);
    world.regions.limit_until(0, world.model, kNow + 30s);
    ask_for_made_up_models(world, 1'000);
    EXPECT_EQ(world.regions.limited_until(0, world.model), kNow + 30s);
    EXPECT_EQ(world.regions.quantiles(world.model, Awaited::stream).size(), 1U);
}

TEST(RegionHealthTracker, AModelThatComesAfterManyOthersSharesNothingWithThem) {
    World world(2);
    ask_for_made_up_models(world, 1'000);
    EXPECT_TRUE(world.usable(0)) << "their pauses are not its";
    for (int i = 0; i < 5; ++i) world.end_with(1, FailureClass::timeout);
    EXPECT_FALSE(world.usable(1));
    EXPECT_TRUE(world.regions.usable(1, world.regions.model_id("made up 999"), world.now));
    EXPECT_TRUE(world.regions.usable(1, 0, world.now)) << "raw requests have a memory of their own";
}

TEST(RegionHealthTracker, OfModelsThatAnsweredTheOneUnusedForLongestIsForgotten) {
    World world(1);
    const auto name = [](int i) { return "model " + std::to_string(i); };
    const auto serve = [&](int i) {
        auto ticket = world.regions.on_dispatch(0, world.regions.model_id(name(i)), Awaited::stream, world.now);
        world.regions.on_first_content(ticket, world.now + 100ms);
        world.regions.on_outcome(ticket, FailureClass::success, world.now + 100ms);
    };
    const auto known = [&](int i) {
        return world.regions.quantiles(world.regions.model_id(name(i)), Awaited::stream).size() > 0;
    };
    for (int i = 0; i < 64; ++i) serve(i);
    EXPECT_TRUE(known(0));
    serve(0);
    serve(64);
    EXPECT_TRUE(known(0)) << "used again";
    EXPECT_FALSE(known(1));
    EXPECT_TRUE(known(64));
}

TEST(RegionHealthTracker, AModelThatOnlyMetDeadNetworksIsNotRemembered) {
    World world(2);
    for (int i = 0; i < 64; ++i) {
        const auto model = world.regions.model_id("model " + std::to_string(i));
        world.regions.limit_until(0, model, kNow + 1h);
    }
    world.end_with(1, FailureClass::transport);
    world.end_with(1, FailureClass::none);
    EXPECT_FALSE(world.regions.usable(0, world.regions.model_id("model 0"), kNow)) << "none had to make room";
}

TEST(RegionHealthTracker, AnAttemptMayOutliveTheMemoryOfItsModel) {
    World world(2);
    auto ticket = world.dispatch(0);
    for (int i = 0; i < 5; ++i) world.end_with(0, FailureClass::timeout);
    ask_for_made_up_models(world, 200);
    world.regions.on_first_content(ticket, kNow + 1s);
    world.regions.on_content_gap(world.model, 200ms);
    world.regions.on_outcome(ticket, FailureClass::success, kNow + 2s);
    EXPECT_EQ(world.regions.quantiles(world.model, Awaited::stream).size(), 1U);
    EXPECT_EQ(world.regions.in_flight(0), 0);
}

// ---- errors ----

TEST(RegionHealthTracker, TheErrorRateIsAMovingAverage) {
    World world(1, {.enabled = false});
    world.end_with(0, FailureClass::gateway);
    EXPECT_DOUBLE_EQ(world.regions.error_rate(0, kNow), 0.1);
    world.end_with(0, FailureClass::transport);
    EXPECT_DOUBLE_EQ(world.regions.error_rate(0, kNow), 0.19);
    world.end_with(0, FailureClass::success);
    EXPECT_DOUBLE_EQ(world.regions.error_rate(0, kNow), 0.171);
    world.end_with(0, FailureClass::none);
    world.end_with(0, FailureClass::timeout);
    EXPECT_DOUBLE_EQ(world.regions.error_rate(0, kNow), 0.171) << "a slow model is not a sick region";
    for (int i = 0; i < 100; ++i) world.end_with(0, FailureClass::server);
    EXPECT_GT(world.regions.error_rate(0, kNow), 0.99);
    EXPECT_LE(world.regions.error_rate(0, kNow), 1.0);
}

TEST(RegionHealthTracker, TheErrorRateFadesWhileNothingIsTried) {
    World world(1, {.enabled = false});
    for (int i = 0; i < 100; ++i) world.end_with(0, FailureClass::gateway);
    EXPECT_NEAR(world.regions.error_rate(0, kNow + 10s), 0.3679, 1e-3);
    EXPECT_LT(world.regions.error_rate(0, kNow + 60s), 0.01);
    EXPECT_LE(world.regions.error_rate(0, kNow - 1h), 1.0) << "a clock that looks back does not blow it up";
    world.now += 10s;
    world.end_with(0, FailureClass::success);
    EXPECT_NEAR(world.regions.error_rate(0, world.now), 0.331, 1e-3) << "an outcome adds to what is left";
}

TEST(RegionHealthTracker, CountsAttemptsInFlight) {
    World world(2);
    auto first = world.dispatch(1);
    auto second = world.dispatch(1);
    EXPECT_EQ(world.regions.in_flight(1), 2);
    EXPECT_EQ(world.regions.in_flight(0), 0);
    world.regions.on_outcome(first, FailureClass::none, kNow);
    world.regions.on_outcome(second, FailureClass::success, kNow);
    EXPECT_EQ(world.regions.in_flight(1), 0);
}

// ---- liveness ----

TEST(RegionHealthTracker, AnyByteIsProofOfLife) {
    World world(1);
    world.regions.on_alive(0, world.now);
    EXPECT_EQ(world.liveness(0), Liveness::healthy);
    EXPECT_EQ(world.regions.alive_at(0), world.now);
}

TEST(RegionHealthTracker, WalksFromHealthyThroughDownAndBack) {
    World world(2);
    world.probe(0, true);
    EXPECT_EQ(world.liveness(0), Liveness::healthy);
    world.now += 1s;
    world.probe(0, false);
    EXPECT_EQ(world.liveness(0), Liveness::suspect);
    world.now += 1s;
    world.probe(0, false);
    EXPECT_EQ(world.liveness(0), Liveness::down);
    world.now += 30s;
    world.probe(0, true);
    EXPECT_EQ(world.liveness(0), Liveness::down) << "one good probe is not enough";
    world.now += 1s;
    world.probe(0, true);
    EXPECT_EQ(world.liveness(0), Liveness::recovering);
    for (int i = 0; i < 3; ++i) world.end_with(0, FailureClass::success);
    EXPECT_EQ(world.liveness(0), Liveness::healthy);
}

TEST(RegionHealthTracker, ARegionThatNobodyCallsRecoversByProbesAlone) {
    World world(2, {.enabled = false});
    world.probe(0, false);
    world.probe(0, false);
    world.probe(0, true);
    world.probe(0, true);
    EXPECT_EQ(world.liveness(0), Liveness::recovering);
    world.now += 11s;
    world.probe(0, true);
    EXPECT_EQ(world.liveness(0), Liveness::healthy);
}

TEST(RegionHealthTracker, BytesDuringAProbeMakeItsSilenceNoMiss) {
    World world(2);
    ASSERT_TRUE(world.regions.take_probe(0, world.now));
    world.now += 1s;
    world.regions.on_alive(0, world.now);
    world.regions.on_probe_end(0, {}, world.now);
    EXPECT_EQ(world.liveness(0), Liveness::healthy);
}

TEST(RegionHealthTracker, AProbeThatIsAnsweredWith5xxIsAMissButNoSilence) {
    World world(2);
    for (int i = 0; i < 2; ++i) {
        ASSERT_TRUE(world.regions.take_probe(0, world.now));
        world.regions.on_probe_end(0, {.answered = true, .took = 5ms}, world.now);
        world.now += 1s;
    }
    EXPECT_EQ(world.liveness(0), Liveness::down);
    EXPECT_EQ(world.breaker(0), BreakerState::closed);
    EXPECT_THAT(world.regions.take_notices().dead, IsEmpty());
}

TEST(RegionHealthTracker, TwoMissedProbesWithoutAnySignOfLifeOpenTheBreaker) {
    World world(2);
    world.regions.on_alive(0, world.now);
    world.now += 3s;
    world.probe(0, false);
    EXPECT_EQ(world.breaker(0), BreakerState::closed);
    world.now += 1s;
    world.probe(0, false);
    EXPECT_EQ(world.breaker(0), BreakerState::open);
    EXPECT_FALSE(world.usable(0));
    EXPECT_THAT(world.facts(0).breaker_reason, ::testing::HasSubstr("probes fail"));
}

TEST(RegionHealthTracker, ARegionWhoseProbesGoUnansweredIsDownThoughATrialIsDue) {
    World world(2);
    for (int i = 0; i < 3; ++i) world.end_with(0, FailureClass::transport);
    const auto seen_open = world.facts(0);
    world.now += 3s;
    EXPECT_EQ(world.breaker(0), BreakerState::half_open);
    EXPECT_EQ(world.liveness(0), Liveness::recovering);
    EXPECT_STREQ(world.facts(0).liveness_reason, "one call at a time may try it") << "nothing has answered";
    EXPECT_EQ(values::to_health("a", seen_open, world.now).liveness, Liveness::recovering);
    world.probe(0, false);
    world.probe(0, false);
    EXPECT_EQ(world.liveness(0), Liveness::down);
    EXPECT_TRUE(world.usable(0)) << "the trial may go all the same";
    EXPECT_EQ(values::to_health("a", world.facts(0), world.now + 1h).liveness, Liveness::down);
    world.probe(0, true);
    world.probe(0, true);
    EXPECT_EQ(world.liveness(0), Liveness::recovering);
    EXPECT_THAT(world.facts(0).liveness_reason, ::testing::StartsWith("answers again"));
}

TEST(RegionHealthTracker, ASilentRegionIsReportedAsDeadToThoseWhoWait) {
    World world(2);
    world.regions.on_alive(1, world.now);
    world.now += 2s;
    world.probe(1, false);
    EXPECT_THAT(world.regions.take_notices().dead, ElementsAre(1U));
    EXPECT_FALSE(world.regions.has_notices());
}

TEST(RegionHealthTracker, TellsOfEveryChangeOnce) {
    World world(2);
    world.regions.on_alive(1, world.now);
    EXPECT_THAT(world.regions.take_notices().changed, ElementsAre(1U));
    world.regions.on_alive(1, world.now + 1s);
    EXPECT_FALSE(world.regions.has_notices());
    world.regions.set_draining(0, true, world.now);
    EXPECT_THAT(world.regions.take_notices().changed, ElementsAre(0U));
    EXPECT_EQ(world.liveness(0), Liveness::draining);
    EXPECT_FALSE(world.usable(0));
    EXPECT_EQ(world.regions.usable_at(0, world.model, world.now), std::nullopt);
    world.regions.set_draining(0, false, world.now);
    EXPECT_TRUE(world.usable(0));
}

// ---- breakers ----

TEST(RegionHealthTracker, ThreeTransportFailuresOpenTheRegionAndReportItDead) {
    World world(2);
    for (int i = 0; i < 3; ++i) world.end_with(0, FailureClass::transport);
    EXPECT_EQ(world.breaker(0), BreakerState::open);
    EXPECT_EQ(world.liveness(0), Liveness::down);
    EXPECT_THAT(world.regions.take_notices().dead, ElementsAre(0U));
    EXPECT_GT(*world.regions.usable_at(0, world.model, world.now), world.now + 1s);
}

TEST(RegionHealthTracker, GatewayErrorsOpenTheRegionButDoNotReportItDead) {
    World world(2);
    for (int i = 0; i < 3; ++i) world.end_with(0, FailureClass::gateway);
    EXPECT_EQ(world.breaker(0), BreakerState::open);
    EXPECT_THAT(world.regions.take_notices().dead, IsEmpty()) << "it may answer what it was asked before";
}

// ---- refusals for load ----

TEST(RegionHealthTracker, WhereNobodyIsServedRefusalsOpenTheRegion) {
    World world(2);
    for (int i = 0; i < 3; ++i) world.end_with(0, FailureClass::overload);
    EXPECT_FALSE(world.regions.full(0));
    EXPECT_EQ(world.breaker(0), BreakerState::open);
}

TEST(RegionHealthTracker, WhereOthersAreServedARegionIsFullAndStaysClosed) {
    World world(2);
    auto stream = world.dispatch(0);
    world.regions.on_first_content(stream, world.now);
    for (int i = 0; i < 50; ++i) world.end_with(0, FailureClass::overload);
    EXPECT_TRUE(world.regions.full(0));
    EXPECT_EQ(world.breaker(0), BreakerState::closed);
    EXPECT_EQ(world.regions.error_rate(0, world.now), 0);
    EXPECT_GT(world.regions.view(0, world.model, Awaited::stream, world.now).error_rate, 0.5) << "it is asked last";
    world.regions.on_outcome(stream, FailureClass::success, world.now);
}

TEST(RegionHealthTracker, WhatWentOutTogetherAndIsNotRefusedYetWasLetIn) {
    World world(2);
    std::vector<AttemptToken> tickets;
    for (int i = 0; i < 20; ++i) tickets.push_back(world.dispatch(0, Awaited::plain));
    world.now += 30ms;
    for (int i = 0; i < 16; ++i)
        world.regions.on_outcome(tickets[static_cast<std::size_t>(i)], FailureClass::overload, world.now);
    EXPECT_TRUE(world.regions.full(0));
    EXPECT_EQ(world.breaker(0), BreakerState::closed);
    for (int i = 16; i < 20; ++i)
        world.regions.on_outcome(tickets[static_cast<std::size_t>(i)], FailureClass::success, world.now);
}

TEST(RegionHealthTracker, WhoRefusesAllForSecondsIsDeadWhateverWaitsThere) {
    World world(2);
    auto stream = world.dispatch(0);
    world.regions.on_first_content(stream, world.now);
    for (int i = 0; i < 30; ++i) {
        world.now += 100ms;
        world.end_with(0, FailureClass::overload);
    }
    EXPECT_EQ(world.breaker(0), BreakerState::open) << "it drains, and keeps one stream";
    world.regions.on_outcome(stream, FailureClass::none, world.now);
}

TEST(RegionHealthTracker, TimeoutsOpenOneModelOfTheRegionOnly) {
    World world(2);
    for (int i = 0; i < 5; ++i) world.end_with(0, FailureClass::timeout);
    EXPECT_EQ(world.breaker(0), BreakerState::closed);
    EXPECT_FALSE(world.usable(0));
    EXPECT_TRUE(world.regions.usable(0, world.regions.model_id("another"), world.now));
}

TEST(RegionHealthTracker, TimeoutsDoNotCloseTheLastHalfOfTheWeight) {
    World world(2);
    for (int i = 0; i < 3; ++i) world.end_with(1, FailureClass::transport);
    for (int i = 0; i < 50; ++i) world.end_with(0, FailureClass::timeout);
    EXPECT_TRUE(world.usable(0));
}

TEST(RegionHealthTracker, ThrottlingCancelsAndLostRacesNeverOpenABreaker) {
    World world(2);
    for (int i = 0; i < 100; ++i) world.end_with(0, FailureClass::none);
    EXPECT_EQ(world.breaker(0), BreakerState::closed);
    EXPECT_EQ(world.regions.error_rate(0, world.now), 0);
}

TEST(RegionHealthTracker, OneTrialAtATimeAndItsPermitComesBackWhateverHappens) {
    World world(2);
    for (int i = 0; i < 3; ++i) world.end_with(0, FailureClass::transport);
    world.now += 3s;
    for (const auto charge :
         {FailureClass::none, FailureClass::success, FailureClass::success, FailureClass::success}) {
        EXPECT_TRUE(world.usable(0));
        auto trial = world.dispatch(0);
        EXPECT_FALSE(world.usable(0)) << "the permit is out";
        EXPECT_EQ(world.regions.usable_at(0, world.model, world.now), std::nullopt);
        world.regions.on_outcome(trial, charge, world.now);
    }
    EXPECT_EQ(world.breaker(0), BreakerState::closed);
}

TEST(RegionHealthTracker, ATrialsFirstContentIsEnough) {
    World world(2);
    for (int i = 0; i < 3; ++i) world.end_with(0, FailureClass::transport);
    world.now += 3s;
    std::vector<AttemptToken> streams;
    for (int i = 0; i < 3; ++i) {
        streams.push_back(world.dispatch(0));
        world.regions.on_first_content(streams.back(), world.now);
    }
    EXPECT_EQ(world.breaker(0), BreakerState::closed) << "before any of them has ended";
    for (auto& ticket : streams) world.regions.on_outcome(ticket, FailureClass::success, world.now);
    EXPECT_EQ(world.regions.in_flight(0), 0);
}

TEST(RegionHealthTracker, AnAttemptIsChargedOnceForItsSilence) {
    World world(2);
    auto ticket = world.dispatch(0);
    world.regions.on_late(ticket, world.now);
    world.regions.on_late(ticket, world.now);
    EXPECT_DOUBLE_EQ(world.regions.error_rate(0, world.now), 0.1);
    world.regions.on_outcome(ticket, FailureClass::transport, world.now);
    EXPECT_DOUBLE_EQ(world.regions.error_rate(0, world.now), 0.1);
}

TEST(RegionHealthTracker, BytesThatCameSinceTheDispatchMakeALateAttemptNoFailure) {
    World world(2);
    auto ticket = world.dispatch(0);
    world.now += 500ms;
    world.regions.on_alive(0, world.now);
    world.now += 500ms;
    world.regions.on_late(ticket, world.now);
    EXPECT_EQ(world.regions.error_rate(0, world.now), 0);
    world.regions.on_outcome(ticket, FailureClass::none, world.now);
}

TEST(RegionHealthTracker, AFalseAlarmIsTakenBackByContent) {
    World world(2);
    auto ticket = world.dispatch(0);
    world.regions.on_late(ticket, world.now);
    world.regions.on_alive(0, world.now);
    world.regions.on_first_content(ticket, world.now);
    world.regions.on_outcome(ticket, FailureClass::success, world.now);
    EXPECT_DOUBLE_EQ(world.regions.error_rate(0, world.now), 0.09);
    EXPECT_EQ(world.liveness(0), Liveness::healthy);
}

TEST(RegionHealthTracker, ASingleRegionIsNeverBlockedByItsBreaker) {
    World world(1);
    for (int i = 0; i < 10; ++i) world.end_with(0, FailureClass::transport);
    EXPECT_EQ(world.breaker(0), BreakerState::open) << "it reports";
    EXPECT_TRUE(world.usable(0)) << "but there is nothing better to do than to ask";
}

TEST(RegionHealthTracker, BreakersAreForcedByHand) {
    World world(2);
    world.regions.force_breaker(0, BreakerState::open, world.now);
    world.now += 1h;
    EXPECT_FALSE(world.usable(0));
    EXPECT_THAT(world.facts(0).breaker_reason, ::testing::HasSubstr("forced by the program"));
    world.regions.force_breaker(0, std::nullopt, world.now);
    EXPECT_TRUE(world.usable(0));
    for (int i = 0; i < 3; ++i) world.end_with(0, FailureClass::transport);
    EXPECT_FALSE(world.usable(0)) << "it goes on by itself";
}

// ---- speed ----

TEST(RegionHealthTracker, LatencyComesFromServedTrafficOnly) {
    World world(2);
    EXPECT_EQ(world.latency(0), 300) << "cold";
    for (int i = 0; i < 5; ++i) world.stream(0, 100);
    EXPECT_NEAR(world.latency(0), 100, 1);
    world.probe(0, true);
    world.end_with(0, FailureClass::transport);
    EXPECT_NEAR(world.latency(0), 100, 1) << "neither a quick probe nor a quick failure is speed";
    EXPECT_NEAR(world.latency(1), 100, 1) << "a new region starts at what the others take";
}

TEST(RegionHealthTracker, QuantilesAreKeptPerRegionAndPerModel) {
    World world(2);
    for (int i = 1; i <= 100; ++i) {
        world.stream(0, i);
        world.stream(1, 1'000);
    }
    EXPECT_NEAR(world.facts(0).first_token_p50.count(), 50, 1);
    EXPECT_NEAR(world.facts(0).first_token_p95.count(), 95, 1);
    EXPECT_NEAR(world.facts(0).first_token_p99.count(), 99, 1);
    EXPECT_NEAR(world.facts(1).first_token_p50.count(), 1'000, 5);
    EXPECT_EQ(world.regions.quantiles(world.model, Awaited::stream).size(), 200U);
    const auto health = values::to_health("a", world.facts(0), world.now);
    EXPECT_EQ(health.first_token_p95, 95ms);
    EXPECT_EQ(values::to_health("a", {}, world.now).first_token_p95, std::nullopt);
}

TEST(RegionHealthTracker, StreamsAndPlainAnswersAreNeverMixed) {
    World world(2);
    for (int i = 0; i < 5; ++i) world.stream(0, 100);
    auto plain = world.dispatch(0, Awaited::plain);
    world.now += 4s;
    world.regions.on_alive(0, world.now);
    world.regions.on_outcome(plain, FailureClass::success, world.now);
    EXPECT_LT(world.latency(0, Awaited::stream), 110);
    EXPECT_GT(world.latency(0, Awaited::plain), 3'900);
}

TEST(RegionHealthTracker, AModelsOwnFiguresCountOnceThereAreTwenty) {
    World world(2);
    const auto slow_model = world.regions.model_id("slow");
    for (int i = 0; i < 30; ++i) world.stream(0, 100);
    world.model = slow_model;
    for (int i = 0; i < 19; ++i) world.stream(0, 1'000);
    const auto before = world.latency(0);
    for (int i = 0; i < 5; ++i) world.stream(0, 1'000);
    EXPECT_GT(world.latency(0), before);
    EXPECT_NEAR(world.latency(0), 1'000, 150);
}

TEST(RegionHealthTracker, ATimeoutCountsAsSlownessNotAsItsOwnShortTime) {
    World world(2);
    for (int i = 0; i < 10; ++i) world.stream(0, 100);
    auto ticket = world.dispatch(0);
    world.now += 3s;
    world.regions.on_outcome(ticket, FailureClass::timeout, world.now);
    EXPECT_GT(world.latency(0), 300);
}

TEST(RegionHealthTracker, OneThatWasGivenUpCountsAsAtLeastAsSlowAsItWaited) {
    World world(2);
    for (int i = 0; i < 10; ++i) world.stream(0, 100);
    auto lost = world.dispatch(0);
    world.now += 500ms;
    world.regions.on_outcome(lost, FailureClass::none, world.now);
    EXPECT_GT(world.latency(0), 130);
    EXPECT_EQ(world.regions.error_rate(0, world.now), 0);
}

TEST(RegionHealthTracker, ARegionThatWasSlowOnceDriftsBackToTheOthers) {
    World world(3);
    for (int i = 0; i < 10; ++i) {
        world.stream(0, 2'000);
        world.stream(1, 100);
        world.stream(2, 100);
    }
    ASSERT_GT(world.latency(0), 1'500);
    for (int i = 0; i < 1'200; ++i) {
        world.now += 100ms;
        world.regions.refresh(world.now);
    }
    EXPECT_LT(world.latency(0), 200);
}

TEST(RegionHealthTracker, ALiveRegionThatNobodyAskedForThirtySecondsIsOverdueWhenThereIsTraffic) {
    World world(2);
    world.stream(1, 100);
    for (int i = 0; i < 25; ++i) {
        world.stream(0, 100);
        world.now += 1500ms;
    }
    EXPECT_TRUE(world.regions.view(1, world.model, Awaited::stream, world.now).overdue);
    EXPECT_FALSE(world.regions.view(0, world.model, Awaited::stream, world.now).overdue) << "it had the last call";
    World quiet(2);
    quiet.stream(1, 100);
    quiet.now += 31s;
    EXPECT_FALSE(quiet.regions.view(1, quiet.model, Awaited::stream, quiet.now).overdue);
}

TEST(RegionHealthTracker, TrafficComesBackOverFourSeconds) {
    World world(2);
    for (int i = 0; i < 3; ++i) world.end_with(0, FailureClass::transport);
    world.now += 3s;
    for (int i = 0; i < 3; ++i) world.end_with(0, FailureClass::success);
    const auto ramp = [&] { return world.regions.view(0, world.model, Awaited::stream, world.now).ramp; };
    EXPECT_DOUBLE_EQ(ramp(), 0.1);
    world.now += 2s;
    EXPECT_DOUBLE_EQ(ramp(), 0.5);
    world.now += 10s;
    EXPECT_DOUBLE_EQ(ramp(), 1);
}

TEST(RegionHealthTracker, MoreThanHalfOfTheWeightInTroubleIsGeneralTrouble) {
    World world(3);
    for (int i = 0; i < 3; ++i) world.end_with(0, FailureClass::transport);
    world.now += 100ms;
    world.regions.refresh(world.now);
    EXPECT_FALSE(world.regions.general_trouble());
    for (int i = 0; i < 3; ++i) world.end_with(1, FailureClass::transport);
    world.now += 100ms;
    world.regions.refresh(world.now);
    EXPECT_TRUE(world.regions.general_trouble());
}

TEST(RegionHealthTracker, OneFarSlowerThanItsHabitIsNotInGoodShape) {
    World world(2);
    for (int i = 0; i < 40; ++i) {
        world.stream(0, 100);
        world.regions.refresh(world.now);
    }
    EXPECT_TRUE(world.regions.in_good_shape(0, world.model, world.now));
    for (int i = 0; i < 10; ++i) {
        world.stream(0, 600);
        world.regions.refresh(world.now);
    }
    EXPECT_FALSE(world.regions.in_good_shape(0, world.model, world.now));
    EXPECT_TRUE(world.regions.healthy(0, world.model, world.now)) << "slow is not sick";
}

// ---- probes ----

TEST(ProbeSchedule, TheFirstProbesComeWithinTheUnhealthyInterval) {
    World world(50);
    world.regions.start_probes(world.now);
    EXPECT_LT(*world.regions.next_probe_at(), world.now + 100ms) << "spread over the second";
    int due = 0;
    for (std::size_t i = 0; i < 50; ++i) due += world.regions.take_due_probe(i, world.now + 1s) ? 1 : 0;
    EXPECT_EQ(due, 50);
}

TEST(ProbeSchedule, HealthyRegionsAreProbedEveryTenSecondsOthersEverySecond) {
    World world(2);
    world.regions.start_probes(world.now);
    const auto probes_within = [&](bool good, nanoseconds span) {
        int probes = 0;
        for (const auto end = world.now + span; world.now < end; world.now += 10ms) {
            if (!world.regions.take_due_probe(0, world.now)) continue;
            ++probes;
            world.regions.on_probe_end(0, {.answered = good, .good = good, .took = 5ms}, world.now);
        }
        return probes;
    };
    EXPECT_THAT(probes_within(true, 60s), ::testing::AllOf(::testing::Ge(5), ::testing::Le(9)));
    EXPECT_THAT(probes_within(false, 60s), ::testing::AllOf(::testing::Ge(45), ::testing::Le(80)));
}

TEST(ProbeSchedule, TrafficIsTheProbe) {
    World world(1);
    world.probe(0, true);
    world.regions.start_probes(world.now);
    int probes = 0;
    for (const auto end = world.now + 60s; world.now < end; world.now += 100ms) {
        world.end_with(0, FailureClass::success);
        probes += world.regions.take_due_probe(0, world.now) ? 1 : 0;
    }
    EXPECT_EQ(probes, 0);
}

TEST(ProbeSchedule, AnIdleClientProbesOnceAMinute) {
    World world(1);
    world.regions.start_probes(world.now);
    world.probe(0, true);
    world.now += 6min;
    int probes = 0;
    for (const auto end = world.now + 10min; world.now < end; world.now += 100ms) {
        if (!world.regions.take_due_probe(0, world.now)) continue;
        ++probes;
        world.regions.on_probe_end(0, {.answered = true, .good = true, .took = 5ms}, world.now);
    }
    EXPECT_THAT(probes, ::testing::AllOf(::testing::Ge(8), ::testing::Le(13)));
}

TEST(ProbeSchedule, AFailureMakesTheNextProbeSoon) {
    World world(2);
    world.regions.start_probes(world.now);
    world.probe(0, true);
    world.probe(1, true);
    ASSERT_GT(*world.regions.next_probe_at(), world.now + 5s);
    world.end_with(0, FailureClass::transport);
    EXPECT_LT(*world.regions.next_probe_at(), world.now + 1300ms);
}

TEST(ProbeSchedule, AProbeHasAsLongAsProbesTakeThere) {
    World world(1);
    EXPECT_EQ(world.regions.probe_timeout(0), 2s) << "nothing is known yet";
    for (int i = 0; i < 20; ++i) world.probe(0, true);
    EXPECT_EQ(world.regions.probe_timeout(0), 50ms) << "never less";
    world.now += 1s;
    world.probe(0, false);
    world.regions.on_late_probe(0, 300ms, world.now);
    EXPECT_GT(world.regions.probe_timeout(0), 300ms) << "the late answer shows that probes take longer now";
    EXPECT_EQ(world.liveness(0), Liveness::healthy);
}

TEST(ProbeSchedule, OnlyOneProbePerRegionIsOut) {
    World world(1);
    EXPECT_TRUE(world.regions.take_probe(0, world.now));
    EXPECT_FALSE(world.regions.take_probe(0, world.now));
    world.regions.on_probe_end(0, {}, world.now);
    EXPECT_TRUE(world.regions.take_probe(0, world.now));
}

// ---- signs of life that calls wait for ----

struct Watched : World {
    Watched() : World(2) {
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

TEST(SignOfLife, IsAskedForOnceARegionWithWaitingAttemptsIsSilentForASecond) {
    Watched world;
    auto ticket = world.dispatch(0);
    EXPECT_TRUE(world.regions.watch(ticket, world.now));
    world.now += 999ms;
    EXPECT_FALSE(world.regions.take_due_probe(0, world.now));
    world.now += 1ms;
    EXPECT_TRUE(world.regions.take_due_probe(0, world.now));
    world.regions.on_probe_end(0, {.answered = true, .good = true}, world.now);
    world.now += 500ms;
    world.regions.on_alive(0, world.now);
    world.now += 999ms;
    EXPECT_FALSE(world.regions.take_due_probe(0, world.now)) << "any byte puts it off";
    world.now += 1ms;
    EXPECT_TRUE(world.regions.take_due_probe(0, world.now));
}

TEST(SignOfLife, IsAskedForAtOnceWhereTheRegionWasSilentBefore) {
    Watched world;
    world.now += 3s;
    auto ticket = world.dispatch(0);
    EXPECT_TRUE(world.regions.watch(ticket, world.now));
    EXPECT_TRUE(world.regions.take_due_probe(0, world.now));
}

TEST(SignOfLife, OneQuestionIsEnoughForTenThousandAttempts) {
    Watched world;
    std::vector<AttemptToken> tickets;
    for (int i = 0; i < 10'000; ++i) {
        tickets.push_back(world.dispatch(0));
        EXPECT_EQ(world.regions.watch(tickets.back(), world.now), i == 0);
    }
    int asked = 0;
    for (const auto end = world.now + 10s; world.now < end; world.now += 10ms) {
        if (world.regions.take_due_probe(0, world.now)) {
            ++asked;
            world.regions.on_probe_end(0, {.answered = true, .good = true}, world.now);
        }
    }
    EXPECT_LE(asked, 10);
    for (auto& ticket : tickets) world.regions.on_outcome(ticket, FailureClass::none, world.now);
}

TEST(SignOfLife, IsNotAskedForWhenTheLastAttemptIsOver) {
    Watched world;
    auto ticket = world.dispatch(0);
    world.regions.watch(ticket, world.now);
    world.regions.on_outcome(ticket, FailureClass::none, world.now);
    world.now += 1500ms;
    EXPECT_FALSE(world.regions.take_due_probe(0, world.now));
}

TEST(SignOfLife, ARegionIsFoundDeadByTwoProbesAndSilence) {
    Watched world;
    world.now += 1s;
    world.probe(0, false);
    EXPECT_FALSE(world.regions.found_dead(0, world.now));
    world.now += 1s;
    world.probe(0, false);
    EXPECT_TRUE(world.regions.found_dead(0, world.now));
    world.regions.on_alive(0, world.now);
    EXPECT_FALSE(world.regions.found_dead(0, world.now));
}

TEST(SignOfLife, AHeadDoesNotExcuseTheSilenceAfterIt) {
    Watched world;
    auto ticket = world.dispatch(0);
    world.regions.on_alive(0, world.now + 10ms);
    world.regions.on_late(ticket, world.now + 1s, true);
    EXPECT_EQ(world.regions.error_rate(0, world.now + 1s), 0);
    world.regions.on_late(ticket, world.now + 1010ms, true);
    EXPECT_GT(world.regions.error_rate(0, world.now + 1010ms), 0);
}

TEST(SignOfLife, ARegionThatRefusesProbesIsDownButNotSilent) {
    Watched world;
    for (int i = 0; i < 3; ++i) {
        world.now += 1s;
        world.regions.take_probe(0, world.now);
        world.regions.on_probe_end(0, {.refused = true}, world.now);
    }
    EXPECT_EQ(world.liveness(0), Liveness::down);
    EXPECT_FALSE(world.regions.found_dead(0, world.now)) << "it may finish the streams that it has";
}

TEST(SignOfLife, IsNotAskedForAgainAndAgainWhereProbesCannotBeSent) {
    Watched world;
    auto ticket = world.dispatch(0);
    world.regions.watch(ticket, world.now);
    world.now += 1s;
    ASSERT_TRUE(world.regions.take_due_probe(0, world.now));
    world.regions.on_probe_end(0, {}, world.now);
    int sent = 0;
    for (const auto end = world.now + 10s; world.now < end; world.now += 10ms) {
        if (!world.regions.take_due_probe(0, world.now)) continue;
        ++sent;
        world.regions.on_probe_end(0, {.unsent = true}, world.now);
    }
    EXPECT_LE(sent, 21);
}

TEST(SignOfLife, IsAskedForTwiceInARowWhereItIsMissed) {
    Watched world;
    auto ticket = world.dispatch(0);
    world.regions.watch(ticket, world.now);
    const auto miss = [&world](nanoseconds after) {
        world.now += after;
        EXPECT_TRUE(world.regions.take_due_probe(0, world.now));
        world.now += 50ms;
        world.regions.on_probe_end(0, {}, world.now);
    };
    miss(1s);
    EXPECT_FALSE(world.regions.seems_dead(0, world.now));
    miss(0s);
    EXPECT_TRUE(world.regions.seems_dead(0, world.now));
    EXPECT_FALSE(world.regions.found_dead(0, world.now)) << "one disturbance may have silenced both";
    EXPECT_FALSE(world.regions.take_due_probe(0, world.now)) << "no third one at once";
    miss(950ms);
    EXPECT_TRUE(world.regions.found_dead(0, world.now));
    world.regions.on_alive(0, world.now);
    EXPECT_FALSE(world.regions.seems_dead(0, world.now));
}

TEST(SignOfLife, IsNotPutOffByTheEarlyHeadsOfOtherCalls) {
    Watched world;
    auto ticket = world.dispatch(0);
    world.regions.watch(ticket, world.now);
    world.now += 900ms;
    world.regions.on_early_head(0, world.now);
    world.now += 100ms;
    EXPECT_TRUE(world.regions.take_due_probe(0, world.now));
}

TEST(SignOfLife, AnEarlyHeadProvesThePathAndNoMore) {
    Watched world;
    world.now += 10ms;
    auto ticket = world.dispatch(0);
    world.regions.on_early_head(0, world.now + 20ms);
    world.regions.on_late(ticket, world.now + 200ms, false);
    EXPECT_EQ(world.regions.error_rate(0, world.now), 0) << "an acknowledgement is late for other reasons";
    world.regions.on_late(ticket, world.now + 200ms, true);
    EXPECT_GT(world.regions.error_rate(0, world.now), 0);
}

// ---- probes that go unanswered while calls are answered ----

TEST(ProbePath, EarlyHeadsAreNoAnswers) {
    Watched world;
    for (int i = 0; i < 3; ++i) {
        world.now += 1s;
        ASSERT_TRUE(world.regions.take_probe(0, world.now));
        world.regions.on_early_head(0, world.now + 10ms);
        world.now += 50ms;
        world.regions.on_probe_end(0, {}, world.now);
        world.regions.on_early_head(0, world.now + 10ms);
    }
    EXPECT_TRUE(world.regions.found_dead(0, world.now));
    EXPECT_EQ(world.liveness(0), Liveness::down);
    EXPECT_THAT(world.regions.take_notices().dead, ::testing::Contains(0U));
}

TEST(ProbePath, WhereProbesWereNeverAnsweredButCallsAreTheyAreNoEvidence) {
    World world(2);
    world.probe(0, false);
    world.now += 100ms;
    world.regions.on_alive(0, world.now);
    world.regions.take_notices();
    for (int i = 0; i < 5; ++i) {
        world.now += 2s;
        EXPECT_TRUE(world.regions.take_probe(0, world.now));
        world.regions.on_probe_end(0, {}, world.now);
    }
    EXPECT_EQ(world.liveness(0), Liveness::healthy);
    EXPECT_EQ(world.breaker(0), BreakerState::closed);
    EXPECT_THAT(world.regions.take_notices().dead, IsEmpty());
    EXPECT_STREQ(world.facts(0).liveness_reason, "answers calls, but no probes, so probes only connect");
}

TEST(ProbePath, AContradictionIsSettledByAProbeAtOnce) {
    Watched world;
    world.now += 2s;
    world.probe(0, false);
    world.now += 100ms;
    world.regions.on_alive(0, world.now);
    EXPECT_TRUE(world.regions.take_due_probe(0, world.now)) << "traffic does not take its place";
}

TEST(ProbePath, AConnectionThatFailsIsEvidenceAllTheSame) {
    World world(2);
    world.probe(0, false);
    world.now += 100ms;
    world.regions.on_alive(0, world.now);
    for (int i = 0; i < 2; ++i) {
        world.now += 2s;
        world.regions.take_probe(0, world.now);
        world.regions.on_probe_end(0, {.bare = true}, world.now);
    }
    EXPECT_EQ(world.liveness(0), Liveness::down);
}

// ---- evidence from connections ----

TEST(OnConnection, TcpsOwnRoundTripIsBetterThanTheTimeToConnect) {
    World world(1);
    const AttemptTimings fresh{.dns = 5ms, .connect = 1025ms, .tls = 1100ms};  // the first packet was lost
    world.regions.on_connection(0, &fresh, PathEvidence{.srtt = 20ms, .rttvar = 10ms}, world.now);
    EXPECT_EQ(world.regions.rtt(0).srtt(), 20ms);
    EXPECT_NE(world.regions.connect_late_after(0), std::nullopt);
}

TEST(OnConnection, WithoutEvidenceTheTimeToConnectCounts) {
    World world(1);
    const AttemptTimings fresh{.dns = 5ms, .connect = 25ms};
    world.regions.on_connection(0, &fresh, std::nullopt, world.now);
    EXPECT_EQ(world.regions.rtt(0).srtt(), 20ms);
}

TEST(OnConnection, AProxysRoundTripIsNotTheRegions) {
    World world(1);
    const AttemptTimings fresh{.connect = 1ms, .tls = 80ms};
    world.regions.on_connection(0, &fresh, PathEvidence{.srtt = 1ms, .via_proxy = true}, world.now);
    EXPECT_FALSE(world.regions.rtt(0).known());
    EXPECT_NE(world.regions.connect_late_after(0), std::nullopt) << "it is the way there all the same";
}

TEST(OnConnection, AnOldConnectionsVariationCounts) {
    World world(1);
    for (int i = 0; i < 100; ++i) {
        world.regions.on_connection(0, nullptr, PathEvidence{.srtt = 200ms, .rttvar = 50ms}, world.now);
    }
    EXPECT_NEAR(static_cast<double>(world.regions.rtt(0).rttvar().count()), 50e6, 1e3);
}

}  // namespace
}  // namespace holysheep::health
