// Places in regions, and the queue in front of them.
#include "resilience/bulkhead.hpp"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holysheep::resilience {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using enum Bulkhead::Guest;

constexpr Bulkhead::time_point kStart{1h};

std::vector<Bulkhead::Wish> wishes(const std::vector<std::size_t>& regions, Lane lane = {}) {
    std::vector<Bulkhead::Wish> all;
    for (const auto region : regions) all.push_back({region, lane});
    return all;
}

/// Two regions of one place each; who is told of room writes its name down.
class Inn {
  public:
    explicit Inn(int queue = 10) : bulkhead(2, {.max_per_region = 1, .queue = queue}, 1) {
        for (const std::size_t region : {0U, 1U}) places.push_back(bulkhead.enter(region, {}, kStart));
    }
    Bulkhead::Seat seat(std::string name, std::vector<std::size_t> regions, Bulkhead::time_point since = kStart,
                        int priority = 1, Bulkhead::Guest guest = fresh) {
        return bulkhead.join(wishes(regions), since, priority, guest, [this, name] { told.push_back(name); });
    }

    Bulkhead bulkhead;
    std::vector<Bulkhead::Place> places;
    std::vector<std::string> told;
};

TEST(Bulkhead, WhoLeavesTellsTheFirstThatWantsThatRegion) {
    Inn inn;
    const auto near = inn.seat("near", {0}), far = inn.seat("far", {1}), any = inn.seat("any", {0, 1});
    inn.places[1].leave();
    EXPECT_THAT(inn.told, ElementsAre("far"));
    EXPECT_TRUE(inn.bulkhead.has_room(1, {}, kStart));
    EXPECT_FALSE(inn.bulkhead.has_room(0, {}, kStart));
}

TEST(Bulkhead, TheOrderIsByAgeAndAClassIsFiveSeconds) {
    Inn inn;
    const auto low = inn.seat("low", {0}, kStart, 2), younger = inn.seat("younger", {0}, kStart + 1s);
    auto high = inn.seat("high", {0}, kStart + 5s, 0);
    inn.places[0].leave();
    EXPECT_THAT(inn.told, ElementsAre("high"));
    high.leave();
    EXPECT_THAT(inn.told, ElementsAre("high", "younger")) << "it was told of room that it did not take";
}

TEST(Bulkhead, RoomThatTheFirstCannotUseIsPassedOn) {
    Inn inn;
    auto first = inn.seat("first", {0, 1});
    auto other = inn.seat("other", {0}), second = inn.seat("second", {1});
    inn.places[1].leave();
    first.pass_on(wishes({0, 1}));
    EXPECT_THAT(inn.told, ElementsAre("first", "second"));
    second.pass_on(wishes({1}));
    EXPECT_THAT(inn.told, ElementsAre("first", "second")) << "there is nobody behind it";
}

TEST(Bulkhead, AFullQueueTakesOnlyThoseThatReturn) {
    Inn inn(1);
    const auto first = inn.seat("first", {0});
    EXPECT_FALSE(inn.seat("second", {0}));
    const auto back = inn.seat("back", {0}, kStart - 1s, 1, returning);
    EXPECT_TRUE(back);
    inn.places[0].leave();
    EXPECT_THAT(inn.told, ElementsAre("back")) << "by its age";
}

TEST(Bulkhead, ASeatThatGoesOutOfScopeIsLeft) {
    Inn inn(1);
    { const auto seat = inn.seat("gone", {0}); }
    EXPECT_EQ(inn.bulkhead.waiting(), 0U);
    inn.places[0].leave();
    EXPECT_THAT(inn.told, ElementsAre());
}

// ---- what regions refuse ----

constexpr Lane kLane{.model = 7, .account = 1}, kOtherModel{.model = 8, .account = 1},
    kOtherKey{.model = 7, .account = 2};

/// One region, of which three requests at a time are known to be enough.
class FullRegion {
  public:
    explicit FullRegion(bool adaptive = true) : bulkhead(1, {.adaptive = adaptive}, 1) {
        for (int i = 0; i < 3; ++i) places.push_back(bulkhead.enter(0, kLane, kStart));
        auto refused = bulkhead.enter(0, kLane, kStart);
        refused.refused({}, kStart);
    }
    Bulkhead::Seat seat(std::string name, Bulkhead::time_point since, Lane lane = kLane) {
        return bulkhead.join(wishes({0}, lane), since, 1, returning, [this, name] { told.push_back(name); });
    }

