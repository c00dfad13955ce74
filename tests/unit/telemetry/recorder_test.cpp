// Counters: each event changes exactly the numbers that it should.
#include "telemetry/recorder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace holysheep::telemetry {
namespace {

using namespace std::chrono_literals;

constexpr Clock::time_point kNow{1h};

TEST(Recorder, CountsCallsByOutcome) {
    Recorder recorder({"a"}, kNow);
    for (int i = 0; i < 4; ++i) recorder.on_call_started(i == 0);
    recorder.on_call_end({.retry_tokens = 20, .hedge_tokens = 5});
    recorder.on_call_end({.error = ErrorCode::server_failed, .retry_tokens = 19, .hedge_tokens = 5});
    recorder.on_call_end({.error = ErrorCode::cancelled, .retry_tokens = 18.5, .hedge_tokens = 4.25});
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
    recorder.on_dispatch(1, {.kind = AttemptKind::failover},
                         FailoverCause{.from = 0, .cause = ErrorCode::server_failed, .overhead = 3ms});
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
    recorder.on_probe(1, true, 3ms);
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

TEST(Recorder, ReportsTheStateOfARegion) {
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
    EXPECT_EQ(health.open_for, 3s) << "the remaining time";
    EXPECT_EQ(health.reason, "attempts fail; breaker opened: x");
}

TEST(Recorder, APauseIsReportedAsItsRemainingTime) {
    Recorder recorder({"a"}, kNow);
    recorder.on_region(0, {.limited_until = kNow + 5s});
    const auto limited_for = [&](Clock::time_point now) {
        return recorder.snapshot(now).regions[0].health.limited_for;
    };
    EXPECT_EQ(limited_for(kNow + 2s), 3s);
    EXPECT_EQ(limited_for(kNow + 5s - 1us), 1ms) << "rounded up, never 0 before the end";
    EXPECT_EQ(limited_for(kNow + 5s), std::nullopt);
}

TEST(Recorder, AConcurrentSnapshotIsConsistent) {
    Recorder recorder({"a"}, kNow);
    std::jthread writer([&](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            recorder.on_call_started(false);
            recorder.on_call_end({.retry_tokens = 20, .hedge_tokens = 5});
        }
    });
    for (int i = 0; i < 1'000; ++i) {
        const auto stats = recorder.snapshot(kNow);
        ASSERT_EQ(stats.calls, stats.succeeded + static_cast<std::uint64_t>(stats.in_flight));
    }
}

TEST(Recorder, RecordsFailoverCausesAndDestinations) {
    Recorder recorder({"a", "b", "c"}, kNow);
    const auto move = [&](std::size_t to, ErrorCode cause, nanoseconds overhead) {
        recorder.on_dispatch(to, {.kind = AttemptKind::failover}, FailoverCause{0, cause, overhead});
    };
    move(1, ErrorCode::server_failed, 1ms);
    move(1, ErrorCode::server_failed, 3ms);
    move(2, ErrorCode::tls_failed, 40ms);
    recorder.on_dispatch(2, {.kind = AttemptKind::rescue}, FailoverCause{0, ErrorCode::timed_out, 20s});
    const auto stats = recorder.snapshot(kNow);
    EXPECT_EQ(stats.failovers, 3U) << "a rescue is not a failover: the first attempt continues";
    EXPECT_EQ(stats.rescues, 1U);
    EXPECT_EQ(stats.regions[2].rescues, 1U);
    const auto& a = stats.regions[0];
    ASSERT_EQ(a.failovers_away_by.size(), 2U);
    EXPECT_EQ(a.failovers_away_by[0].cause, ErrorCode::tls_failed);
    EXPECT_EQ(a.failovers_away_by[0].count, 1U);
    EXPECT_EQ(a.failovers_away_by[1].cause, ErrorCode::server_failed);
    EXPECT_EQ(a.failovers_away_by[1].count, 2U);
    EXPECT_EQ(stats.regions[1].failovers_to, 2U);
    EXPECT_EQ(stats.regions[2].failovers_to, 1U);
    ASSERT_EQ(stats.failovers_by.size(), 2U);
    EXPECT_EQ(stats.failovers_by[0].from, "a");
    EXPECT_EQ(stats.failovers_by[0].to, "b");
    EXPECT_EQ(stats.failovers_by[0].cause, ErrorCode::server_failed);
    EXPECT_EQ(stats.failovers_by[0].count, 2U);
    EXPECT_EQ(stats.failover_overhead.count, 4U);
    EXPECT_EQ(stats.failover_overhead.max, 20s);
    const auto& buckets = stats.failover_overhead_buckets;
    EXPECT_EQ(buckets.front().up_to, 1ms);
    EXPECT_EQ(buckets.front().count, 1U) << "the upper bound is inclusive";
    EXPECT_EQ(buckets.back().up_to, 10s);
    EXPECT_EQ(buckets.back().count, 3U) << "cumulative; longer durations are only in the total count";
}

TEST(Recorder, TimesAnsweredAttemptsAndFirstContents) {
    Recorder recorder({"a"}, kNow);
    recorder.on_attempt_end(0, {.timings = {.first_content = 20ms, .total = 100ms}}, {});
    recorder.on_attempt_end(0, {.timings = {.total = 300ms}}, {});
    recorder.on_attempt_end(0, {.timings = {.total = 1ms}, .error = ErrorCode::transport_failed}, {});
    const auto region = recorder.snapshot(kNow).regions[0];
    EXPECT_EQ(region.latency.count, 2U) << "failures are not latency samples";
    EXPECT_EQ(region.latency.average, 200ms);
    EXPECT_EQ(region.latency.min, 100ms);
    EXPECT_EQ(region.latency.max, 300ms);
    EXPECT_EQ(region.first_content.count, 1U);
    EXPECT_EQ(region.first_content.p50, 20ms);
}

TEST(Recorder, AnAttemptThatBrokeAfterContentIsACutStream) {
    Recorder recorder({"a"}, kNow);
    const AttemptTimings begun{.first_content = 20ms, .total = 30ms};
    recorder.on_attempt_end(0, {.timings = begun, .error = ErrorCode::stream_interrupted}, {}, 12);
    recorder.on_attempt_end(0, {.timings = begun, .error = ErrorCode::malformed_response}, {}, 3);
    recorder.on_attempt_end(0, {.timings = begun, .error = ErrorCode::cancelled}, {}, 4);
    recorder.on_attempt_end(0, {.timings = begun}, {});
    recorder.on_attempt_end(0, {.error = ErrorCode::server_failed}, {});
    const auto stats = recorder.snapshot(kNow);
    EXPECT_EQ(stats.streams_cut, 2U);
    EXPECT_EQ(stats.regions[0].streams_cut, 2U);
    EXPECT_EQ(stats.wasted_tokens, 19);
    EXPECT_EQ(stats.regions[0].wasted_tokens, 19);
    EXPECT_EQ(stats.regions[0].cancelled, 1U);
    ASSERT_EQ(stats.regions[0].failed_by.size(), 3U);
}

TEST(Recorder, KeepsTheLastAttemptsOfARegion) {
    Recorder recorder({"a", "b"}, kNow, 3);
    for (int i = 1; i <= 5; ++i) {
        recorder.on_attempt_end(0,
                                {.timings = {.total = i * 10ms},
                                 .http_status = i == 5 ? 503 : 200,
                                 .error = i == 5 ? std::optional(ErrorCode::server_failed) : std::nullopt},
                                {.as_of = kNow + i * 1s});
    }
    const auto stats = recorder.snapshot(kNow + 9s);
    const auto& history = stats.regions[0].history;
    ASSERT_EQ(history.size(), 3U);
    EXPECT_EQ(history[0].at, 3s) << "oldest first";
    EXPECT_EQ(history[0].latency, 30ms);
    EXPECT_EQ(history[0].error, std::nullopt);
    EXPECT_EQ(history[2].at, 5s);
    EXPECT_EQ(history[2].error, ErrorCode::server_failed);
    EXPECT_EQ(history[2].http_status, 503);
    EXPECT_TRUE(stats.regions[1].history.empty());
}

TEST(Recorder, KeepsNoHistoryIfDisabled) {
    Recorder recorder({"a"}, kNow, 0);
    recorder.on_attempt_end(0, {}, {});
    EXPECT_TRUE(recorder.snapshot(kNow).regions[0].history.empty());
}

TEST(Recorder, DistinguishesWonFromLostHedges) {
    Recorder recorder({"a", "b"}, kNow);
    const std::vector<AttemptRecord> won{{.region = "a"}, {.kind = AttemptKind::hedge, .region = "b", .winner = true}};
    const std::vector<AttemptRecord> lost{{.region = "a", .winner = true}, {.kind = AttemptKind::hedge, .region = "b"}};
    for (const auto* attempts : {&won, &lost, &lost}) {
        recorder.on_call_started(true);
        recorder.on_call_end({.attempts = *attempts});
    }
    const auto stats = recorder.snapshot(kNow);
    EXPECT_EQ(stats.hedges_won, 1U);
    EXPECT_EQ(stats.hedges_lost, 2U);
    EXPECT_EQ(stats.regions[1].hedges_won, 1U);
    EXPECT_EQ(stats.regions[1].hedges_lost, 2U);
    EXPECT_EQ(stats.regions[0].hedges_lost, 0U);
}

TEST(Recorder, CountsNoticeableWaits) {
    Recorder recorder({"a"}, kNow);
    for (const nanoseconds queued : {nanoseconds(20us), nanoseconds(1ms), nanoseconds(3s)}) {
        recorder.on_call_started(false);
        recorder.on_call_end({.queued = queued, .total = queued + 1ms});
    }
    const auto stats = recorder.snapshot(kNow);
    EXPECT_EQ(stats.queued.count, 2U);
    EXPECT_EQ(stats.queued.max, 3s);
    EXPECT_EQ(stats.latency.count, 3U);
}

TEST(Recorder, TimesProbesAndCountsFailures) {
    Recorder recorder({"a"}, kNow);
    recorder.on_probe(0, true, 30ms);
    recorder.on_probe(0, true, std::nullopt);
    recorder.on_probe(0, false, 2s);
    const auto region = recorder.snapshot(kNow).regions[0];
    EXPECT_EQ(region.probes, 3U);
    EXPECT_EQ(region.probes_failed, 1U);
    EXPECT_EQ(region.probe_rtt.count, 1U);
    EXPECT_EQ(region.probe_rtt.max, 30ms);
}

TEST(Recorder, ReportsWhenARegionChanged) {
    Recorder recorder({"a", "b"}, kNow);
    recorder.on_region(1, {.liveness = Liveness::healthy, .as_of = kNow + 1s, .liveness_reason = "it answers"});
    recorder.on_region(1, {.liveness = Liveness::healthy, .as_of = kNow + 2s});
    recorder.on_region(1, {.liveness = Liveness::down,
                           .breaker = BreakerState::open,
                           .as_of = kNow + 3s,
                           .weight = 2,
                           .ramp = 0.5,
                           .liveness_reason = "attempts fail",
                           .breaker_reason = "opened: x"});
    const auto stats = recorder.snapshot(kNow + 9s);
    ASSERT_EQ(stats.changes.size(), 2U);
    EXPECT_EQ(stats.changes[0].at, 1s);
    EXPECT_EQ(stats.changes[0].region, "b");
    EXPECT_EQ(stats.changes[0].liveness, Liveness::healthy);
    EXPECT_EQ(stats.changes[1].at, 3s);
    EXPECT_EQ(stats.changes[1].breaker, BreakerState::open);
    EXPECT_EQ(stats.changes[1].reason, "attempts fail; breaker opened: x");
    EXPECT_EQ(stats.regions[1].breaker_opened, 1U);
    EXPECT_EQ(stats.regions[1].breaker_closed, 0U);
    EXPECT_EQ(stats.regions[1].weight, 1.0) << "the current share";
    for (int i = 0; i < 200; ++i) {
        recorder.on_region(0, {.liveness = i % 2 == 0 ? Liveness::healthy : Liveness::suspect, .as_of = kNow + i * 1s});
    }
    const auto later = recorder.snapshot(kNow + 200s);
    ASSERT_EQ(later.changes.size(), 64U);
    EXPECT_EQ(later.changes.front().at, 136s);
    EXPECT_EQ(later.changes.back().at, 199s);
}

TEST(ModelTally, AddsUpTokensAndMoneyPerModel) {
    ModelTally tally;
    const Usage usage{.present = true,
                      .prompt_tokens = 100,
                      .completion_tokens = 20,
                      .total_tokens = 120,
                      .cached_input_tokens = 64,
                      .reasoning_tokens = 8};
    const std::vector<AttemptRecord> attempts{{.cost = Money{.nano = 5}, .cost_is_estimate = true},
                                              {.cost = Money{.nano = 0, .currency = "CHF"}},
                                              {.winner = true, .cost = Money{.nano = 70}}};
    const std::vector<AttemptRecord> in_euros{{.cost = Money{.nano = 9, .currency = "EUR"}}};
    const std::vector<AttemptRecord> without_price{{.winner = true}};
    tally.add("m", std::nullopt, &usage, attempts);
    tally.add("m", std::nullopt, &usage, in_euros);
    tally.add("m", std::nullopt, nullptr, without_price);
    tally.add("m", ErrorCode::server_failed, nullptr, {});
    tally.add("n", ErrorCode::cancelled, nullptr, {});
    tally.add("", std::nullopt, nullptr, {});
    ASSERT_EQ(tally.all().size(), 2U) << "requests without a model are not counted";
    const auto& m = tally.all()[0];
    EXPECT_EQ(m.model, "m");
    EXPECT_EQ(m.calls, 4U);
    EXPECT_EQ(m.succeeded, 3U);
    EXPECT_EQ(m.failed, 1U);
    EXPECT_EQ(m.prompt_tokens, 200);
    EXPECT_EQ(m.completion_tokens, 40);
    EXPECT_EQ(m.cached_input_tokens, 128);
    EXPECT_EQ(m.reasoning_tokens, 16);
    ASSERT_EQ(m.cost.size(), 2U) << "one sum per currency";
    EXPECT_EQ(m.cost[0].nano, 70);
    EXPECT_EQ(m.cost[1].currency, "EUR");
    ASSERT_EQ(m.cost_estimated.size(), 1U);
    EXPECT_EQ(m.cost_estimated[0].nano, 5);
    EXPECT_EQ(m.unpriced, 1U);
    EXPECT_EQ(tally.all()[1].cancelled, 1U);
}

TEST(ModelTally, IsBounded) {
    ModelTally tally;
    for (int i = 0; i < 200; ++i) tally.add("model-" + std::to_string(i), std::nullopt, nullptr, {});
    tally.add(std::string(10'000, 'x'), std::nullopt, nullptr, {});
    ASSERT_EQ(tally.all().size(), ModelTally::kMaxModels + 1);
    EXPECT_EQ(tally.all().back().model, "other");
    EXPECT_EQ(tally.all().back().calls, 137U);
}

}  // namespace
}  // namespace holysheep::telemetry
