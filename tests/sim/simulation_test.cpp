// Runs short simulations: the same seed gives the same events, and the figures match what the scenario implies.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>

#include "report.hpp"
#include "scenario_file.hpp"
#include "scenarios.hpp"
#include "sim_clock.hpp"
#include "simulation_flags.hpp"

namespace holysheep::sim {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::ThrowsMessage;

const Policy& policy(std::string_view name) { return *std::ranges::find(all_policies(), name, &Policy::name); }

/// Twelve seconds with the fault from the fourth to the eighth, and only three processes.
SimulationPlan short_plan(std::optional<FaultKind> fault) {
    auto plan = default_plan();
    plan.clients = 3;
    plan.duration = 12s;
    plan.warm_up = 2s;
    plan.load = 0.1;
    if (fault) {
        plan.faults = {{.region = 0, .kind = *fault, .from = 4s, .to = 8s, .value = default_value(*fault)}};
    }
    return plan;
}

struct Outcome {
    std::string log, json;
    Figures figures;
};

Outcome simulate(const SimulationPlan& plan, std::string_view name, std::uint64_t seed = 7) {
    std::ostringstream log;
    Simulation simulation(plan, policy(name), seed, Trace(&log));
    simulation.run();
    Figures figures(simulation);
    return {log.str(), as_json({.policy = std::string(name), .figures = figures}), figures};
}

class EveryPolicy : public testing::TestWithParam<std::string_view> {};

TEST_P(EveryPolicy, IsDeterminedByItsSeed) {
    const auto plan = short_plan(FaultKind::refuse);
    const auto first = simulate(plan, GetParam()), second = simulate(plan, GetParam());
    EXPECT_EQ(first.log, second.log);
    EXPECT_EQ(first.json, second.json);
    EXPECT_NE(first.json, simulate(plan, GetParam(), 8).json);
}

TEST_P(EveryPolicy, AnswersEveryCallWithoutFaults) {
    const auto outcome = simulate(short_plan({}), GetParam());
    EXPECT_GT(outcome.figures.calls(), 100U);
    EXPECT_EQ(outcome.figures.success(), 1);
    EXPECT_GE(outcome.figures.attempts_per_call(), 1);
    EXPECT_GT(outcome.figures.latency_ms(0.5), 200);
    EXPECT_LT(outcome.figures.latency_ms(0.5), 1'000);
}

INSTANTIATE_TEST_SUITE_P(Simulation, EveryPolicy,
                         testing::Values("adaptive", "adaptive_hedged", "adaptive_limited", "weighted", "round_robin",
                                         "random", "static_weights", "lowest_ping", "naive", "p2c", "prequal"),
                         [](const auto& tested) { return std::string(tested.param); });

TEST(Simulation, GivesEveryPolicyTheSameArrivals) {
    EXPECT_EQ(simulate(short_plan({}), "adaptive").figures.calls(), simulate(short_plan({}), "random").figures.calls());
}

TEST(Simulation, ClientAnswersEveryCallWhileOneRegionRefuses) {
    for (const auto* name : {"adaptive", "weighted", "round_robin"}) {
        const auto outcome = simulate(short_plan(FaultKind::refuse), name);
        EXPECT_EQ(outcome.figures.success(), 1) << name;
        EXPECT_LT(outcome.figures.latency_ms(1), 3'000) << name;
    }
}

/// The fault's kind decides whether probes are answered.
class SilentRegion : public testing::TestWithParam<FaultKind> {};

TEST_P(SilentRegion, LosesNoCallOfTheClientButDelaysPlainRetries) {
    auto plan = *scenario(to_string(GetParam()));
    plan.clients = 3;
    plan.duration = 28s;
    plan.warm_up = 2s;
    plan.load = 0.1;
    plan.faults.front().from = 10s;
    plan.faults.front().to = 24s;
    const auto outcome = simulate(plan, "adaptive");
    EXPECT_GT(outcome.figures.calls(), 100U);
    EXPECT_EQ(outcome.figures.success(), 1);
    EXPECT_LT(outcome.figures.attempts_per_call(), 1.25);
    EXPECT_LT(outcome.figures.latency_ms(1), 5'000);
    const auto plain = simulate(plan, "p2c").figures;
    EXPECT_TRUE(plain.success() < 1 || plain.latency_ms(1) > 9'000) << "otherwise the scenario is too easy";
}

INSTANTIATE_TEST_SUITE_P(Simulation, SilentRegion,
                         testing::Values(FaultKind::frozen_after_head, FaultKind::completions_frozen,
                                         FaultKind::comments_forever),
                         [](const auto& tested) { return std::string(to_string(tested.param)); });

/// A plan in which a region freezes while its streams are in progress.
SimulationPlan frozen_with_open_streams() {
    auto plan = short_plan(FaultKind::frozen);
    plan.load = 0.3;
    plan.faults.front().from = 5s;
    plan.faults.front().to = 12s;
    plan.hold_median = 4s;
    return plan;
}

TEST(Simulation, StreamsInAFrozenRegionEndWithinThreeSeconds) {
    const auto plan = frozen_with_open_streams();
    const auto frozen = plan.faults.front().from;
    Simulation simulation(plan, policy("adaptive"), 7, Trace(nullptr));
    simulation.run();
    int ended = 0;
    for (const auto& call : simulation.ledger().calls()) {
        if (call.succeeded) continue;
        ++ended;
        EXPECT_LT(*call.first_content, frozen) << "without content a call is answered elsewhere";
        EXPECT_LE(*call.ended, frozen + 3s);
    }
    EXPECT_GT(ended, 5);
}

TEST(Simulation, StreamsInARegionThatRefusesNewConnectionsAreNotLost) {
    auto plan = *scenario("flap");
    plan.duration = 95s;
    plan.faults.front().to = 94s;
    EXPECT_EQ(simulate(plan, "adaptive", 1).figures.success(), 1);
}

TEST(Simulation, StreamsInAFrozenRegionAreRecoveredIfConfigured) {
    auto plan = frozen_with_open_streams();
    plan.restart_streams = true;
    Simulation simulation(plan, policy("adaptive"), 7, Trace(nullptr));
    simulation.run();
    int restarted = 0;
    for (const auto& call : simulation.ledger().calls()) {
        EXPECT_TRUE(call.succeeded);
        restarted += call.attempts > 1 ? 1 : 0;
    }
    EXPECT_GT(restarted, 5);
}

TEST(Simulation, PlainRetriesLoseTimeWhileOneRegionRefuses) {
    const auto outcome = simulate(short_plan(FaultKind::refuse), "random");
    EXPECT_GT(outcome.figures.attempts_per_call(), 1.2);
    EXPECT_GE(outcome.figures.overhead_ms(0.5), 500);
    EXPECT_GT(outcome.figures.dead_attempts_per_client(), 1);
}

/// Each account may make 60 calls in any ten seconds, and slightly more than that arrive.
SimulationPlan crowded_accounts() {
    auto plan = short_plan({});
    plan.duration = 60s;
    plan.faults = {{.region = {}, .kind = FaultKind::window, .from = 0s, .to = 1h, .value = 60}};
    return plan;
}

TEST(Simulation, WithTheGatewaysWindowAsItsLimitNoCallIsThrottled) {
    const auto plan = crowded_accounts();
    Simulation plain(plan, policy("adaptive"), 7, Trace(nullptr)),
        limited(plan, policy("adaptive_limited"), 7, Trace(nullptr));
    plain.run();
    limited.run();
    EXPECT_GT(plain.ledger().throttled_requests(), 50U) << "otherwise the window is too wide";
    EXPECT_EQ(limited.ledger().throttled_requests(), 0U);
    for (const auto& call : limited.ledger().calls()) EXPECT_TRUE(call.succeeded);
    EXPECT_LE(Figures(limited).attempts_per_call(), 1.01);
}

TEST(Simulation, UnderALimitCallsKeepTheirOrderAndNoneStarves) {
    const auto plan = crowded_accounts();
    Simulation simulation(plan, policy("adaptive_limited"), 7, Trace(nullptr));
    simulation.run();
    std::vector<std::optional<Time>> sent(static_cast<std::size_t>(plan.clients));
    Time longest{};
    for (const auto& call : simulation.ledger().calls()) {
        ASSERT_TRUE(call.sent);
        auto& last = sent[static_cast<std::size_t>(call.client)];
        EXPECT_GE(*call.sent, last.value_or(Time{})) << "calls of one client must be sent in order";
        last = call.sent;
        longest = std::max(longest, *call.sent - call.began);
    }
    EXPECT_GT(longest, 1s);
    EXPECT_LT(longest, 10s) << "calls beyond one window are sent in the next";
}

TEST(Simulation, LogsAttempts) {
    const auto outcome = simulate(short_plan(FaultKind::refuse), "round_robin");
    EXPECT_THAT(outcome.log, HasSubstr("global  refuse in near begins"));
    EXPECT_THAT(outcome.log, HasSubstr("answered, first content after"));
}

TEST(Simulation, RestartsProcessesAndMovesTheirClocks) {
    for (const auto kind : {FaultKind::restart, FaultKind::clock_jump}) {
        auto plan = short_plan(kind);
        plan.faults.front().region.reset();
        EXPECT_EQ(simulate(plan, "adaptive").figures.success(), 1) << to_string(kind);
    }
}

TEST(Simulation, AStreamSurvivesASuspendOfItsClient) {
    auto plan = short_plan(FaultKind::clock_jump);
    plan.duration =
        24s;  // long enough for the client to learn the usual gaps in streams, which are far shorter than 30 s
    plan.load = 0.3;
    for (const double seconds : {8, 15, 30}) {
        plan.faults = {{.region = {}, .kind = FaultKind::clock_jump, .from = 20s, .to = 22s, .value = seconds}};
        EXPECT_EQ(simulate(plan, "adaptive").figures.success(), 1) << seconds;
    }
}

TEST(EventQueue, RunsPostedFunctionsAtOnceOrAfterTheCurrentEvent) {
    EventQueue queue;
    std::string order;
    queue.post([&] {
        queue.post([&] { order += "b"; });
        order += "a";
    });
    EXPECT_EQ(order, "ab");
    queue.at(2s, [&] { order += "d"; });
    queue.at(1s, [&] {
        queue.at(queue.now(), [&] { order += "C"; });
        queue.post([&] { order += "B"; });
        order += "A";
    });
    const auto cancelled = queue.at(1s, [&] { order += "x"; });
    queue.cancel(cancelled);
    queue.run_until(1s);
    EXPECT_EQ(order, "abABC");
    EXPECT_EQ(queue.now(), 1s);
}

TEST(SimClock, RunsOverdueTimersAtOnceAfterAJump) {
    EventQueue queue;
    SimClock clock(queue);
    const auto start = clock.now();
    std::vector<Time> ran;
    clock.call_at(start + 20s, [&] { ran.push_back(clock.now() - start); });
    clock.call_at(start + 40s, [&] { ran.push_back(clock.now() - start); });
    queue.run_until(1s);
    clock.jump(30s);
    queue.run_until(1s);
    EXPECT_THAT(ran, testing::ElementsAre(31s));
    queue.run_until(10s);
    EXPECT_THAT(ran, testing::ElementsAre(31s, 40s));
}

TEST(ScenarioFile, ReadsRegionsFaultsAndLoads) {
    const auto file = parse_scenario(
        R"({"name": "mine", "clients": 2, "duration": 30, "capacity": 50, "loads": [0.2, 0.3],
            "regions": [{"id": "a", "rtt": 10, "slots": 5}, {"id": "b", "rtt": 50}],
            "faults": [{"region": "b", "kind": "slow", "from": 5, "to": 9, "value": 3}]})");
    EXPECT_EQ(file.plan.scenario, "mine");
    EXPECT_EQ(file.plan.regions.at(1).rtt, 50ms);
    EXPECT_EQ(file.plan.capacity, 50);
    EXPECT_EQ(file.plan.faults.at(0).region, 1U);
    EXPECT_EQ(file.plan.faults.at(0).value, 3);
    EXPECT_THAT(file.loads, testing::ElementsAre(0.2, 0.3));
}

TEST(ScenarioFile, ReadsOptionsOfCallsAndGateways) {
    const auto plan = parse_scenario(R"({"deadline": 2500, "late_head": true, "restart_streams": true})").plan;
    EXPECT_EQ(plan.deadline, 2500ms);
    EXPECT_TRUE(plan.late_head);
    EXPECT_TRUE(plan.restart_streams);
    EXPECT_FALSE(parse_scenario("{}").plan.late_head) << "by default gateways send the head when they accept a request";
}

TEST(ScenarioFile, ErrorsNameTheInvalidKey) {
    const auto reading = [](std::string_view json) { return [json] { parse_scenario(json); }; };
    EXPECT_THAT(reading(R"({"colour": 1})"), ThrowsMessage<std::invalid_argument>(HasSubstr("unknown key \"colour\"")));
    EXPECT_THAT(reading(R"({"regions": [{"id": "a", "rtt": 1, "slot": 2}]})"),
                ThrowsMessage<std::invalid_argument>(HasSubstr("regions[0]: unknown key \"slot\"")));
    EXPECT_THAT(reading(R"({"faults": [{"kind": "flood", "from": 1, "to": 2}]})"),
                ThrowsMessage<std::invalid_argument>(HasSubstr("no fault named \"flood\"")));
    EXPECT_THAT(reading("[]"), ThrowsMessage<std::invalid_argument>(HasSubstr("must be an object")));
    EXPECT_THAT(reading("{"), ThrowsMessage<std::invalid_argument>(HasSubstr("not valid JSON")));
}

TEST(SimulationFlags, RejectUnknownValues) {
    const auto parsing = [](const char* flag, const char* value) {
        return [flag, value] {
            const char* const arguments[] = {"simulate", flag, value};
            parse_flags(3, arguments);
        };
    };
    EXPECT_THAT(parsing("--scenario", "sunshine"),
                ThrowsMessage<std::invalid_argument>(HasSubstr("known are healthy")));
    EXPECT_THAT(parsing("--policy", "best"), ThrowsMessage<std::invalid_argument>(HasSubstr("known are adaptive")));
    EXPECT_THAT(parsing("--load", "much"), ThrowsMessage<std::invalid_argument>(HasSubstr("--load takes a number")));
    EXPECT_THAT(parsing("--json", "--fast"),
                ThrowsMessage<std::invalid_argument>(HasSubstr("unknown flag \"--fast\"")));
}

}  // namespace
}  // namespace holysheep::sim
