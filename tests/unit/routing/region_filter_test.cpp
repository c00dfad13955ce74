// The regions that a call may use, and those that are excluded.
#include "routing/region_filter.hpp"

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

std::vector<std::string> allowed(const std::vector<Region>& regions, const std::vector<std::string>& only = {},
                                 const std::vector<std::string>& excluded = {}) {
    std::vector<std::string> ids;
    for (const auto i : allowed_regions(regions, {only, excluded})) ids.push_back(regions[i].id);
    return ids;
}

TEST(RegionFilter, KeepsTheConfiguredOrder) {
    EXPECT_THAT(allowed(kWorld), ElementsAre("us-west", "eu-central", "eu-north", "ap-southeast"));
}

TEST(RegionFilter, AnAllowListNamesIdsOrZones) {
    EXPECT_THAT(allowed(kWorld, {"eu"}), ElementsAre("eu-central", "eu-north"));
    EXPECT_THAT(allowed(kWorld, {"ap-southeast", "us"}), ElementsAre("us-west", "ap-southeast"));
    EXPECT_THAT(allowed(kWorld, {"mars"}), IsEmpty());
}

TEST(RegionFilter, ExclusionWinsOverTheAllowList) {
    EXPECT_THAT(allowed(kWorld, {}, {"eu"}), ElementsAre("us-west", "ap-southeast"));
    EXPECT_THAT(allowed(kWorld, {"eu"}, {"eu-north"}), ElementsAre("eu-central"));
    EXPECT_THAT(allowed(kWorld, {"eu-north"}, {"eu"}), IsEmpty());
}

TEST(RegionFilter, AnEmptyNameMeansNoZone) {
    EXPECT_THAT(allowed(kWorld, {""}), IsEmpty()) << "a region without a zone must not match it";
    EXPECT_THAT(allowed(kWorld, {}, {""}), ElementsAre("us-west", "eu-central", "eu-north", "ap-southeast"));
}

}  // namespace
}  // namespace holysheep::routing
