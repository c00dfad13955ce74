// Probes: what is sent and when, what an answer or its absence means, and Client::probe().
#include "region_flow.hpp"

namespace holysheep::flow {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

/// Two healthy idle regions, probed as `health` says.
struct ProbeFlow : CallFlow {
    explicit ProbeFlow(HealthOptions health, std::vector<Region> regions = equal_regions({kUs, kEu}))
        : CallFlow({}, {.regions = std::move(regions), .health = std::move(health)}, kManual, kProbing) {
        transport.reply(kUs, "hello").reply(kEu, "hello");
    }
    /// Counts the probes that the first region gets within `time`.
    int probes_within(nanoseconds time) {
        transport.clear_requests();
        clock.advance(time);
        return count_by_region(transport.attempts(""))[kUs];
    }
};

TEST(Probe, NoneIsSentWhenDisabled) {
    // `CallFlow` turns probes off by default.
    CallFlow flow({kUs, kEu}, {}, CallFlow::kManual);
    flow.transport.hang(kUs).reply(kEu, "hello");
    auto answer = flow.client.chat_async(a_question(), {.deadline = 50s, .regions = {kUs}});
    flow.clock.advance(24h);
    EXPECT_THAT(answer.get(), FailsWith(ErrorCode::deadline_exceeded));
    EXPECT_THAT(flow.transport.attempts("GET"), IsEmpty());
    EXPECT_THAT(flow.transport.attempts("HEAD"), IsEmpty());
}

// ---- the requests ----

TEST(Probe, RequestsTheModelsWithTheKeyOfTheRegion) {
    auto regions = equal_regions({kUs, kEu});
    regions[1].api_key = "key-of-eu";
    regions[1].headers = {{"X-Region", "eu"}};
    ProbeFlow flow({}, regions);
    flow.clock.advance(1s);
    const auto requests = flow.requests();
    ASSERT_THAT(requests, SizeIs(2));
    for (const auto& request : requests) {
        EXPECT_EQ(request.method, "GET");
        EXPECT_THAT(request.url, ::testing::EndsWith(".test/v1/models"));
        EXPECT_THAT(request.body, IsEmpty());
        const bool eu = request.url.find(kEu) != std::string::npos;
        EXPECT_EQ(header(request, "Authorization"), eu ? "Bearer key-of-eu" : "Bearer sk-test-key");
        EXPECT_EQ(header(request, "X-Region"), eu ? "eu" : "");
    }
}

TEST(Probe, RequestsAConfiguredHeadOrPath) {
    using Kind = HealthOptions::Probe;
    for (const auto kind : {Kind::head, Kind::path}) {
        ProbeFlow flow({.probe = kind, .path = "/health?deep=1"});
        flow.clock.advance(1s);
        ASSERT_THAT(flow.requests(), SizeIs(2));
        for (const auto& request : flow.requests()) {
            EXPECT_EQ(request.method, kind == Kind::head ? "HEAD" : "GET");
            EXPECT_THAT(request.url, ::testing::EndsWith(".test/v1/health?deep=1"));
            EXPECT_EQ(header(request, "Authorization"), "Bearer sk-test-key");
        }
        EXPECT_EQ(health_of(flow, kUs).liveness, Liveness::healthy);
    }
}

TEST(Probe, RequestsOneTokenAtMostOnceAMinuteWithinItsHourlyBudget) {
    auto regions = equal_regions({kUs, kEu});
    regions[0].model_map = {{"small", "us/small"}};
    ProbeFlow flow({.probe = HealthOptions::Probe::completion, .model = "small", .interval = 5s}, regions);
    flow.clock.advance(4min);
    std::map<std::string, std::vector<Clock::time_point>> sent_at;
    for (const auto& seen : flow.transport.requests()) {
        if (seen.request.method == "GET") continue;
        sent_at[seen.region].push_back(seen.started);
        EXPECT_THAT(seen.request.url, ::testing::EndsWith("/chat/completions"));
        EXPECT_THAT(seen.request.body, AllOf(HasSubstr(R"("max_tokens":1)"),
                                             HasSubstr(seen.region == kUs ? R"("us/small")" : R"(:"small")")));
    }
    for (const auto& region : {kUs, kEu}) {
        ASSERT_THAT(sent_at[region], SizeIs(AllOf(Ge(3U), Le(4U))));
        for (std::size_t i = 1; i < sent_at[region].size(); ++i) {
            EXPECT_GE(sent_at[region][i] - sent_at[region][i - 1], 60s);
        }
    }
    EXPECT_THAT(flow.transport.attempts("GET"), SizeIs(Ge(30U))) << "free probes in between";
}

TEST(Probe, CompletionsStopAtTheirHourlyBudget) {
    for (const int tokens : {0, 15, 50}) {
        ProbeFlow flow({.probe = HealthOptions::Probe::completion, .model = "m", .completion_tokens_per_hour = tokens});
        flow.clock.advance(30min);
        EXPECT_THAT(flow.transport.attempts("POST"), SizeIs(static_cast<std::size_t>(tokens / 16)));
    }
}

TEST(Probe, APageOrAnErrorInA200IsNotAHealthyAnswer) {
    for (const char* body : {"<html><title>Log in</title></html>", R"({"error":"Unexpected endpoint or method."})"}) {
        ProbeFlow flow({});
        flow.transport.clear(kUs).reply_raw(kUs, 200, {}, body);
        flow.clock.advance(1min);
        EXPECT_NE(health_of(flow, kUs).liveness, Liveness::healthy) << body;
        EXPECT_EQ(health_of(flow, kEu).liveness, Liveness::healthy);
    }
}

// ---- the schedule ----

TEST(Probe, AHealthyRegionIsProbedAtItsInterval) {
    for (const auto interval : {2s, 10s}) {
        ProbeFlow flow({.interval = interval});
        flow.clock.advance(20s);
        const auto usual = static_cast<int>(100s / interval);
        EXPECT_THAT(flow.probes_within(100s), AllOf(Ge(usual * 8 / 10), Le(usual * 13 / 10)));
    }
}

TEST(Probe, AnUnhealthyRegionIsProbedAtItsOwnInterval) {
    for (const auto interval : {1s, 4s}) {
        ProbeFlow flow({.unhealthy_interval = interval});
        flow.transport.clear(kUs).fail(kUs, ErrorCode::transport_failed);
        flow.clock.advance(20s);
        EXPECT_NE(health_of(flow, kUs).liveness, Liveness::healthy);
        const auto usual = static_cast<int>(40s / interval);
        EXPECT_THAT(flow.probes_within(40s), AllOf(Ge(usual * 8 / 10), Le(usual * 13 / 10)));
    }
}

TEST(Probe, AnIdleClientProbesOnceAMinute) {
    ProbeFlow flow({});
    flow.clock.advance(10min);
    EXPECT_THAT(flow.probes_within(10min), AllOf(Ge(8), Le(13)));
}

TEST(Probe, TrafficReplacesProbes) {
    ProbeFlow flow({});
    flow.clock.advance(2s);
    flow.transport.clear_requests();
    for (int i = 0; i < 60; ++i) {
        auto us = flow.client.chat_async(a_question(), {.regions = {kUs}});
        flow.clock.advance(1s);
        EXPECT_THAT(us.get(), IsOk());
    }
    const auto probes = count_by_region(flow.transport.attempts("GET"));
    EXPECT_FALSE(probes.contains(kUs));
    EXPECT_TRUE(probes.contains(kEu));
}

TEST(Probe, IsCancelledAfterItsTimeout) {
    for (const auto timeout : {20ms, 500ms}) {
        ProbeFlow flow({.timeout = timeout});
        flow.transport.clear(kUs).hang(kUs);
        const auto first = [&] {
            const auto seen = flow.transport.requests();
            const auto found = std::ranges::find(seen, kUs, &holysheep::testing::SeenTransfer::region);
            return found == seen.end() ? std::nullopt : std::optional(*found);
        };
        while (!first()) flow.clock.advance(1ms);
        flow.clock.advance_to(first()->started + timeout - 1ms);
        EXPECT_FALSE(first()->cancelled);
        flow.clock.advance(1ms);
        EXPECT_TRUE(first()->cancelled);
    }
}

TEST(Probe, IsOverdueAfterTheUsualProbeTime) {
    ProbeFlow flow({.interval = 1s});
    flow.transport.clear(kUs).reply(kUs, "hello", {.first_byte = 40ms});
    flow.clock.advance(20s);
    EXPECT_EQ(health_of(flow, kUs).probe, 40ms);
    flow.transport.clear(kUs).hang(kUs);
    flow.transport.clear_requests();
    const auto next = [&] {
        flow.transport.clear_requests();
        for (;;) {
            flow.clock.advance(1ms);
            for (const auto& seen : flow.transport.requests()) {
                if (seen.region == kUs && seen.cancelled) return flow.clock.now() - seen.started;
            }
        }
    };
    flow.clock.advance(1500ms);
    EXPECT_EQ(health_of(flow, kUs).liveness, Liveness::suspect) << "long before two seconds";
    EXPECT_EQ(std::chrono::round<milliseconds>(next()), 2s) << "the answer is still awaited until the timeout";
}

TEST(Probe, TheUsualProbeTimeAdaptsToSlowerProbes) {
    ProbeFlow flow({.interval = 1s});
    flow.transport.clear(kUs).reply(kUs, "hello", {.first_byte = 40ms});
    flow.clock.advance(20s);
    flow.transport.clear(kUs).reply(kUs, "hello", {.first_byte = 400ms});
    flow.clock.advance(10s);
    EXPECT_EQ(health_of(flow, kUs).liveness, Liveness::healthy);
    EXPECT_EQ(breaker_of(flow, kUs), BreakerState::closed);
    EXPECT_EQ(health_of(flow, kUs).probe, 400ms);
}

// ---- the effect on health ----

TEST(Probe, AnswersMakeARegionHealthyAndMissesMakeItDown) {
    ProbeFlow flow({});
    EXPECT_EQ(health_of(flow, kUs).liveness, Liveness::unknown);
    flow.clock.advance(2s);
    EXPECT_EQ(health_of(flow, kUs).liveness, Liveness::healthy);
    EXPECT_TRUE(health_of(flow, kUs).probe);
    flow.transport.clear(kUs).fail(kUs, ErrorCode::transport_failed);
    std::vector<Liveness> seen{Liveness::healthy};
    for (int i = 0; i < 600; ++i) {
        if (i == 140) flow.transport.clear(kUs).reply(kUs, "back");
        flow.clock.advance(100ms);
        if (i >= 550) {
            EXPECT_THAT(flow.client.chat_async(a_question(), {.regions = {kUs}}).get(), IsOk());
        }
        const auto now = health_of(flow, kUs).liveness;
        if (now != seen.back()) seen.push_back(now);
    }
    EXPECT_THAT(seen, ElementsAre(Liveness::healthy, Liveness::suspect, Liveness::down, Liveness::recovering,
                                  Liveness::healthy));
    EXPECT_GE(flow.client.stats().regions[0].probes, 10U);
}

TEST(Probe, AThrottledProbeKeepsTheRegionHealthyAndLaterOnesOnlyConnect) {
    ProbeFlow flow({});
    flow.transport.clear(kUs).reply_raw(kUs, 429, {{"retry-after", "60"}}, "");
    flow.clock.advance(2s);
    EXPECT_EQ(health_of(flow, kUs).liveness, Liveness::healthy);
    EXPECT_FALSE(health_of(flow, kUs).limited_for) << "calls have a quota of their own";
    flow.transport.clear_requests();
    flow.clock.advance(60s);
    int connections = 0;
    for (const auto& seen : flow.transport.requests()) {
        if (seen.region != kUs) continue;
        ++connections;
        EXPECT_FALSE(seen.sent);
        EXPECT_TRUE(seen.request.fresh_connection);
    }
    EXPECT_GE(connections, 4);
    EXPECT_EQ(health_of(flow, kUs).liveness, Liveness::healthy);
    flow.transport.clear(kUs).never_connects(kUs);
    flow.clock.advance(60s);
    EXPECT_NE(health_of(flow, kUs).liveness, Liveness::healthy) << "a failed connection still counts";
}

TEST(Probe, AServerErrorIsAMissAndARefusedKeyIsNot) {
    for (const int status : {401, 404, 500, 503}) {
        ProbeFlow flow({});
        flow.transport.clear(kUs).reply_raw(kUs, status, {}, "");
        flow.clock.advance(10s);
        EXPECT_EQ(health_of(flow, kUs).liveness, status < 500 ? Liveness::healthy : Liveness::down) << status;
        EXPECT_EQ(breaker_of(flow, kUs), BreakerState::closed) << "the region answers; only calls can open its breaker";
    }
}

// ---- Client::probe() ----

TEST(Probe, ACallOfProbeProbesAllRegionsAtOnce) {
    CallFlow flow({kUs, kEu, kAp}, {.health = {.timeout = 700ms}});
    flow.transport.reply(kUs, "hello", {.first_byte = 30ms}).hang(kEu).never_connects(kAp);
    const auto healths = flow.client.probe();
    ASSERT_THAT(healths, SizeIs(3));
    EXPECT_EQ(healths[0].id, kUs);
    EXPECT_EQ(healths[0].liveness, Liveness::healthy);
    EXPECT_EQ(healths[0].probe, 30ms);
    EXPECT_EQ(healths[1].liveness, Liveness::suspect);
    EXPECT_EQ(healths[1].reason, "the last probe failed");
    EXPECT_FALSE(healths[2].probe);
    EXPECT_EQ(flow.elapsed(), 700ms);
    EXPECT_THAT(count_by_region(flow.transport.attempts("GET")),
                UnorderedElementsAre(Pair(kUs, 1), Pair(kEu, 1), Pair(kAp, 1)));
}

TEST(Probe, ACallOfProbeObeysDeadlineAndRegionLists) {
    CallFlow flow({kUs, kEu, kAp});
    flow.transport.hang(kUs).reply(kEu, "hello").reply(kAp, "hello");
    const auto healths = flow.client.probe({.deadline = 300ms, .regions = {kUs, kEu}, .exclude_regions = {kUs}});
    ASSERT_THAT(healths, SizeIs(1));
    EXPECT_EQ(healths[0].id, kEu);
    EXPECT_EQ(healths[0].liveness, Liveness::healthy);
    EXPECT_LE(flow.elapsed(), 300ms);
}

TEST(Probe, ACallOfProbeJoinsAProbeInFlight) {
    ProbeFlow flow({});
    flow.transport.clear(kUs).reply(kUs, "hello", {.first_byte = 1s});
    flow.clock.advance(1s);
    ASSERT_EQ(count_by_region(flow.transport.attempts("GET"))[kUs], 1);
    std::thread prober([&] { EXPECT_THAT(flow.client.probe(), SizeIs(2)); });
    while (count_by_region(flow.transport.attempts("GET"))[kEu] < 2) std::this_thread::yield();
    flow.clock.advance(2s);
    prober.join();
    EXPECT_EQ(health_of(flow, kUs).liveness, Liveness::healthy);
}

// ---- listeners and stats ----

struct RegionListener final : EventListener {
    void on_region(const RegionHealth& region) override {
        if (region.id == kUs) seen.emplace_back(region.liveness, region.breaker);
        reasons.push_back(region.reason);
    }
    std::vector<std::pair<Liveness, BreakerState>> seen;
    std::vector<std::string> reasons;
};

TEST(Probe, ListenersGetEachChangeInOrder) {
    const auto listener = std::make_shared<RegionListener>();
    CallFlow flow({kUs, kEu}, {.listeners = {listener}, .callback_executor = run_inline});
    flow.transport.reply(kUs, "hello").fail(kUs, ErrorCode::transport_failed).reply(kEu, "hello");
    for (int i = 0; i < 4; ++i) EXPECT_NE(answered_by(flow), "");
    flow.transport.clear(kUs).reply(kUs, "back");
    flow.clock.advance(3s);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(answered_by(flow), kUs);
    flow.client.drain(kUs);
    flow.client.resume(kUs);
    using enum Liveness;
    constexpr auto kClosed = BreakerState::closed;
    EXPECT_THAT(listener->seen, ElementsAre(Pair(healthy, kClosed), Pair(suspect, kClosed),
                                            Pair(down, BreakerState::open), Pair(recovering, BreakerState::half_open),
                                            Pair(healthy, kClosed), Pair(draining, kClosed), Pair(healthy, kClosed)));
    EXPECT_THAT(listener->reasons, Each(::testing::Not(IsEmpty())));
}

TEST(Probe, TheOnlyRegionHasAScore) {
    CallFlow flow({kUs});
    flow.transport.reply(kUs, "hello", {.first_byte = 100ms});
    EXPECT_EQ(answered_by(flow), kUs);
    EXPECT_EQ(health_of(flow, kUs).score, 100);
}

TEST(Probe, StatsShowTheStateOfARegion) {
    ProbeFlow flow({});
    flow.transport.clear(kUs).reply(kUs, "hello", {.first_byte = 40ms});
    flow.transport.set_evidence(PathEvidence{.srtt = 20ms, .rttvar = 2ms});
    flow.clock.advance(2s);
    auto stream = flow.client.stream(a_question(), {.regions = {kUs}});
    flow.clock.advance(2s);
    EXPECT_THAT(stream.finish(), IsOk());
    const auto health = health_of(flow, kUs);
    EXPECT_EQ(health.liveness, Liveness::healthy);
    EXPECT_EQ(health.breaker, BreakerState::closed);
    EXPECT_EQ(health.rtt, 20ms);
    EXPECT_EQ(health.first_token, 40ms);
    EXPECT_EQ(health.probe, 40ms);
    EXPECT_EQ(health.score, 100);
    EXPECT_EQ(health.error_rate, 0);
    EXPECT_GT(health.cost, 0);
    EXPECT_EQ(health.in_flight, 0);
    EXPECT_FALSE(health.limited_for);
    EXPECT_FALSE(health.open_for);
    EXPECT_EQ(health.reason, "answers");
}

}  // namespace
}  // namespace holysheep::flow
