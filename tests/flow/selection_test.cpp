// Where the first attempt of a call goes: strategies, weights, tiers, sessions, and a custom selector.
#include <functional>
#include <set>
#include <stdexcept>

#include "region_flow.hpp"

namespace holysheep::flow {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr Strategy kAllStrategies[] = {Strategy::adaptive, Strategy::weighted, Strategy::round_robin,
                                       Strategy::lowest_latency};

ClientOptions options_with(Strategy strategy, std::vector<Region> regions) {
    return {.regions = std::move(regions), .selector = {.strategy = strategy}};
}

/// Asks a fast and a slow region once each, so that both are known.
void measure_both(CallFlow& flow) {
    flow.transport.reply(kUs, "fast", {.first_byte = 100ms}).reply(kEu, "slow", {.first_byte = 200ms});
    EXPECT_EQ(answered_by(flow, {.regions = {kUs}}), kUs);
    EXPECT_EQ(answered_by(flow, {.regions = {kEu}}), kEu);
}

/// Starts `calls` calls at the same moment and waits for their end.
std::map<std::string, int> burst(CallFlow& flow, int calls) {
    std::vector<std::future<Result<ChatCompletion>>> answers;
    flow.clock.set_mode(FakeClock::Mode::manual);
    for (int i = 0; i < calls; ++i) answers.push_back(flow.client.chat_async(a_question()));
    flow.clock.advance(10s);
    flow.clock.set_mode(FakeClock::Mode::automatic);
    std::map<std::string, int> counts;
    for (auto& answer : answers) ++counts[answer.get()->region];
    return counts;
}

TEST(Selection, WeightedSharesAreExact) {
    auto regions = equal_regions({kUs, kEu, kAp});
    regions[0].weight = 5;
    regions[1].weight = 3;
    regions[2].weight = 2;
    CallFlow flow({}, options_with(Strategy::weighted, regions));
    for (const auto& region : regions) flow.transport.reply(region.id, "hello");
    EXPECT_THAT(answers_of(flow, 100), UnorderedElementsAre(Pair(kUs, 50), Pair(kEu, 30), Pair(kAp, 20)));
}

TEST(Selection, WeightedSharesStayExactAmongUsableRegions) {
    auto regions = equal_regions({kUs, kEu, kAp});
    regions[0].weight = 5;
    regions[1].weight = 3;
    CallFlow flow({}, options_with(Strategy::weighted, regions));
    for (const auto& region : regions) flow.transport.reply(region.id, "hello");
    flow.client.drain(kUs);
    EXPECT_THAT(answers_of(flow, 40), UnorderedElementsAre(Pair(kEu, 30), Pair(kAp, 10)));
}

TEST(Selection, LatencyExponentShiftsWeightedSharesToTheFasterRegion) {
    for (const double exponent : {0.0, 8.0}) {
        CallFlow flow({}, {.regions = equal_regions({kUs, kEu}),
                           .selector = {.strategy = Strategy::weighted, .latency_exponent = exponent}});
        measure_both(flow);
        const auto counts = answers_of(flow, 100);
        if (exponent > 0) {
            EXPECT_THAT(counts, UnorderedElementsAre(Pair(kUs, Ge(95)), Pair(kEu, Ge(1))));
        } else {
            EXPECT_THAT(counts, UnorderedElementsAre(Pair(kUs, 50), Pair(kEu, 50)));
        }
    }
}

TEST(Selection, RoundRobinIgnoresWeights) {
    auto regions = equal_regions({kUs, kEu, kAp});
    regions[0].weight = 9;
    CallFlow flow({}, options_with(Strategy::round_robin, regions));
    for (const auto& region : regions) flow.transport.reply(region.id, "hello");
    EXPECT_THAT(answers_of(flow, 9), UnorderedElementsAre(Pair(kUs, 3), Pair(kEu, 3), Pair(kAp, 3)));
}

TEST(Selection, LowestLatencyIgnoresWeights) {
    auto regions = equal_regions({kUs, kEu});
    regions[1].weight = 100;
    CallFlow flow({}, options_with(Strategy::lowest_latency, regions));
    measure_both(flow);
    EXPECT_THAT(answers_of(flow, 15), ElementsAre(Pair(kUs, 15)));
}

TEST(Selection, AdaptivePrefersTheFastest) {
    CallFlow flow({}, options_with(Strategy::adaptive, equal_regions({kUs, kEu})));
    measure_both(flow);
    EXPECT_THAT(answers_of(flow, 15), ElementsAre(Pair(kUs, 15)));
}

TEST(Selection, AdaptiveAppliesWeightsToCosts) {
    auto regions = equal_regions({kUs, kEu});
    regions[1].weight = 4;
    CallFlow flow({}, options_with(Strategy::adaptive, regions));
    measure_both(flow);
    EXPECT_THAT(answers_of(flow, 15), ElementsAre(Pair(kEu, 15)));
}

TEST(Selection, AdaptiveSpreadsABurstAndLowestLatencyDoesNot) {
    {
        CallFlow flow({}, options_with(Strategy::adaptive, equal_regions({kUs, kEu})));
        measure_both(flow);
        // Half as fast: it gets a call when the other one has four times as many, because the cost grows with
        // the square root.
        EXPECT_THAT(burst(flow, 20),
                    UnorderedElementsAre(Pair(kUs, ::testing::AllOf(Ge(14), Le(18))), Pair(kEu, Ge(2))));
    }
    CallFlow flow({}, options_with(Strategy::lowest_latency, equal_regions({kUs, kEu})));
    measure_both(flow);
    EXPECT_THAT(burst(flow, 20), ElementsAre(Pair(kUs, 20)));
}

TEST(Selection, FailuresRaiseTheCostAndAreNotTakenForSpeed) {
    CallFlow flow({}, options_with(Strategy::adaptive, equal_regions({kUs, kEu})));
    flow.transport.reply(kUs, "x", {.first_byte = 100ms}).reply(kEu, "x", {.first_byte = 120ms});
    EXPECT_EQ(answered_by(flow, {.regions = {kUs}}), kUs);
    EXPECT_EQ(answered_by(flow, {.regions = {kEu}}), kEu);
    const double before = health_of(flow, kUs).cost;
    flow.transport.clear(kUs).reply_raw(kUs, 500, {}, "").reply(kUs, "x", {.first_byte = 100ms});
    EXPECT_FALSE(flow.client.chat(a_question(), {.regions = {kUs}, .retry = RetryOptions{.max_attempts = 1}}));
    EXPECT_GT(health_of(flow, kUs).cost, before + 50);
    EXPECT_EQ(answered_by(flow), kEu);
}

// ---- tiers ----

TEST(Selection, ATierIsUsedOnlyWhenTheOnesBelowHaveNoUsableRegion) {
    for (const auto strategy : kAllStrategies) {
        auto regions = equal_regions({kUs, kEu, kAp});
        regions[0].tier = 2;
        regions[2].tier = 1;
        regions[2].weight = 50;
        CallFlow flow({}, options_with(strategy, regions));
        for (const auto& region : regions) flow.transport.reply(region.id, "hello");
        EXPECT_THAT(answers_of(flow, 5), ElementsAre(Pair(kEu, 5)));
        flow.client.force_open(kEu);
        EXPECT_THAT(answers_of(flow, 5), ElementsAre(Pair(kAp, 5)));
        flow.client.drain(kAp);
        EXPECT_THAT(answers_of(flow, 5), ElementsAre(Pair(kUs, 5)));
        flow.client.force_close(kEu);
        EXPECT_THAT(answers_of(flow, 5), ElementsAre(Pair(kEu, 5)));
    }
}

// ---- sessions ----

TEST(Selection, ASessionStaysInItsRegion) {
    for (const auto strategy : kAllStrategies) {
        const auto regions = equal_regions({kUs, kEu, kAp});
        CallFlow flow({}, options_with(strategy, regions));
        for (const auto& region : regions) flow.transport.reply(region.id, "hello", {.first_byte = 100ms});
        std::set<std::string> owners;
        for (int session = 0; session < 20; ++session) {
            const auto counts = answers_of(flow, 5, {.session = "session " + std::to_string(session)});
            EXPECT_THAT(counts, SizeIs(1));
            owners.insert(counts.begin()->first);
        }
        EXPECT_THAT(owners, SizeIs(3)) << "different sessions are assigned to different regions";
    }
}

TEST(Selection, ASessionUsesOneOtherRegionWhileItsOwnDrains) {
    const auto regions = equal_regions({kUs, kEu, kAp});
    CallFlow flow({}, options_with(Strategy::round_robin, regions));
    for (const auto& region : regions) flow.transport.reply(region.id, "hello");
    const CallOptions session{.session = "a"};
    const auto owner = answered_by(flow, session);
    flow.client.drain(owner);
    const auto substitute = answers_of(flow, 5, session);
    EXPECT_THAT(substitute, SizeIs(1)) << "the session uses one other region";
    EXPECT_NE(substitute.begin()->first, owner);
    flow.client.resume(owner);
    EXPECT_EQ(answered_by(flow, session), owner);
}

TEST(Selection, ASessionLeavesARegionThatCostsMoreThanTwiceTheBest) {
    for (const auto slow : {150ms, 500ms}) {
        CallFlow flow({}, options_with(Strategy::adaptive, equal_regions({kUs, kEu})));
        std::string session;  // a session that belongs to the slow region
        flow.transport.reply(kUs, "x", {.first_byte = slow}).reply(kEu, "x", {.first_byte = 100ms});
        EXPECT_EQ(answered_by(flow, {.regions = {kUs}}), kUs);
        for (int i = 0; i < 20; ++i) {
            session = "session " + std::to_string(i);
            if (answered_by(flow, {.session = session}) == kUs) break;
        }
        EXPECT_EQ(answered_by(flow, {.regions = {kEu}}), kEu);
        flow.clock.advance(1s);
        EXPECT_EQ(answered_by(flow, {.session = session}), slow == 150ms ? kUs : kEu);
    }
}

// ---- a custom selector ----

struct Ranking final : RegionSelector {
    using Function = std::function<std::vector<std::size_t>(const SelectionContext&)>;
    explicit Ranking(Function by) : function(std::move(by)) {}
    std::vector<std::size_t> rank(const SelectionContext& context) const override { return function(context); }
    Function function;
};

ClientOptions ranked_by(Ranking::Function function) {
    return {.regions = equal_regions({kUs, kEu, kAp}),
            .custom_selector = std::make_shared<Ranking>(std::move(function))};
}

void refuse_everywhere(CallFlow& flow) {
    for (const auto& id : {kUs, kEu, kAp}) flow.transport.fail(id, ErrorCode::transport_failed);
}

TEST(CustomSelector, ItsOrderIsFollowed) {
    CallFlow flow({}, ranked_by([](const SelectionContext&) { return std::vector<std::size_t>{2, 0, 1}; }));
    refuse_everywhere(flow);
    EXPECT_FALSE(flow.client.chat(a_question(), {.retry = RetryOptions{.max_attempts = 3}}));
    EXPECT_THAT(flow.attempts(), ElementsAre(kAp, kUs, kEu));
}

TEST(CustomSelector, OmittedRegionsAreNotUsed) {
    CallFlow flow({}, ranked_by([](const SelectionContext&) { return std::vector<std::size_t>{1}; }));
    refuse_everywhere(flow);
    EXPECT_FALSE(flow.client.chat(a_question()));
    EXPECT_THAT(flow.attempts(), Each(kEu));
}

TEST(CustomSelector, CannotLeaveTheAllowList) {
    CallFlow flow({}, ranked_by([](const SelectionContext& context) {
                      EXPECT_THAT(context.regions, SizeIs(2));
                      return std::vector<std::size_t>{7, 2, 1, 1, 0, static_cast<std::size_t>(-1)};
                  }));
    refuse_everywhere(flow);
    EXPECT_FALSE(flow.client.chat(a_question(), {.exclude_regions = {kUs}}));
    EXPECT_THAT(count_by_region(flow.attempts()), UnorderedElementsAre(Pair(kEu, Ge(2)), Pair(kAp, Ge(2))));
    EXPECT_EQ(flow.attempts().front(), kAp) << "the second of the two regions in the context";
}

TEST(CustomSelector, GetsHealthModelAndSession) {
    std::vector<std::uint64_t> randoms;
    CallFlow flow({}, ranked_by([&](const SelectionContext& context) {
                      EXPECT_EQ(context.model, "gpt-4.1");
                      EXPECT_EQ(context.session, "mine");
                      EXPECT_EQ(context.regions[0].id, kUs);
                      EXPECT_EQ(context.regions[1].breaker, BreakerState::open);
                      EXPECT_GT(context.regions[0].cost, 0);
                      randoms.push_back(context.random);
                      return std::vector<std::size_t>{0};
                  }));
    flow.transport.reply(kUs, "hello", {.first_byte = 100ms});
    flow.client.force_open(kEu);
    for (int i = 0; i < 2; ++i) EXPECT_EQ(answered_by(flow, {.session = "mine"}), kUs);
    EXPECT_THAT(std::set(randoms.begin(), randoms.end()), SizeIs(2));
}

TEST(CustomSelector, AfterAnExceptionOrAnEmptyRankingTheBuiltInOrderApplies) {
    auto options =
        ranked_by([](const SelectionContext&) -> std::vector<std::size_t> { throw std::runtime_error("boom"); });
    options.regions[1].tier = -1;
    CallFlow flow({}, options);
    for (const auto& id : {kUs, kEu, kAp}) flow.transport.reply(id, "hello");
    EXPECT_EQ(answered_by(flow), kEu);
    EXPECT_THAT(flow.log(), Contains(HasSubstr("custom_selector threw: boom")));

    auto empty = ranked_by([](const SelectionContext&) { return std::vector<std::size_t>{}; });
    empty.regions[2].tier = -1;
    CallFlow other({}, empty);
    for (const auto& id : {kUs, kEu, kAp}) other.transport.reply(id, "hello");
    EXPECT_EQ(answered_by(other), kAp);
    EXPECT_THAT(other.log(), IsEmpty());
}

TEST(CustomSelector, BreakersPausesAndDrainingStillApply) {
    CallFlow flow({}, ranked_by([](const SelectionContext&) { return std::vector<std::size_t>{0, 1, 2}; }));
    flow.transport.reply_raw(kUs, 429, {{"retry-after", "9"}}, "").reply(kEu, "hello").reply(kAp, "hello");
    EXPECT_EQ(answered_by(flow), kEu);
    EXPECT_EQ(answered_by(flow), kEu) << "the pause is kept";
    flow.client.force_open(kEu);
    EXPECT_EQ(answered_by(flow), kAp);
    flow.client.force_close(kEu);
    flow.client.drain(kEu);
    EXPECT_EQ(answered_by(flow), kAp);
    EXPECT_THAT(count_by_region(flow.attempts()), Contains(Pair(kUs, 1)));
}

}  // namespace
}  // namespace holysheep::flow
