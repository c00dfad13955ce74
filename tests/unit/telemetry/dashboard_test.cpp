// The text page for people: layout, width and colours.
#include <holysheep/dashboard.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

namespace holysheep {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

Stats some_stats() {
    return {
        .uptime = 3725s,
        .in_flight = 2,
        .calls = 1234,
        .succeeded = 999,
        .failed = 1,
        .failovers = 7,
        .regions = {{.id = "us-west",
                     .health = {.liveness = Liveness::healthy},
                     .attempts = 1000,
                     .succeeded = 999,
                     .failed = 1,
                     .history = {{.latency = 100ms},
                                 {.latency = 800ms},
                                 {.latency = 1ms, .error = ErrorCode::transport_failed},
                                 {.latency = 1ms, .error = ErrorCode::cancelled}},
                     .failovers_away = 7,
                     .latency = {.count = 999, .average = 212ms, .min = 1500us, .max = 12s}},
                    {.id = "a-region-with-a-name-that-is-far-too-long",
                     .health = {.liveness = Liveness::down,
                                .breaker = BreakerState::open,
                                .reason = "attempts fail; breaker opened:\n3 connection failures in a row, and more"
                                          " words than fit into a line of eighty columns"}}},
        .models = {{.model = "gpt-4.1", .calls = 1000, .prompt_tokens = 5'000'000, .cost = {{.nano = 80'000'000}}}}};
}

std::vector<std::string> lines(const Stats& stats, DashboardOptions options = {}) {
    std::ostringstream out;
    print_dashboard(stats, out, options);
    std::istringstream in(out.str());
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

std::size_t columns(const std::string& line) {
    return static_cast<std::size_t>(
        std::ranges::count_if(line, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80; }));
}

TEST(Dashboard, ShowsRegionsModelsAndTheClientAtAGlance) {
    EXPECT_THAT(lines(some_stats()),
                ElementsAre("holysheep up 1h2m · 1234 calls, 99.9% ok · 2 in flight · 7 failovers",
                            "  region             state          avg    min    max requests failovers success",
                            "● us-west            healthy      212ms  1.5ms    12s     1000         7   99.9%",
                            "× a-region-with-a-n… down             -      -      -        0         0       -",
                            "    attempts fail; breaker opened: 3 connection failures in a row, and more wor…",
                            "gpt-4.1: 1000 calls, 5.0M tokens in, 0 out, 0.08 USD"));
}

TEST(Dashboard, NoLineExceedsTheRequestedWidth) {
    auto stats = some_stats();
    stats.models[0].cost_estimated = {{.nano = 1}, {.nano = 2, .currency = "EUR"}};
    stats.models.push_back({.model = std::string(300, 'm')});
    stats.calls = stats.failovers = stats.hedges = stats.streams_cut = 999'999;
    stats.regions[0].history.resize(500);
    for (const int width : {72, 80, 100, 200}) {
        for (const auto& line : lines(stats, {.width = width, .history = true})) {
            EXPECT_LE(columns(line), static_cast<std::size_t>(width)) << line;
        }
    }
    EXPECT_LE(columns(lines(some_stats(), {.width = 5})[1]), 72U) << "the width has a minimum";
}

TEST(Dashboard, LargeCountsInTheHeaderStayVisible) {
    Stats stats{.uptime = 3725s,
                .in_flight = 2,
                .calls = 654'321,
                .succeeded = 999,
                .failed = 1,
                .failovers = 12'345,
                .hedges = 7,
                .streams_cut = 3};
    EXPECT_EQ(lines(stats)[0], "up 1h2m · 654k calls, 99.9% ok · 2 in flight · 12k failovers · 3 cut · 7 hedges");
    EXPECT_EQ(lines(stats, {.width = 100})[0],
              "holysheep up 1h2m · 654321 calls, 99.9% ok · 2 in flight · 12345 failovers · 3 cut · 7 hedges");
    stats.hedges = 123'456;
    EXPECT_THAT(lines(stats)[0], HasSubstr(" · 3 cut · ")) << "hedges are dropped first, being less important";
}

TEST(Dashboard, ExplainsOnlyWhyAHealthyRegionIsSlow) {
    Stats stats{.regions = {{.id = "a", .health = {.liveness = Liveness::healthy, .reason = "answers"}}}};
    EXPECT_THAT(lines(stats), SizeIs(3));
    stats.regions[0].health.reason = "answers, far slower than usual";
    EXPECT_EQ(lines(stats).back(), "    answers, far slower than usual");
}

TEST(Dashboard, AnUnknownCostDiffersFromZero) {
    Stats stats{.models = {{.model = "own", .calls = 1, .prompt_tokens = 1262, .completion_tokens = 8, .unpriced = 1}}};
    EXPECT_EQ(lines(stats).back(), "own: 1 calls, 1262 tokens in, 8 out, cost unknown");
    stats.models[0].cost = {{.nano = 80'000'000}};
    EXPECT_EQ(lines(stats).back(), "own: 1 calls, 1262 tokens in, 8 out, 0.08 USD, cost of 1 call unknown");
    stats.models[0].unpriced = 0;
    EXPECT_EQ(lines(stats).back(), "own: 1 calls, 1262 tokens in, 8 out, 0.08 USD");
}

TEST(Dashboard, NamesAreStrippedOfControlCharacters) {
    // U+009B begins a control sequence as ESC [ does; so does the single byte if the terminal reads Latin-1.
    const Stats stats{.regions = {{.id = "a\xc2\x9b"
                                         "2J\x1b[2J\x7f",
                                   .health = {.reason = "\xc2\x85 \x9b"
                                                        "2J"}}},
                      .models = {{.model = "m\xc2\x9b"
                                           "31m ü €"}}};
    const auto page = lines(stats);
    EXPECT_THAT(page[2], ::testing::StartsWith("○ a 2J [2J   "));
    EXPECT_EQ(page[3],
              "      \xef\xbf\xbd"
              "2J");
    EXPECT_THAT(page[4], ::testing::StartsWith("m 31m ü €: 0 calls"));
}

TEST(Dashboard, DrawsTheLastAttempts) {
    EXPECT_THAT(lines(some_stats(), {.history = true})[3], HasSubstr("▂█×·"));
    EXPECT_THAT(lines(some_stats()), SizeIs(6));
}

TEST(Dashboard, IsColouredOnlyOnRequest) {
    for (const auto& line : lines(some_stats())) EXPECT_THAT(line, Not(HasSubstr("\x1b"))) << "not a terminal";
    const auto coloured = lines(some_stats(), {.colour = DashboardOptions::Colour::always});
    EXPECT_THAT(coloured[2], HasSubstr("\x1b[32m●\x1b[0m"));
    EXPECT_THAT(coloured[3], HasSubstr("\x1b[31m×\x1b[0m"));
}

TEST(Dashboard, HasASymbolForEveryState) {
    for (const auto& [state, mark] : {std::pair{Liveness::unknown, "○"},
                                      {Liveness::suspect, "◐"},
                                      {Liveness::recovering, "◐"},
                                      {Liveness::draining, "–"}}) {
        Stats stats{.regions = {{.id = "a", .health = {.liveness = state}}}};
        EXPECT_THAT(lines(stats)[2], ::testing::StartsWith(std::string(mark) + " a "));
    }
}

}  // namespace
}  // namespace holysheep
