// The metrics as Prometheus reads them: names, types, escaping; also checked by Prometheus' own tool.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <set>
#include <sstream>
#include <string>

#include <holysheep/stats.hpp>

#include "telemetry/metric_text.hpp"

namespace holysheep {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

/// Statistics with a sample for every family, and with the worst names that callers can choose.
Stats full_stats() {
    const LatencySummary times{.count = 2,
                               .average = 150ms,
                               .min = 100ms,
                               .max = 200ms,
                               .p50 = 100ms,
                               .p95 = 200ms,
                               .p99 = 200ms,
                               .sum = 300ms};
    return {
        .uptime = 90s,
        .in_flight = 1,
        .calls = 5,
        .succeeded = 3,
        .failed = 1,
        .latency = times,
        .queued = times,
        .attempts = 6,
        .failovers = 1,
        .wasted_tokens = 12,
        .retry_budget_tokens = 19.5,
        .failover_overhead = times,
        .failover_overhead_buckets = {{1ms, 0}, {150ms, 1}},
        .failovers_by = {{"us-west", "eu-central", ErrorCode::server_failed, 1}},
        .regions = {{.id = "us-west",
                     .health = {.liveness = Liveness::healthy, .in_flight = 2, .limited_for = 1500ms, .load_limit = 4},
                     .succeeded = 4,
                     .cancelled = 1,
                     .failed_by = {{ErrorCode::server_failed, 2}},
                     .probes = 3,
                     .probes_failed = 1,
                     .breaker_opened = 1,
                     .latency = times,
                     .first_content = times,
                     .probe_rtt = times},
                    {.id = "eu-central", .health = {.breaker = BreakerState::open}}},
        .limits = {{.model = "m", .requests_used = 3, .requests_limit = 60, .waiting = 2}},
        .models = {{.model = "back\\slash \"quoted\"\nand \xff broken",
                    .calls = 4,
                    .succeeded = 3,
                    .prompt_tokens = 100,
                    .cost = {{.nano = 1'500'000'000}},
                    .cost_estimated = {{.nano = 5, .currency = "EUR"}}}}};
}

TEST(Prometheus, HasStableNamesAndTypes) {
    const auto text = full_stats().to_prometheus();
    for (const auto* line :
         {"# TYPE holysheep_attempts_total counter\n",
          "\nholysheep_attempts_total{region=\"us-west\",result=\"error\",cause=\"server_failed\"} 2\n",
          "\nholysheep_attempts_total{region=\"us-west\",result=\"ok\",cause=\"none\"} 4\n",
          "\nholysheep_attempts_total{region=\"us-west\",result=\"error\",cause=\"timed_out\"} 0\n",
          "\nholysheep_failovers_total{from=\"us-west\",to=\"eu-central\",cause=\"server_failed\"} 1\n",
          "# TYPE holysheep_failover_overhead_seconds histogram\n",
          "\nholysheep_failover_overhead_seconds_bucket{le=\"0.15\"} 1\n",
          "\nholysheep_failover_overhead_seconds_bucket{le=\"+Inf\"} 2\n",
          "\nholysheep_failover_overhead_seconds_sum 0.3\n",
          "\nholysheep_failover_overhead_seconds_count 2\n",
          "\nholysheep_hedges_total{outcome=\"won\"} 0\n",
          "\nholysheep_retry_budget_tokens 19.5\n",
          "\nholysheep_breaker_state{region=\"eu-central\"} 2\n",
          "\nholysheep_breaker_transitions_total{region=\"us-west\",to=\"open\"} 1\n",
          "\nholysheep_region_cost{region=\"us-west\"} 0\n",
          "# TYPE holysheep_region_first_token_seconds summary\n",
          "\nholysheep_region_first_token_seconds{region=\"us-west\",quantile=\"0.99\"} 0.2\n",
          "\nholysheep_region_first_token_seconds{region=\"eu-central\",quantile=\"0.5\"} NaN\n",
          "\nholysheep_region_first_token_seconds_count{region=\"eu-central\"} 0\n",
          "\nholysheep_region_weight{region=\"us-west\"} 1\n",
          "\nholysheep_inflight{region=\"us-west\"} 2\n",
          "\nholysheep_panic_total 0\n",
          "\nholysheep_quota_until_seconds{region=\"us-west\"} 1.5\n",
          "\nholysheep_region_load_limit{region=\"us-west\"} 4\n",
          "\nholysheep_ratelimit_wait_seconds_sum 0.3\n",
          "\nholysheep_ratelimit_waiting{model=\"m\"} 2\n",
          "\nholysheep_stream_interrupted_total{region=\"us-west\"} 0\n",
          "\nholysheep_wasted_tokens_total{region=\"us-west\"} 0\n",
          "\nholysheep_probe_rtt_seconds{region=\"us-west\",quantile=\"0.5\"} 0.1\n",
          "currency=\"EUR\",basis=\"estimated\"} 5e-09\n"}) {
        EXPECT_THAT(text, HasSubstr(line));
    }
    EXPECT_EQ(text.back(), '\n');
}

TEST(Prometheus, AccountsOfAModelShareOneSeries) {
    Stats stats;
    stats.limits = {{.model = "m", .requests_used = 3, .requests_limit = 60, .waiting = 2},
                    {.model = "m", .requests_used = 60, .requests_limit = 60, .waiting = 5},
                    {.model = "n", .requests_used = 1, .requests_limit = 60}};
    const auto text = stats.to_prometheus();
    EXPECT_THAT(text, HasSubstr("\nholysheep_ratelimit_requests{model=\"m\"} 63\n"));
    EXPECT_THAT(text, HasSubstr("\nholysheep_ratelimit_waiting{model=\"m\"} 7\n"));
    std::set<std::string> series;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with('#')) continue;
        EXPECT_TRUE(series.insert(line.substr(0, line.rfind(' '))).second) << line;
    }
}

TEST(Prometheus, EscapesModelNames) {
    EXPECT_EQ(telemetry::escaped_label("a\\b\"c\nd"), R"(a\\b\"c\nd)");
    EXPECT_EQ(telemetry::escaped_label("süß €𝄞"), "süß €𝄞");
    // Bytes that are not UTF-8 are written as hexadecimal, so that different names stay different series.
    EXPECT_EQ(telemetry::escaped_label("\xff"), "%ff");
    EXPECT_EQ(telemetry::escaped_label("\xc3"), "%c3");
    EXPECT_EQ(telemetry::escaped_label("\xc0\xaf"), "%c0%af");
    EXPECT_EQ(telemetry::escaped_label("\xed\xa0\x80"), "%ed%a0%80");
    EXPECT_EQ(telemetry::escaped_label("\xf4\x90\x80\x80"), "%f4%90%80%80");
    EXPECT_EQ(telemetry::escaped_label("\xe2\x82"), "%e2%82");
    EXPECT_THAT(full_stats().to_prometheus(), HasSubstr(R"({model="back\\slash \"quoted\"\nand %ff broken")"));
}

TEST(Prometheus, WritesNonFiniteNumbers) {
    telemetry::MetricText text;
    text.family("odd", telemetry::MetricText::Type::gauge, "Odd.");
    text.sample({{"n", "1"}}, std::numeric_limits<double>::infinity());
    text.sample({{"n", "2"}}, std::numeric_limits<double>::quiet_NaN());
    text.family("empty", telemetry::MetricText::Type::gauge, "Nothing.");
    EXPECT_EQ(text.take(),
              "# HELP holysheep_odd Odd.\n# TYPE holysheep_odd gauge\n"
              "holysheep_odd{n=\"1\"} +Inf\nholysheep_odd{n=\"2\"} NaN\n");
}

TEST(Prometheus, PassesPromtool) {
    if (std::system("command -v promtool >/dev/null 2>&1") != 0) {
        const char* wanted = std::getenv("HOLYSHEEP_TOOL_TESTS");
        if (wanted != nullptr && std::string(wanted) == "required") FAIL() << "promtool is not installed";
        GTEST_SKIP() << "promtool is not installed; install the package prometheus to enable this test";
    }
    for (const auto& stats : {full_stats(), Stats{}}) {
        const auto file = ::testing::TempDir() + "holysheep-metrics-" + std::to_string(stats.calls) + ".txt";
        std::ofstream(file) << stats.to_prometheus();
        std::FILE* checker = popen(("promtool check metrics < '" + file + "' 2>&1").c_str(), "r");
        ASSERT_NE(checker, nullptr);
        std::string problems;
        std::array<char, 4096> part{};
        while (std::fgets(part.data(), static_cast<int>(part.size()), checker) != nullptr) problems += part.data();
        EXPECT_EQ(pclose(checker), 0);
        EXPECT_EQ(problems, "");
        std::remove(file.c_str());
    }
}

}  // namespace
}  // namespace holysheep
