// The order in which a call tries regions, and those that it never visits.
#include "routing/ordered_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holysheep::routing {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::vector<Region> kWorld{{.id = "us-west", .zone = "us"},
                                 {.id = "eu-central", .zone = "eu"},
                                 {.id = "eu-north", .zone = "eu"},
                                 {.id = "ap-southeast"}};

std::vector<std::string> order(const std::vector<Region>& regions, const std::vector<std::string>& allowed = {},
                               const std::vector<std::string>& excluded = {}) {
    std::vector<std::string> ids;
    for (const auto i : ordered_plan(regions, {allowed, excluded})) ids.push_back(regions[i].id);
    return ids;
}

TEST(OrderedPlan, KeepsTheConfiguredOrderAmongEquals) {
    EXPECT_THAT(order(kWorld), ElementsAre("us-west", "eu-central", "eu-north", "ap-southeast"));
}

TEST(OrderedPlan, HigherWeightGoesFirst) {
    EXPECT_THAT(order({{.id = "a", .weight = 1}, {.id = "b", .weight = 3}, {.id = "c", .weight = 0.5}, {.id = "d"}}),
                ElementsAre("b", "a", "d", "c"));
}

TEST(OrderedPlan, PriorityCountsBeforeWeight) {
    EXPECT_THAT(order({{.id = "reserve", .weight = 100, .priority = 1},
                       {.id = "b", .weight = 1},
                       {.id = "first", .weight = 0.1, .priority = -1}}),
                ElementsAre("first", "b", "reserve"));
}

TEST(OrderedPlan, AnAllowListNamesIdsOrZones) {
    EXPECT_THAT(order(kWorld, {"eu"}), ElementsAre("eu-central", "eu-north"));
    EXPECT_THAT(order(kWorld, {"ap-southeast", "us"}), ElementsAre("us-west", "ap-southeast"));
    EXPECT_THAT(order(kWorld, {"mars"}), IsEmpty());
}

TEST(OrderedPlan, ExclusionWinsOverTheAllowList) {
    EXPECT_THAT(order(kWorld, {}, {"eu"}), ElementsAre("us-west", "ap-southeast"));
    EXPECT_THAT(order(kWorld, {"eu"}, {"eu-north"}), ElementsAre("eu-central"));
    EXPECT_THAT(order(kWorld, {"eu-north"}, {"eu"}), IsEmpty());
}

TEST(OrderedPlan, AnEmptyNameMeansNoZone) {
    EXPECT_THAT(order(kWorld, {""}), IsEmpty()) << "a region without a zone must not match it";
    EXPECT_THAT(order(kWorld, {}, {""}), ElementsAre("us-west", "eu-central", "eu-north", "ap-southeast"));
}

}  // namespace
}  // namespace holysheep::routing
