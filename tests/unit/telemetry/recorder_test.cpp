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
    Recorder recorder({"a"}, 20, kNow);
    for (int i = 0; i < 4; ++i) recorder.on_call_started(i == 0);
    recorder.on_call_end(std::nullopt, 20);
    recorder.on_call_end(ErrorCode::server_failed, 19);
    recorder.on_call_end(ErrorCode::cancelled, 18.5);
    const auto stats = recorder.snapshot(kNow + 3s);
    EXPECT_EQ(stats.calls, 4U);
    EXPECT_EQ(stats.streams, 1U);
    EXPECT_EQ(stats.in_flight, 1);
    EXPECT_EQ(stats.succeeded, 1U);
    EXPECT_EQ(stats.failed, 1U);
    EXPECT_EQ(stats.cancelled, 1U);
    EXPECT_EQ(stats.retry_budget_tokens, 18.5);
    EXPECT_EQ(stats.uptime, 3s);
}

TEST(Recorder, CountsAttemptsAndFailoversPerRegion) {
    Recorder recorder({"a", "b"}, 20, kNow);
    recorder.on_dispatch(0, std::nullopt);
    recorder.on_attempt_end(0, {.error = ErrorCode::server_failed}, {.error_rate = 0.1});
    recorder.on_dispatch(1, 0);
    recorder.on_attempt_end(1, {}, {});
    recorder.on_dispatch(1, std::nullopt);
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
    EXPECT_EQ(a.error_rate, 0.1);
    EXPECT_EQ(a.in_flight, 0);
    EXPECT_EQ(b.attempts, 2U);
    EXPECT_EQ(b.succeeded, 1U);
    EXPECT_EQ(b.in_flight, 1);
    EXPECT_EQ(b.last_error, std::nullopt);
}

TEST(Recorder, ACancelledAttemptIsNeitherGoodNorBad) {
    Recorder recorder({"a"}, 20, kNow);
    recorder.on_dispatch(0, std::nullopt);
    recorder.on_attempt_end(0, {.error = ErrorCode::cancelled}, {});
    const auto stats = recorder.snapshot(kNow);
    EXPECT_EQ(stats.regions[0].succeeded, 0U);
    EXPECT_EQ(stats.regions[0].failed, 0U);
    EXPECT_EQ(stats.regions[0].last_error, std::nullopt);
}

TEST(Recorder, ARegionIsFailingUntilItsNextSuccess) {
    Recorder recorder({"a"}, 20, kNow);
    const auto failing = [&] { return recorder.snapshot(kNow).regions[0].failing; };
    EXPECT_FALSE(failing());
    recorder.on_attempt_end(0, {.error = ErrorCode::invalid_request}, {});
    EXPECT_FALSE(failing()) << "the caller's fault is not the region's";
    recorder.on_attempt_end(0, {.error = ErrorCode::server_failed}, {.charged = true});
    EXPECT_TRUE(failing());
    recorder.on_attempt_end(0, {.error = ErrorCode::cancelled}, {});
    EXPECT_TRUE(failing());
    recorder.on_attempt_end(0, {}, {});
    EXPECT_FALSE(failing());
}

TEST(Recorder, APauseIsShownAsTheTimeThatIsLeft) {
    Recorder recorder({"a"}, 20, kNow);
    recorder.on_dispatch(0, std::nullopt);
    recorder.on_attempt_end(0, {.error = ErrorCode::rate_limited}, {.limited_until = kNow + 5s});
    EXPECT_EQ(recorder.snapshot(kNow + 2s).regions[0].limited_for, 3s);
    EXPECT_EQ(recorder.snapshot(kNow + 5s - 1us).regions[0].limited_for, 1ms) << "rounded up: never 0 while it lasts";
    EXPECT_EQ(recorder.snapshot(kNow + 5s).regions[0].limited_for, std::nullopt);
}

TEST(Recorder, ShowsDraining) {
    Recorder recorder({"a", "b"}, 20, kNow);
    recorder.on_draining(1, true);
    EXPECT_FALSE(recorder.snapshot(kNow).regions[0].draining);
    EXPECT_TRUE(recorder.snapshot(kNow).regions[1].draining);
    recorder.on_draining(1, false);
    EXPECT_FALSE(recorder.snapshot(kNow).regions[1].draining);
}

TEST(Recorder, ASnapshotTakenMeanwhileIsConsistent) {
    Recorder recorder({"a"}, 20, kNow);
    std::jthread writer([&](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            recorder.on_call_started(false);
            recorder.on_call_end(std::nullopt, 20);
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
        .regions = {{.id = "a", .draining = true, .attempts = 5},
                    {.id = "b", .limited_for = 1500ms},
                    {.id = "c", .failing = true, .error_rate = 0.5, .last_error = ErrorCode::tls_failed}}};
    const auto json = stats.to_json();
    for (const auto* part :
         {R"({"uptime_seconds":90.0,"in_flight":1,"calls":7,"succeeded":4,"failed":1,"cancelled":1,"streams":2,)"
          R"("attempts":9,"failovers":2,"retry_budget_tokens":19.5,"regions":[{"id":"a","draining":true,)",
          R"({"id":"b","draining":false,)", R"("limited_for_ms":1500})", R"({"id":"c",)", R"("failing":true,)",
          R"("error_rate":0.5,"last_error":"tls_failed"}]})"}) {
        EXPECT_THAT(json, testing::HasSubstr(part));
    }
    std::ostringstream table;
    table << stats;
    for (const auto* word :
         {"calls 7", "ok 4", "failovers 2", "draining", "limited for 1500 ms", "failing (tls_failed)"}) {
        EXPECT_THAT(table.str(), testing::HasSubstr(word));
    }
}

}  // namespace
}  // namespace holysheep::telemetry
