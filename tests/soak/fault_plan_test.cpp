// Invariants of the fault plan for many seeds: a lost call is a defect only if a healthy region is left.
#include "fault_plan.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

namespace {

using namespace holysheep::soak;
using namespace std::chrono_literals;

const std::vector<int> kBackends{2, 1, 1};
constexpr std::uint64_t kSeeds = 200;

bool same(const PlannedFault& a, const PlannedFault& b) {
    return a.at == b.at && a.duration == b.duration && a.region == b.region && a.target == b.target && a.kind == b.kind;
}

/// Whether the plan leaves the region healthy from `from` to `to`, inclusive.
bool is_healthy(const std::vector<PlannedFault>& plan, std::size_t region, milliseconds from, milliseconds to) {
    return std::ranges::none_of(plan, [&](const PlannedFault& fault) {
        return fault.region == region && fault.at <= to && fault.at + fault.duration > from;
    });
}

TEST(FaultPlan, IsDeterminedByItsSeed) {
    const auto plan = make_plan(7, 60s, kBackends);
    EXPECT_TRUE(std::ranges::equal(plan, make_plan(7, 60s, kBackends), same));
    EXPECT_FALSE(std::ranges::equal(plan, make_plan(8, 60s, kBackends), same));
}

TEST(FaultPlan, IsTheSameOnEveryPlatform) {
    const auto plan = make_plan(1, 60s, kBackends);
    ASSERT_GT(plan.size(), 3u);
    EXPECT_EQ(to_text(plan[0], {"r1", "r2", "r3"}), "r3 proxy restarted");
    EXPECT_EQ(to_text(plan[3], {"r1", "r2", "r3"}), "r1 backend killed for 1346 ms");
}

TEST(FaultPlan, KeepsARegionHealthyAtAllTimes) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        const auto plan = make_plan(seed, 60s, kBackends);
        for (const auto& fault : plan) {
            bool other_healthy = false;
            for (std::size_t other = 0; other < kBackends.size(); ++other) {
                other_healthy = other_healthy || (other != fault.region &&
                                                  is_healthy(plan, other, fault.at - kMinHealthyTime, fault.at));
            }
            EXPECT_TRUE(other_healthy) << "seed " << seed << " at " << fault.at.count() << " ms";
        }
    }
}

TEST(FaultPlan, LeavesStartAndEndWithoutFaults) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        for (const auto& fault : make_plan(seed, 60s, kBackends)) {
            EXPECT_GE(fault.at, kQuietMargin);
            EXPECT_LE(fault.at + fault.duration, 60s - kQuietMargin);
        }
    }
}

TEST(FaultPlan, HitsTwoRegionsAtATimeAndEveryTargetInEveryWay) {
    std::set<std::pair<Target, FaultKind>> seen;
    bool two_at_a_time = false;
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        const auto plan = make_plan(seed, 60s, kBackends);
        EXPECT_GE(plan.size(), 10u) << "seed " << seed;
        for (const auto& fault : plan) {
            seen.insert({fault.target, fault.kind});
            int unhealthy = 0;
            for (std::size_t region = 0; region < kBackends.size(); ++region) {
                unhealthy += is_healthy(plan, region, fault.at, fault.at) ? 0 : 1;
            }
            EXPECT_LE(unhealthy, 2);
            two_at_a_time = two_at_a_time || unhealthy == 2;
        }
    }
    EXPECT_EQ(seen.size(), 9u);
    EXPECT_TRUE(two_at_a_time);
}

}  // namespace
