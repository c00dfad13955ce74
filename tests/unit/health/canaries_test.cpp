// While no region is usable: how often a call may try a blocked region, and what its success or failure changes.
#include <gtest/gtest.h>

#include <vector>

#include "health/region_health_tracker.hpp"

namespace holysheep::health {
namespace {

using namespace std::chrono_literals;

constexpr Clock::time_point kNow{1h};

/// Two regions and two models.
struct World {
    Clock::time_point now = kNow;
    RegionHealthTracker regions{std::vector<Region>{{.id = "a"}, {.id = "b"}}, HealthOptions{}, BreakerOptions{}, 7};
    ModelId model = regions.model_id("m"), other = regions.model_id("another");

    void fail(ModelId asked, FailureClass charge, int times) {
        for (int i = 0; i < times; ++i) {
            auto ticket = regions.on_dispatch(0, asked, Awaited::stream, now);
            regions.on_outcome(ticket, charge, now);
        }
    }
    AttemptToken canary(ModelId asked) { return regions.on_dispatch(0, asked, Awaited::stream, now, true); }
    Clock::time_point next(ModelId asked) const { return regions.canary_at(0, asked, now); }
    bool blocked(ModelId asked) const { return !regions.breakers_closed(0, asked, now); }
};

TEST(Canaries, OneGoesOutEvery300To500MillisecondsForAllModels) {
    World world;
    world.fail(world.model, FailureClass::transport, 3);
    ASSERT_TRUE(world.blocked(world.other));
    EXPECT_EQ(world.next(world.model), world.now) << "the first at once";
    auto ticket = world.canary(world.model);
    EXPECT_TRUE(ticket.is_canary());
    for (const auto model : {world.model, world.other}) {
        EXPECT_GE(world.next(model), world.now + 300ms);
        EXPECT_LE(world.next(model), world.now + 500ms);
        EXPECT_TRUE(world.regions.canary_out_since(0, model, world.now));
    }
    world.regions.on_outcome(ticket, FailureClass::transport, world.now);
    EXPECT_FALSE(world.regions.canary_out_since(0, world.model, world.now));
}

TEST(Canaries, AnAnsweredProbeLetsTheNextOneGoAtOnce) {
    World world;
    world.fail(world.model, FailureClass::transport, 3);
    auto ticket = world.canary(world.model);
    world.regions.on_outcome(ticket, FailureClass::transport, world.now);
    ASSERT_GT(world.next(world.model), world.now);
    world.regions.on_probe_end(0, {.answered = true, .good = true, .took = 10ms}, world.now);
    EXPECT_EQ(world.next(world.model), world.now);
}

TEST(Canaries, TheFirstThatIsAnsweredClosesTheBreaker) {
    World world;
    world.fail(world.model, FailureClass::transport, 3);
    auto ticket = world.canary(world.model);
    world.regions.on_first_content(ticket, world.now);
    EXPECT_FALSE(world.blocked(world.model));
    EXPECT_FALSE(world.regions.canary_out_since(0, world.model, world.now));
}

TEST(Canaries, EachModelThatFailsInALivingRegionHasItsOwn) {
    World world;
    for (const auto model : {world.model, world.other}) world.fail(model, FailureClass::timeout, 5);
    ASSERT_TRUE(world.blocked(world.model));
    ASSERT_TRUE(world.blocked(world.other));
    ASSERT_EQ(world.regions.facts(0, world.now).breaker, BreakerState::closed);
    auto ticket = world.canary(world.model);
    EXPECT_GE(world.next(world.model), world.now + 300ms);
    EXPECT_EQ(world.next(world.other), world.now);
    EXPECT_TRUE(world.regions.canary_out_since(0, world.model, world.now));
    EXPECT_FALSE(world.regions.canary_out_since(0, world.other, world.now));
    world.regions.on_first_content(ticket, world.now);
    EXPECT_FALSE(world.blocked(world.model));
    EXPECT_TRUE(world.blocked(world.other));
}

TEST(Canaries, OneWhoseModelWasForgottenEndsLikeAnyOther) {
    World world;
    world.fail(world.model, FailureClass::timeout, 5);
    auto ticket = world.canary(world.model);
    for (int i = 0; i < 1'000; ++i) {
        world.regions.limit_until(0, world.regions.model_id("made up " + std::to_string(i)), kNow + 1h);
    }
    world.regions.on_outcome(ticket, FailureClass::timeout, world.now);
    EXPECT_FALSE(world.regions.canary_out_since(0, world.model, world.now));
}

}  // namespace
}  // namespace holysheep::health
