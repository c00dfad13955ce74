// The order of regions: the rule of each strategy, sessions, and that no strategy leaves the tier.
#include "routing/selector.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holysheep::routing {
namespace {

using testing::Each;
using testing::ElementsAre;
using Plan = std::vector<std::size_t>;

/// Computes a cost; arguments and result in milliseconds.
double cost_ms(double latency, double mean_wait, double error_rate, int waiting, double weight, double ramp) {
    return cost(Latency{latency}, Latency{mean_wait}, error_rate, waiting, weight, ramp).count();
}

/// Candidates with these costs, numbered from 0 and named "a", "b", …
std::vector<Candidate> with_costs(const std::vector<double>& costs) {
    std::vector<Candidate> candidates(costs.size());
    for (std::size_t i = 0; i < costs.size(); ++i) {
        candidates[i].region = i;
        candidates[i].id_hash = hash_id(std::string(1, static_cast<char>('a' + i % 26)) + std::to_string(i / 26));
        candidates[i].cost = candidates[i].latency = Latency{costs[i]};
    }
    return candidates;
}

std::vector<Candidate> with_weights(const std::vector<double>& weights) {
    auto candidates = with_costs(std::vector<double>(weights.size(), 100));
    for (std::size_t i = 0; i < weights.size(); ++i) candidates[i].weight = weights[i];
    return candidates;
}

/// A selector and its random generator.
struct Turns {
    explicit Turns(SelectorOptions options, std::size_t regions = 1000) : selector(options, regions) {}
    explicit Turns(Strategy strategy) : Turns(SelectorOptions{strategy, 0}) {}

    Plan plan(const std::vector<Candidate>& candidates, const std::string& session = {}) {
        Plan result;
        selector.rank(candidates, session, random, result);
        return result;
    }
    std::size_t pick(const std::vector<Candidate>& candidates, const std::string& session = {}) {
        return plan(candidates, session).front();
    }
    /// Counts how often each region was picked.
    std::vector<int> count(int picks, const std::vector<Candidate>& candidates) {
        std::vector<int> counts(candidates.size());
        for (int i = 0; i < picks; ++i) ++counts[pick(candidates)];
        return counts;
    }

