// Counters: each event moves exactly the numbers it is about.
#include "telemetry/recorder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <thread>

namespace holysheep::telemetry {
namespace {

using namespace std::chrono_literals;

constexpr Clock::time_point kNow{1h};

TEST(Recorder, CountsCallsByHowTheyEnded) {
    Recorder recorder({"a"}, kNow);
    for (int i = 0; i < 4; ++i) recorder.on_call_started(i == 0);
    recorder.on_call_end(std::nullopt, 20, 5);
    recorder.on_call_end(ErrorCode::server_failed, 19, 5);
    recorder.on_call_end(ErrorCode::cancelled, 18.5, 4.25);
    const auto stats = recorder.snapshot(kNow + 3s);
    EXPECT_EQ(stats.calls, 4U);
    EXPECT_EQ(stats.streams, 1U);
    EXPECT_EQ(stats.in_flight, 1);
    EXPECT_EQ(stats.succeeded, 1U);
    EXPECT_EQ(stats.failed, 1U);
    EXPECT_EQ(stats.cancelled, 1U);
    EXPECT_EQ(stats.retry_budget_tokens, 18.5);
    EXPECT_EQ(stats.hedge_budget_tokens, 4.25);
    EXPECT_EQ(stats.uptime, 3s);
}

TEST(Recorder, CountsAttemptsAndFailoversPerRegion) {
    Recorder recorder({"a", "b"}, kNow);
    recorder.on_dispatch(0, {}, std::nullopt);
    recorder.on_attempt_end(0, {.error = ErrorCode::server_failed}, {.as_of = kNow, .error_rate = 0.1});
    recorder.on_dispatch(1, {.kind = AttemptKind::failover}, 0);
    recorder.on_attempt_end(1, {}, {});
    recorder.on_dispatch(1, {}, std::nullopt);
    const auto stats = recorder.snapshot(kNow);
    EXPECT_EQ(stats.attempts, 3U);
    EXPECT_EQ(stats.failovers, 1U);
    ASSERT_EQ(stats.regions.size(), 2U);
    const auto& a = stats.regions[0];
    const auto& b = stats.regions[1];
    EXPECT_EQ(a.id, "a");
    EXPECT_EQ(a.attempts, 1U);
    EXPECT_EQ(a.failed, 1U);
    EXPECT_EQ(a.succeeded, 0U);
    EXPECT_EQ(a.failovers_away, 1U);
    EXPECT_EQ(a.last_error, ErrorCode::server_failed);
    EXPECT_EQ(a.health.error_rate, 0.1);
    EXPECT_EQ(a.health.in_flight, 0);
    EXPECT_EQ(b.attempts, 2U);
    EXPECT_EQ(b.succeeded, 1U);
    EXPECT_EQ(b.health.in_flight, 1);
    EXPECT_EQ(b.last_error, std::nullopt);
}

TEST(Recorder, CountsHedgesPanicsAndProbes) {
    Recorder recorder({"a", "b"}, kNow);
    recorder.on_dispatch(0, {.panic = true}, std::nullopt);
    recorder.on_dispatch(1, {.kind = AttemptKind::hedge}, std::nullopt);
    recorder.on_probe(1);
    const auto stats = recorder.snapshot(kNow);
    EXPECT_EQ(stats.panics, 1U);
    EXPECT_EQ(stats.hedges, 1U);
    EXPECT_EQ(stats.regions[0].hedges, 0U);
    EXPECT_EQ(stats.regions[1].hedges, 1U);
    EXPECT_EQ(stats.regions[1].probes, 1U);
}

TEST(Recorder, ACancelledAttemptIsNeitherGoodNorBad) {
    Recorder recorder({"a"}, kNow);
    recorder.on_dispatch(0, {}, std::nullopt);
    recorder.on_attempt_end(0, {.error = ErrorCode::cancelled}, {});
    const auto stats = recorder.snapshot(kNow);
    EXPECT_EQ(stats.regions[0].succeeded, 0U);
    EXPECT_EQ(stats.regions[0].failed, 0U);
    EXPECT_EQ(stats.regions[0].last_error, std::nullopt);
}

TEST(Recorder, ShowsWhatIsKnownOfARegion) {
    Recorder recorder({"a", "b"}, kNow);
    recorder.on_region(1, {.liveness = Liveness::down,
                           .breaker = BreakerState::open,
                           .open_until = kNow + 5s,
                           .liveness_reason = "attempts fail",
                           .breaker_reason = "opened: x"});
    EXPECT_EQ(recorder.snapshot(kNow).regions[0].health.liveness, Liveness::unknown);
    const auto health = recorder.snapshot(kNow + 2s).regions[1].health;
    EXPECT_EQ(health.id, "b");
    EXPECT_EQ(health.liveness, Liveness::down);
    EXPECT_EQ(health.breaker, BreakerState::open);
    EXPECT_EQ(health.open_for, 3s) << "the time that is left";
    EXPECT_EQ(health.reason, "attempts fail; breaker opened: x");
}

TEST(Recorder, APauseIsShownAsTheTimeThatIsLeft) {
    Recorder recorder({"a"}, kNow);
    recorder.on_region(0, {.limited_until = kNow + 5s});
    const auto limited_for = [&](Clock::time_point now) {
        return recorder.snapshot(now).regions[0].health.limited_for;
    };
    EXPECT_EQ(limited_for(kNow + 2s), 3s);
    EXPECT_EQ(limited_for(kNow + 5s - 1us), 1ms) << "rounded up: never 0 while it lasts";
    EXPECT_EQ(limited_for(kNow + 5s), std::nullopt);
}

TEST(Recorder, ASnapshotTakenMeanwhileIsConsistent) {
    Recorder recorder({"a"}, kNow);
    std::jthread writer([&](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            recorder.on_call_started(false);
            recorder.on_call_end(std::nullopt, 20, 5);
        }
    });
    for (int i = 0; i < 1'000; ++i) {
        const auto stats = recorder.snapshot(kNow);
        ASSERT_EQ(stats.calls, stats.succeeded + static_cast<std::uint64_t>(stats.in_flight));
    }
}

TEST(Stats, PrintsAsATableAndAsJson) {
    const Stats stats{
        .uptime = 90s,
        .in_flight = 1,
        .calls = 7,
        .succeeded = 4,
        .failed = 1,
        .cancelled = 1,
        .streams = 2,
        .attempts = 9,
        .failovers = 2,
        .retry_budget_tokens = 19.5,
        .regions = {{.id = "a", .health = {.liveness = Liveness::draining, .in_flight = 3}, .attempts = 5},
                    {.id = "b", .health = {.liveness = Liveness::healthy, .score = 80, .limited_for = 1500ms}},
                    {.id = "c",
                     .health = {.liveness = Liveness::down, .breaker = BreakerState::open, .reason = "attempts fail"},
                     .last_error = ErrorCode::tls_failed}}};
    const auto json = stats.to_json();
    for (const auto* part :
         {R"({"uptime_seconds":90.0,"in_flight":1,"calls":7,"succeeded":4,"failed":1,"cancelled":1,"streams":2,)"
          R"("attempts":9,"failovers":2,"hedges":0,"panics":0,"retry_budget_tokens":19.5,)",
          R"({"id":"a","liveness":"draining",)", R"("in_flight":3)", R"("limited_for_ms":1500})",
          R"({"id":"c","liveness":"down","breaker":"open","reason":"attempts fail")",
          R"("last_error":"tls_failed"})"}) {
        EXPECT_THAT(json, testing::HasSubstr(part));
    }
    std::ostringstream table;
    table << stats;
    for (const auto* word : {"calls 7", "ok 4", "failovers 2", "draining", "down: attempts fail (tls_failed)"}) {
        EXPECT_THAT(table.str(), testing::HasSubstr(word));
    }
}

}  // namespace
}  // namespace holysheep::telemetry