    Bulkhead bulkhead;
    std::vector<Bulkhead::Place> places;
    std::vector<std::string> told;
};

TEST(Bulkhead, WhatARegionRefusedIsItsLimit) {
    FullRegion region;
    EXPECT_FALSE(region.bulkhead.has_room(0, kLane, kStart));
    EXPECT_EQ(region.bulkhead.load_limit(0, kLane, kStart), 3);
    region.places.pop_back();
    EXPECT_TRUE(region.bulkhead.has_room(0, kLane, kStart));
}

TEST(Bulkhead, ALimitIsOfOneModelAndKey) {
    FullRegion region;
    EXPECT_TRUE(region.bulkhead.has_room(0, kOtherModel, kStart));
    EXPECT_TRUE(region.bulkhead.has_room(0, kOtherKey, kStart));
    EXPECT_EQ(region.bulkhead.load_limit(0, kOtherKey, kStart), std::nullopt);
    EXPECT_EQ(region.bulkhead.load_limit(0, kStart), 3) << "the lowest of any model and key";
}

TEST(Bulkhead, NothingIsLearnedWhereThatIsOff) {
    FullRegion region(false);
    EXPECT_TRUE(region.bulkhead.has_room(0, kLane, kStart));
    EXPECT_EQ(region.bulkhead.load_limit(0, kStart), std::nullopt);
}

TEST(Bulkhead, RoomIsForTheOldestThatWaits) {
    FullRegion region;
    const auto younger = region.seat("younger", kStart + 1s), older = region.seat("older", kStart);
    region.places.pop_back();
    EXPECT_THAT(region.told, ElementsAre("older"));
    const auto now = kStart + 2s;
    EXPECT_TRUE(region.bulkhead.has_room_for(0, kLane, older.order(), now));
    EXPECT_FALSE(region.bulkhead.has_room_for(0, kLane, younger.order(), now));
    const Bulkhead::Order newcomer{Bulkhead::age(now, 1), ~std::uint64_t{0}};
    EXPECT_FALSE(region.bulkhead.has_room_for(0, kLane, newcomer, now)) << "two wait before it";
    EXPECT_TRUE(region.bulkhead.has_room_for(0, kOtherModel, newcomer, now)) << "nobody waits for that";
}

TEST(Bulkhead, WhoCannotUseTheRoomStandsInNobodysWay) {
    FullRegion region;
    auto first = region.seat("first", kStart);
    const auto second = region.seat("second", kStart + 1s);
    region.places.pop_back();
    EXPECT_FALSE(region.bulkhead.has_room_for(0, kLane, second.order(), kStart + 2s));
    first.pass_on(wishes({0}, kLane));
    EXPECT_THAT(region.told, ElementsAre("first", "second"));
    EXPECT_TRUE(region.bulkhead.has_room_for(0, kLane, second.order(), kStart + 2s));
}

TEST(Bulkhead, ManyThatWaitForAFullLaneDoNotHideTheOnesBehind) {
    FullRegion region;
    auto other = region.bulkhead.enter(0, kOtherModel, kStart);
    { region.bulkhead.enter(0, kOtherModel, kStart).refused({}, kStart); }
    std::vector<Bulkhead::Seat> crowd;
    for (int i = 0; i < 500; ++i) crowd.push_back(region.seat("crowd", kStart));
    const auto behind = region.seat("behind", kStart + 1s, kOtherModel);
    region.told.clear();
    other.leave();
    EXPECT_THAT(region.told, ElementsAre("behind"));
    EXPECT_TRUE(behind.near_front());
    EXPECT_FALSE(crowd.back().near_front());
}

TEST(Bulkhead, OneThatLooksWithoutBeingCalledWakesNobody) {
    FullRegion region;
    auto first = region.seat("first", kStart);
    const auto second = region.seat("second", kStart + 1s);
    first.pass_on(wishes({0}, kLane));
    EXPECT_THAT(region.told, ElementsAre());
}

TEST(Bulkhead, ManyLanesAreForgottenOnceTheyAreIdle) {
    FullRegion region;
    for (std::uint64_t model = 100; model < 10'000; ++model) {
        auto place = region.bulkhead.enter(0, {.model = model, .account = 1}, kStart);
        place.refused({}, kStart);
    }
    EXPECT_FALSE(region.bulkhead.has_room(0, kLane, kStart)) << "what is in flight counts on";
    EXPECT_EQ(region.bulkhead.load_limit(0, {.model = 100, .account = 1}, kStart), std::nullopt);
}

}  // namespace
}  // namespace holysheep::resilience