    Selector selector;
    resilience::Random random{1};
};

constexpr Strategy kAll[] = {Strategy::adaptive, Strategy::weighted, Strategy::round_robin, Strategy::lowest_latency};

TEST(Cost, WeighsLatencyErrorsLoadWeightAndRamp) {
    EXPECT_DOUBLE_EQ(cost_ms(200, 0, 0, 0, 1, 1), 200);
    EXPECT_DOUBLE_EQ(cost_ms(200, 0, 0.5, 0, 1, 1), 500);
    EXPECT_NEAR(cost_ms(200, 0, 0, 3, 1, 1), 348.2, 0.1) << "200 · 4^0.4";
    EXPECT_NEAR(cost_ms(200, 0, 0, 99, 1, 1), 1261.9, 0.1) << "beyond the precomputed table";
    EXPECT_DOUBLE_EQ(cost_ms(200, 0, 0, 0, 4, 1), 50);
    EXPECT_DOUBLE_EQ(cost_ms(200, 240, 0, 0, 1, 1), 200) << "slightly late";
    EXPECT_DOUBLE_EQ(cost_ms(200, 900, 0, 0, 1, 1), 900) << "waiting attempts show that it is slow";
    EXPECT_DOUBLE_EQ(cost_ms(200, 0, 0, 0, 1, 0.1), 2000);
}

TEST(SelectorAdaptive, PlansByAscendingCost) {
    Turns turns(Strategy::adaptive);
    for (int i = 0; i < 100; ++i) EXPECT_THAT(turns.plan(with_costs({300, 100, 900, 500})), ElementsAre(1, 0, 3, 2));
}

TEST(SelectorAdaptive, SharesByCostWithFivePercentNoise) {
    Turns turns(Strategy::adaptive);
    EXPECT_NEAR(turns.count(20'000, with_costs({100, 100}))[0], 10'000, 400);
    // P(ln 1.05 > 0.05·√2·N) = Φ(0.690)
    EXPECT_NEAR(turns.count(20'000, with_costs({100, 105}))[0], 15'098, 300);
    EXPECT_NEAR(turns.count(20'000, with_costs({100, 115}))[0], 19'520, 150);
}

TEST(SelectorAdaptive, TheSameSeedGivesTheSamePlans) {
    Turns one(Strategy::adaptive), other(Strategy::adaptive);
    const auto candidates = with_costs({100, 101, 102, 103, 104, 105, 106, 107, 108});
    for (int i = 0; i < 100; ++i) EXPECT_EQ(one.plan(candidates), other.plan(candidates));
}

TEST(SelectorWeighted, InterleavesSmoothly) {
    Turns turns(Strategy::weighted);
    const auto candidates = with_weights({5, 1, 1});
    for (int round = 0; round < 3; ++round) {
        Plan picks;
        for (int i = 0; i < 7; ++i) picks.push_back(turns.pick(candidates));
        EXPECT_THAT(picks, ElementsAre(0, 0, 1, 0, 2, 0, 0));
    }
}

TEST(SelectorWeighted, SharesEqualTheWeightsAtAnyCost) {
    Turns turns(Strategy::weighted);
    auto candidates = with_weights({50, 30, 15, 5});
    candidates[0].cost = Latency{10'000};
    EXPECT_THAT(turns.count(1'000, candidates), ElementsAre(500, 300, 150, 50));
}

TEST(SelectorWeighted, ARampingRegionGetsThatFractionOfItsShare) {
    Turns turns(Strategy::weighted);
    auto candidates = with_weights({1, 1});
    candidates[1].ramp = 0.25;
    EXPECT_THAT(turns.count(1'000, candidates), ElementsAre(800, 200));
}

TEST(SelectorWeighted, PrefersFastRegionsByTheExponent) {
    for (const auto& [exponent, shares] : std::map<double, std::vector<int>>{
             {1, {1'000, 500, 250}}, {2, {1'000, 250, 63}}, {2.5, {1'000, 177, 31}}, {8, {1'000, 10, 10}}}) {
        Turns turns(SelectorOptions{Strategy::weighted, exponent});
        const int all = std::accumulate(shares.begin(), shares.end(), 0);
        const auto counts = turns.count(all, with_costs({100, 200, 400}));
        for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(counts[i], shares[i], 1) << exponent;
    }
}

TEST(SelectorWeighted, AReturningRegionIsNotFlooded) {
    Turns turns(Strategy::weighted);
    auto candidates = with_weights({5, 1, 1});
    turns.count(4, candidates);
    candidates[1].usable = false;
    EXPECT_THAT(turns.count(600, candidates), ElementsAre(500, 0, 100));
    candidates[1].usable = true;
    EXPECT_THAT(turns.count(70, candidates)[1], testing::AllOf(testing::Ge(9), testing::Le(11)));
}

TEST(SelectorRoundRobin, EachRegionOncePerRound) {
    Turns turns(Strategy::round_robin);
    const auto candidates = with_weights({7, 1, 2});
    for (int round = 0; round < 3; ++round) {
        EXPECT_EQ(turns.pick(candidates), 0U);
        EXPECT_EQ(turns.pick(candidates), 1U);
        EXPECT_EQ(turns.pick(candidates), 2U);
    }
}

TEST(SelectorLowestLatency, IgnoresLoadInItsFirstChoiceOnly) {
    auto candidates = with_costs({900, 500, 700});
    candidates[0].latency = Latency{50};
    EXPECT_THAT(Turns(Strategy::lowest_latency).plan(candidates), ElementsAre(0, 1, 2));
}

TEST(Selector, TheChoiceIsFollowedByTheRestByCostThenTheUnusable) {
    for (const Strategy strategy : {Strategy::weighted, Strategy::round_robin}) {
        auto candidates = with_costs({900, 500, 100, 300, 50});
        candidates[4].usable = false;
        Turns turns(strategy);
        EXPECT_THAT(turns.plan(candidates), ElementsAre(0, 2, 3, 1, 4));
        EXPECT_THAT(turns.plan(candidates), ElementsAre(1, 2, 3, 0, 4));
    }
}

TEST(Selector, NoStrategyLeavesTheLowestTierThatHasAUsableRegion) {
    for (const Strategy strategy : kAll) {
        Turns turns(strategy);
        auto candidates = with_costs({1'000, 2'000, 1, 2, 3});
        candidates[0].tier = candidates[1].tier = -1;
        candidates[2].overdue = true;
        candidates[4].tier = 5;
        for (int i = 0; i < 300; ++i) {
            const auto plan = turns.plan(candidates, i % 2 == 0 ? "" : std::to_string(i));
            EXPECT_LT(std::max(plan[0], plan[1]), 2U);
            EXPECT_EQ(plan[4], 4U);
        }
        candidates[0].usable = candidates[1].usable = false;
        for (int i = 0; i < 300; ++i) {
            const auto plan = turns.plan(candidates, i % 2 == 0 ? "" : std::to_string(i));
            EXPECT_TRUE(plan[0] == 2 || plan[0] == 3) << "falls back to the next tier";
            EXPECT_THAT(Plan(plan.begin() + 2, plan.end()), ElementsAre(4, 0, 1)) << "unusable regions come last";
        }
    }
}

TEST(Selector, WithoutAUsableRegionThePlanIsByTierAndCost) {
    for (const Strategy strategy : kAll) {
        auto candidates = with_costs({300, 200, 100});
        candidates[2].tier = 1;
        for (auto& candidate : candidates) {
            candidate.usable = false;
            candidate.overdue = true;
        }
        EXPECT_THAT(Turns(strategy).plan(candidates, "session"), ElementsAre(1, 0, 2));
    }
}

TEST(Selector, OverdueRegionsComeFirstIfTheStrategyIsFreeToChoose) {
    auto candidates = with_costs({100, 500, 900});
    candidates[1].overdue = candidates[2].overdue = true;
    EXPECT_EQ(Turns(Strategy::adaptive).pick(candidates), 1U);
    EXPECT_EQ(Turns(Strategy::lowest_latency).pick(candidates), 1U);
    EXPECT_EQ(Turns(Strategy::weighted).pick(candidates), 0U);
    EXPECT_EQ(Turns(Strategy::round_robin).pick(candidates), 0U);
    candidates[1].usable = candidates[2].usable = false;
    EXPECT_EQ(Turns(Strategy::adaptive).pick(candidates), 0U);
    EXPECT_EQ(Turns(Strategy::lowest_latency).pick(candidates), 0U);
}

TEST(Selector, PlansHoldRegionIdsNotPositions) {
    for (const Strategy strategy : kAll) {
        auto candidates = with_costs({100, 200});
        candidates[0].region = 17;
        candidates[1].region = 5;
        EXPECT_THAT(Turns(strategy).plan(candidates), ElementsAre(17, 5));
    }
}

TEST(Selector, WithoutRegionsThePlanIsEmpty) {
    for (const Strategy strategy : kAll) EXPECT_TRUE(Turns(strategy).plan({}, "session").empty());
}

TEST(Selector, OfAThousandRegionsTheFirst32AreOrderedAndNoneIsLost) {
    std::vector<double> costs(1'000);
    std::iota(costs.begin(), costs.end(), 1.0);
    std::reverse(costs.begin(), costs.end());
    auto candidates = with_costs(costs);
    for (std::size_t i = 990; i < 1'000; ++i) candidates[i].usable = false;  // the cheapest regions
    const auto plan = Turns(Strategy::lowest_latency).plan(candidates);
    for (std::size_t i = 0; i < 32; ++i) EXPECT_EQ(plan[i], 989 - i);
    Plan sorted = plan;
    std::ranges::sort(sorted);
    for (std::size_t i = 0; i < 1'000; ++i) EXPECT_EQ(sorted[i], i);
}

TEST(SelectorSession, HashesAreTheSameInEveryProcess) {
    EXPECT_EQ(hash_id(""), 0xF52A'15E9'A9B5'E89BU);
    EXPECT_EQ(hash_id("us-west"), 0xF27D'4605'DDA5'4717U);
    EXPECT_NE(hash_id("eu-1"), hash_id("eu-2"));
}

TEST(SelectorSession, StaysWithItsOwnerUnderEveryStrategy) {
    const auto candidates = with_costs({100, 110, 120, 130, 140});
    for (int session = 0; session < 50; ++session) {
        Plan owners;
        for (const Strategy strategy : kAll) {
            Turns turns(strategy);
            for (int i = 0; i < 5; ++i) owners.push_back(turns.pick(candidates, std::to_string(session)));
        }
        EXPECT_THAT(owners, Each(owners.front()));
    }
}

TEST(SelectorSession, RegionsOwnSessionsByWeight) {
    Turns turns(Strategy::adaptive);
    const auto candidates = with_weights({1, 2, 5});
    std::vector<int> counts(3);
    for (int session = 0; session < 16'000; ++session) ++counts[turns.pick(candidates, "s" + std::to_string(session))];
    EXPECT_NEAR(counts[0], 2'000, 200);
    EXPECT_NEAR(counts[1], 4'000, 250);
    EXPECT_NEAR(counts[2], 10'000, 250);
}

TEST(SelectorSession, WhenARegionGoesOnlyItsSessionsMove) {
    Turns turns(Strategy::round_robin);
    const auto all = with_weights({1, 2, 1, 1, 3});
    auto fewer = all;
    fewer[1].usable = false;
    std::vector<int> moved(5);
    for (int i = 0; i < 2'000; ++i) {
        const std::string session = std::to_string(i);
        const std::size_t before = turns.pick(all, session);
        const std::size_t after = turns.pick(fewer, session);
        if (before == 1) {
            ++moved[after];
        } else {
            EXPECT_EQ(after, before);
        }
    }
    EXPECT_EQ(moved[1], 0);
    for (const std::size_t to : {0U, 2U, 3U, 4U}) EXPECT_GT(moved[to], 20) << "sessions spread over all other regions";
}

TEST(SelectorSession, LeavesAnOwnerThatCostsTwiceTheCheapestPlus50Ms) {
    Turns turns(Strategy::adaptive);
    auto candidates = with_costs({100, 100, 100});
    const std::size_t owner = turns.pick(candidates, "session");
    candidates[owner].cost = Latency{250};
    EXPECT_EQ(turns.pick(candidates, "session"), owner);
    candidates[owner].cost = Latency{251};
    EXPECT_NE(turns.pick(candidates, "session"), owner);
    auto& other = candidates[(owner + 1) % 3];
    auto& third = candidates[(owner + 2) % 3];
    other.cost = third.cost = Latency{1'000};
    third.usable = false;
    third.cost = Latency{1};
    EXPECT_EQ(turns.pick(candidates, "session"), owner) << "an unusable region is no alternative";
    third.usable = true;
    third.tier = 1;
    EXPECT_EQ(turns.pick(candidates, "session"), owner) << "a region of another tier is no alternative";
}

TEST(SelectorSession, DoesNotConsumeTheTurnsOfOthers) {
    Turns turns(Strategy::round_robin);
    const auto candidates = with_weights({1, 1, 1});
    EXPECT_EQ(turns.pick(candidates), 0U);
    for (int i = 0; i < 10; ++i) turns.pick(candidates, std::to_string(i));
    EXPECT_EQ(turns.pick(candidates), 1U);
}

}  // namespace
}  // namespace holysheep::routing
