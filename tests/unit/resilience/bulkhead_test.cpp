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

/// Two regions of one place each; who is told of room writes its name down.
class Inn {
  public:
    explicit Inn(int queue = 10) : bulkhead(2, {.max_per_region = 1, .queue = queue}) {
        for (const std::size_t region : {0U, 1U}) places.push_back(bulkhead.enter(region));
    }
    Bulkhead::Seat seat(std::string name, std::vector<std::size_t> regions, Bulkhead::time_point since = kStart,
                        int priority = 1, Bulkhead::Guest guest = fresh) {
        return bulkhead.join(std::move(regions), since, priority, guest, [this, name] { told.push_back(name); });
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
    EXPECT_TRUE(inn.bulkhead.has_room(1));
    EXPECT_FALSE(inn.bulkhead.has_room(0));
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
    first.pass_on();
    EXPECT_THAT(inn.told, ElementsAre("first", "second"));
    second.pass_on();
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

}  // namespace
}  // namespace holysheep::resilience
