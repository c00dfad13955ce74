// The text formats of the snapshot.
#include <holysheep/stats.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

namespace holysheep {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

Stats stats_of_two_regions() {
    return {
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
        .failover_overhead_buckets = {{1ms, 2}},
        .failovers_by = {{"a", "b", ErrorCode::server_failed, 2}},
        .regions = {{.id = "a",
                     .health = {.liveness = Liveness::draining, .in_flight = 3},
                     .attempts = 5,
                     .succeeded = 3,
                     .failed = 1,
                     .failed_by = {{ErrorCode::server_failed, 1}},
                     .history = {{.at = 3s, .latency = 212ms, .error = ErrorCode::server_failed, .http_status = 503}},
                     .latency = {.count = 3, .average = 212ms, .min = 1500us, .max = 400ms, .p99 = 390ms}},
                    {.id = "b",
                     .health = {.liveness = Liveness::healthy, .score = 80, .limited_for = 1500ms, .load_limit = 4}},
                    {.id = "c",
                     .health = {.liveness = Liveness::down, .breaker = BreakerState::open, .reason = "attempts fail"},
                     .last_error = ErrorCode::tls_failed}},
        .changes = {{.at = 2s, .region = "c", .liveness = Liveness::down, .reason = "attempts fail"}},
        .keys = {{.number = 0}, {.number = 1, .refused_with = ErrorCode::unauthenticated, .refused_for = 30ms}},
        .limits = {{.model = "m", .requests_used = 3, .requests_limit = 60, .next_in = 12ms}},
        .models = {{.model = "m\n1", .calls = 7, .prompt_tokens = 10, .cost = {{.nano = 1'500'000'000}}}}};
}

TEST(Stats, JsonHasEveryFigureUnderItsName) {
    const auto json = nlohmann::json::parse(stats_of_two_regions().to_json());
    EXPECT_EQ(json["uptime_seconds"], 90.0);
    EXPECT_EQ(json["calls"], 7);
    EXPECT_EQ(json["success_rate"], 0.8);
    EXPECT_EQ(json["retry_budget_tokens"], 19.5);
    const auto& a = json["regions"][0];
    EXPECT_EQ(a["id"], "a");
    EXPECT_EQ(a["liveness"], "draining");
    EXPECT_EQ(a["in_flight"], 3);
    EXPECT_EQ(a["success_rate"], 0.75);
    EXPECT_EQ(a["latency"]["average_ms"], 212.0);
    EXPECT_EQ(a["latency"]["min_ms"], 1.5);
    EXPECT_EQ(a["failed_by"]["server_failed"], 1);
    EXPECT_EQ(a["history"][0]["at_ms"], 3000.0);
    EXPECT_EQ(a["history"][0]["error"], "server_failed");
    EXPECT_EQ(json["regions"][1]["limited_for_ms"], 1500);
    EXPECT_EQ(json["regions"][1]["load_limit"], 4);
    EXPECT_FALSE(a.contains("load_limit"));
    EXPECT_FALSE(json["regions"][1].contains("success_rate")) << "an unknown value is omitted, not 0";
    EXPECT_EQ(json["regions"][2]["reason"], "attempts fail");
    EXPECT_EQ(json["regions"][2]["last_error"], "tls_failed");
    EXPECT_EQ(json["failover_overhead_buckets"][0]["up_to_ms"], 1.0);
    EXPECT_EQ(json["failovers_by"][0]["to"], "b");
    EXPECT_EQ(json["models"][0]["model"], "m\n1");
    EXPECT_EQ(json["models"][0]["cost"][0]["amount"], 1.5);
    EXPECT_FALSE(json["keys"][0].contains("refused_with"));
    EXPECT_EQ(json["keys"][1]["refused_with"], "unauthenticated");
    EXPECT_EQ(json["limits"][0]["next_in_ms"], 12);
    EXPECT_EQ(json["changes"][0]["liveness"], "down");
}

TEST(Stats, PrintsAsATable) {
    std::ostringstream table;
    table << stats_of_two_regions();
    for (const auto* word : {"calls 7", "ok 4", "failovers 2", "draining", "down: attempts fail (tls_failed)", "75.0 %",
                             "212", "1.50 USD"}) {
        EXPECT_THAT(table.str(), HasSubstr(word));
    }
}

std::vector<std::string> table(const Stats& stats) {
    std::stringstream text;
    text << stats;
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
}

TEST(Stats, LongNamesShiftNoColumn) {
    const Stats stats{
        .regions = {{.id = "a"}, {.id = "europe-north-of-the-alps"}, {.id = std::string(60, 'x')}, {.id = "zürich"}}};
    const auto rows = table(stats);
    const auto state_at = [&](std::size_t row, const std::string& state) {
        const auto before = rows[row].substr(0, rows[row].find(state));
        return std::ranges::count_if(before, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80; });
    };
    for (std::size_t row = 2; row < rows.size(); ++row) EXPECT_EQ(state_at(row, "unknown"), state_at(1, "state"));
    EXPECT_THAT(rows[3], HasSubstr("europe-north-of-the-alps "));
    EXPECT_THAT(rows[4], HasSubstr("xxx… "));
}

TEST(Stats, NamesInTheTableHaveNoControlCharacters) {
    const auto rows = table({.regions = {{.id = "a\xc2\x9b"
                                                "2J",
                                          .health = {.reason = "b\x1b[2J"}}},
                             .models = {{.model = "m\xc2\x9b"
                                                  "31m"}}});
    EXPECT_THAT(rows[2], ::testing::AllOf(::testing::StartsWith("a 2J  "), HasSubstr(": b [2J")));
    EXPECT_THAT(rows[3], ::testing::StartsWith("model m 31m: "));
}

TEST(Stats, AnUnknownCostDiffersFromZero) {
    Stats stats{.models = {{.model = "own", .calls = 3, .unpriced = 3}}};
    EXPECT_THAT(table(stats).back(), ::testing::EndsWith(", cost unknown"));
    stats.models[0].cost = {{.nano = 1'500'000'000}};
    EXPECT_THAT(table(stats).back(), ::testing::EndsWith(", 1.50 USD, cost of 3 calls unknown"));
}

TEST(Stats, P99IsNotShownBelowTheAverageByItsErrorAlone) {
    const auto shown = [](nanoseconds average, nanoseconds p99) {
        return table({.regions = {{.id = "a", .latency = {.count = 2, .average = average, .p99 = p99}}}})[2];
    };
    EXPECT_THAT(shown(212ms, 208ms), HasSubstr("     212     212 "));
    EXPECT_THAT(shown(212ms, 300ms), HasSubstr("     212     300 "));
    EXPECT_THAT(shown(212ms, 90ms), HasSubstr("     212      90 ")) << "one very long sample of two hundred";
}

TEST(Stats, TheSuccessRateIsUnknownBeforeTheFirstOutcome) {
    EXPECT_EQ(Stats{.cancelled = 3}.success_rate(), std::nullopt);
    EXPECT_EQ((RegionStats{.succeeded = 3, .failed = 1}).success_rate(), 0.75);
}

}  // namespace
}  // namespace holysheep
