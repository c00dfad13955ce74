// While no region is usable: how often a call may try a blocked region, and what its success or failure changes.
#include <gtest/gtest.h>

#include <vector>

#include "health/region_health_tracker.hpp"

namespace holysheep::health {
namespace {

using namespace std::chrono_literals;

constexpr Clock::time_point kNow{1h};

/// Two regions and two models.
struct TwoRegions {
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

TEST(Canaries, OneIsSentEvery300To500MillisecondsForAllModels) {
    TwoRegions tracked;
    tracked.fail(tracked.model, FailureClass::transport, 3);
    ASSERT_TRUE(tracked.blocked(tracked.other));
    EXPECT_EQ(tracked.next(tracked.model), tracked.now) << "the first is sent at once";
    auto ticket = tracked.canary(tracked.model);
    EXPECT_TRUE(ticket.is_canary());
    for (const auto model : {tracked.model, tracked.other}) {
        EXPECT_GE(tracked.next(model), tracked.now + 300ms);
        EXPECT_LE(tracked.next(model), tracked.now + 500ms);
        EXPECT_TRUE(tracked.regions.canary_out_since(0, model, tracked.now));
    }
    tracked.regions.on_outcome(ticket, FailureClass::transport, tracked.now);
    EXPECT_FALSE(tracked.regions.canary_out_since(0, tracked.model, tracked.now));
}

TEST(Canaries, AnAnsweredProbeAllowsTheNextOneAtOnce) {
    TwoRegions tracked;
    tracked.fail(tracked.model, FailureClass::transport, 3);
    auto ticket = tracked.canary(tracked.model);
    tracked.regions.on_outcome(ticket, FailureClass::transport, tracked.now);
    ASSERT_GT(tracked.next(tracked.model), tracked.now);
    tracked.regions.on_probe_end(0, {.answered = true, .good = true, .took = 10ms}, tracked.now);
    EXPECT_EQ(tracked.next(tracked.model), tracked.now);
}

TEST(Canaries, TheFirstAnswerClosesTheBreaker) {
    TwoRegions tracked;
    tracked.fail(tracked.model, FailureClass::transport, 3);
    auto ticket = tracked.canary(tracked.model);
    tracked.regions.on_first_content(ticket, tracked.now);
    EXPECT_FALSE(tracked.blocked(tracked.model));
    EXPECT_FALSE(tracked.regions.canary_out_since(0, tracked.model, tracked.now));
}

TEST(Canaries, EachFailingModelOfALiveRegionHasItsOwn) {
    TwoRegions tracked;
    for (const auto model : {tracked.model, tracked.other}) tracked.fail(model, FailureClass::timeout, 5);
    ASSERT_TRUE(tracked.blocked(tracked.model));
    ASSERT_TRUE(tracked.blocked(tracked.other));
    ASSERT_EQ(tracked.regions.facts(0, tracked.now).breaker, BreakerState::closed);
    auto ticket = tracked.canary(tracked.model);
    EXPECT_GE(tracked.next(tracked.model), tracked.now + 300ms);
    EXPECT_EQ(tracked.next(tracked.other), tracked.now);
    EXPECT_TRUE(tracked.regions.canary_out_since(0, tracked.model, tracked.now));
    EXPECT_FALSE(tracked.regions.canary_out_since(0, tracked.other, tracked.now));
    tracked.regions.on_first_content(ticket, tracked.now);
    EXPECT_FALSE(tracked.blocked(tracked.model));
    EXPECT_TRUE(tracked.blocked(tracked.other));
}

TEST(Canaries, OneWhoseModelWasEvictedEndsNormally) {
    TwoRegions tracked;
    tracked.fail(tracked.model, FailureClass::timeout, 5);
    auto ticket = tracked.canary(tracked.model);
    for (int i = 0; i < 1'000; ++i) {
        tracked.regions.limit_until(0, tracked.regions.model_id("made up " + std::to_string(i)), kNow + 1h);
    }
    tracked.regions.on_outcome(ticket, FailureClass::timeout, tracked.now);
    EXPECT_FALSE(tracked.regions.canary_out_since(0, tracked.model, tracked.now));
}

}  // namespace
}  // namespace holysheep::health
