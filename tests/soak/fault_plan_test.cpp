// What the plan of faults promises, for many seeds: without a refuge, a lost call would be no finding.
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
    return a.at == b.at && a.lasts == b.lasts && a.region == b.region && a.part == b.part && a.blow == b.blow;
}

/// Whether the region is whole from `from` to `to`, both included.
bool is_whole(const std::vector<PlannedFault>& plan, std::size_t region, milliseconds from, milliseconds to) {
    return std::ranges::none_of(plan, [&](const PlannedFault& fault) {
        return fault.region == region && fault.at <= to && fault.at + fault.lasts > from;
    });
}

TEST(FaultPlan, IsTheSameForTheSameSeedAndAnotherOneForAnother) {
    const auto plan = make_plan(7, 60s, kBackends);
    EXPECT_TRUE(std::ranges::equal(plan, make_plan(7, 60s, kBackends), same));
    EXPECT_FALSE(std::ranges::equal(plan, make_plan(8, 60s, kBackends), same));
}

TEST(FaultPlan, IsTheSameOnEveryMachine) {
    const auto plan = make_plan(1, 60s, kBackends);
    ASSERT_GT(plan.size(), 3u);
    EXPECT_EQ(to_text(plan[0], {"r1", "r2", "r3"}), "r3 proxy restarted");
    EXPECT_EQ(to_text(plan[3], {"r1", "r2", "r3"}), "r1 backend killed for 1346 ms");
}

TEST(FaultPlan, LeavesARefugeThatHasBeenWholeForAWhile) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        const auto plan = make_plan(seed, 60s, kBackends);
        for (const auto& fault : plan) {
            bool refuge = false;
            for (std::size_t other = 0; other < kBackends.size(); ++other) {
                refuge = refuge || (other != fault.region && is_whole(plan, other, fault.at - kRefuge, fault.at));
            }
            EXPECT_TRUE(refuge) << "seed " << seed << " at " << fault.at.count() << " ms";
        }
    }
}

TEST(FaultPlan, LeavesBeginAndEndAlone) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        for (const auto& fault : make_plan(seed, 60s, kBackends)) {
            EXPECT_GE(fault.at, kCalm);
            EXPECT_LE(fault.at + fault.lasts, 60s - kCalm);
        }
    }
}

TEST(FaultPlan, StrikesTwoRegionsAtATimeAndEveryPartInEveryWay) {
    std::set<std::pair<Part, Blow>> seen;
    bool two_at_a_time = false;
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        const auto plan = make_plan(seed, 60s, kBackends);
        EXPECT_GE(plan.size(), 10u) << "seed " << seed;
        for (const auto& fault : plan) {
            seen.insert({fault.part, fault.blow});
            int out = 0;
            for (std::size_t region = 0; region < kBackends.size(); ++region) {
                out += is_whole(plan, region, fault.at, fault.at) ? 0 : 1;
            }
            EXPECT_LE(out, 2);
            two_at_a_time = two_at_a_time || out == 2;
        }
    }
    EXPECT_EQ(seen.size(), 9u);
    EXPECT_TRUE(two_at_a_time);
}

}  // namespace
