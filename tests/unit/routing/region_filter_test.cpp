// The regions that a call may use, and those that are excluded.
#include "routing/region_filter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holysheep::routing {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::vector<Region> kRegions{{.id = "us-west", .zone = "us"},
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
    EXPECT_THAT(allowed(kRegions), ElementsAre("us-west", "eu-central", "eu-north", "ap-southeast"));
}

TEST(RegionFilter, AnAllowListNamesIdsOrZones) {
    EXPECT_THAT(allowed(kRegions, {"eu"}), ElementsAre("eu-central", "eu-north"));
    EXPECT_THAT(allowed(kRegions, {"ap-southeast", "us"}), ElementsAre("us-west", "ap-southeast"));
    EXPECT_THAT(allowed(kRegions, {"mars"}), IsEmpty());
}

TEST(RegionFilter, ExclusionWinsOverTheAllowList) {
    EXPECT_THAT(allowed(kRegions, {}, {"eu"}), ElementsAre("us-west", "ap-southeast"));
    EXPECT_THAT(allowed(kRegions, {"eu"}, {"eu-north"}), ElementsAre("eu-central"));
    EXPECT_THAT(allowed(kRegions, {"eu-north"}, {"eu"}), IsEmpty());
}

TEST(RegionFilter, AnEmptyNameMeansNoZone) {
    EXPECT_THAT(allowed(kRegions, {""}), IsEmpty()) << "must not match a region without a zone";
    EXPECT_THAT(allowed(kRegions, {}, {""}), ElementsAre("us-west", "eu-central", "eu-north", "ap-southeast"));
}

}  // namespace
}  // namespace holysheep::routing
