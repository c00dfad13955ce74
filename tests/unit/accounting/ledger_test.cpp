// The ledger's sums of attempt costs: by model, region, key and label, with counts, and as JSON.
#include "accounting/ledger.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <sstream>
#include <string>
#include <thread>

namespace holysheep::accounting {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

const Usage kMonthOfUsage{.present = true,
                          .prompt_tokens = 1'000,
                          .completion_tokens = 100,
                          .total_tokens = 1'100,
                          .cached_input_tokens = 800,
                          .cache_write_tokens = 50,
                          .reasoning_tokens = 30};
const Money kCost{42};

TEST(Ledger, SumsTheUsageOfAnAccount) {
    Ledger ledger;
    const Account account{.model = "m", .region = "us-west", .label = "shop", .key = 1};
    ledger.add(account, {.counted = &kMonthOfUsage, .cost = &kCost});
    ledger.add(account, {.counted = &kMonthOfUsage, .cost = &kCost});
    ledger.add(
        account,
        {.estimated_prompt_tokens = 7, .estimated_completion_tokens = 3, .cost = &kCost, .cost_is_estimate = true});
    ledger.add(account, {.counted = &kMonthOfUsage});
    ledger.add_call(account);
    const auto snapshot = ledger.snapshot();
    ASSERT_THAT(snapshot.lines, SizeIs(1));
    const auto& line = snapshot.lines[0];
    EXPECT_EQ(line.model, "m");
    EXPECT_EQ(line.region, "us-west");
    EXPECT_EQ(line.label, "shop");
    EXPECT_EQ(line.key, 1);
    EXPECT_EQ(line.calls, 1U);
    EXPECT_EQ(line.attempts, 4U);
    EXPECT_EQ(line.unknown_cost, 1U);
    EXPECT_EQ(line.prompt_tokens, 3'000);
    EXPECT_EQ(line.cached_input_tokens, 2'400);
    EXPECT_EQ(line.cache_write_tokens, 150);
    EXPECT_EQ(line.completion_tokens, 300);
    EXPECT_EQ(line.reasoning_tokens, 90);
    EXPECT_EQ(line.estimated_prompt_tokens, 7);
    EXPECT_EQ(line.estimated_completion_tokens, 3);
    EXPECT_EQ(line.cost.nano, 84);
    EXPECT_EQ(line.estimated_cost.nano, 42);
}

TEST(Ledger, KeepsAccountsApartAndSorted) {
    Ledger ledger;
    for (const auto* model : {"b", "a"}) {
        for (const auto* region : {"y", "x"}) {
            for (const int key : {1, 0}) {
                for (const auto* label : {"q", ""}) {
                    for (const auto* currency : {"USD", "EUR"}) {
                        ledger.add({model, region, label, key, currency}, {.counted = &kMonthOfUsage});
                    }
                }
            }
        }
    }
    const auto snapshot = ledger.snapshot();
    ASSERT_THAT(snapshot.lines, SizeIs(32));
    EXPECT_EQ(snapshot.lines[0].model + snapshot.lines[0].region + snapshot.lines[0].label, "ax");
    EXPECT_EQ(snapshot.lines[0].cost.currency, "EUR");
    EXPECT_EQ(snapshot.lines[31].model + snapshot.lines[31].region + snapshot.lines[31].label, "byq");
    EXPECT_EQ(snapshot.total("EUR").attempts, 16U);
    EXPECT_EQ(snapshot.total("USD").prompt_tokens, 16'000);
    EXPECT_EQ(snapshot.total("CNY").attempts, 0U);
}

TEST(Ledger, GroupsExcessLabelsAndModelsUnderOther) {
    Ledger ledger;
    for (std::size_t i = 0; i < 3 * Ledger::kMaxNames; ++i) {
        ledger.add({.model = "m", .region = "r", .label = "label " + std::to_string(i)}, {.cost = &kCost});
        ledger.add({.model = "model " + std::to_string(i), .region = "r", .label = "label 0"}, {.cost = &kCost});
    }
    const auto snapshot = ledger.snapshot();
    EXPECT_THAT(snapshot.lines, SizeIs(2 * Ledger::kMaxNames + 1));
    EXPECT_EQ(snapshot.total().attempts, 6 * Ledger::kMaxNames);
    EXPECT_EQ(snapshot.total().cost.nano, static_cast<std::int64_t>(6 * Ledger::kMaxNames) * 42);
    const auto other = std::ranges::find(snapshot.lines, "other", &CostLine::label);
    ASSERT_NE(other, snapshot.lines.end());
    EXPECT_EQ(other->attempts, 2 * Ledger::kMaxNames);
}

TEST(Ledger, BoundsTheNumberOfLines) {
    Ledger ledger;
    for (std::size_t i = 0; i < 2 * Ledger::kMaxLines; ++i) {
        const auto label = "label " + std::to_string(i % 500), model = "model " + std::to_string(i / 500);
        ledger.add({.model = model, .region = "r", .label = label}, {.cost = &kCost});
    }
    const auto snapshot = ledger.snapshot();
    EXPECT_THAT(snapshot.lines, SizeIs(Ledger::kMaxLines + 1));
    EXPECT_EQ(snapshot.total().attempts, 2 * Ledger::kMaxLines);
}

TEST(Ledger, SaturatesHostileCounts) {
    Ledger ledger;
    const Usage huge{
        .present = true, .prompt_tokens = std::numeric_limits<std::int64_t>::max(), .reasoning_tokens = -5};
    const Money most{std::numeric_limits<std::int64_t>::max()};
    for (int i = 0; i < 3; ++i) ledger.add({.model = "m"}, {.counted = &huge, .cost = &most});
    const auto line = ledger.snapshot().lines.at(0);
    EXPECT_EQ(line.prompt_tokens, std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(line.reasoning_tokens, 0);
    EXPECT_EQ(line.cost, most);
    EXPECT_EQ(line.unknown_cost, 2U);  // an amount out of range is counted as unknown
}

TEST(Ledger, CanBeReadDuringWrites) {
    Ledger ledger;
    constexpr int kLabels = 200, kRounds = 20;
    std::jthread writer([&] {
        for (int i = 0; i < kLabels * kRounds; ++i) {
            ledger.add({.model = "m", .label = "label " + std::to_string(i % kLabels)}, {.cost = &kCost});
        }
    });
    std::uint64_t seen = 0;
    while (seen < kLabels * kRounds) {
        const auto now = ledger.snapshot().total().attempts;
        ASSERT_GE(now, seen);
        seen = now;
    }
}

TEST(CostLedger, RoundTripsThroughJson) {
    Ledger ledger;
    ledger.add({.model = "m", .region = "us-west", .label = "a \"label\"", .key = 2},
               {.counted = &kMonthOfUsage, .cost = &kCost});
    const Money euros{42, "EUR"};
    ledger.add({.model = "n", .currency = "EUR"},
               {.estimated_prompt_tokens = 5, .cost = &euros, .cost_is_estimate = true});
    ledger.add_call({.model = "n", .currency = "EUR"});
    const auto before = ledger.snapshot();
    const auto text = before.to_json();
    EXPECT_THAT(text, AllOf(HasSubstr(R"({"lines":[{"model":"m","region":"us-west","key":2,"label":"a \"label\"")"),
                            HasSubstr(R"("currency":"USD","cost":"0.000000042","estimated_cost":"0.00")")));
    const auto after = CostLedger::from_json(text);
    ASSERT_TRUE(after) << after.error();
    EXPECT_EQ(after->to_json(), text);
    EXPECT_EQ(after->lines[1].estimated_cost, (Money{42, "EUR"}));
    EXPECT_EQ(after->lines[1].calls, 1U);
}

TEST(CostLedger, NamesTheUnreadableLine) {
    for (const auto* text : {"", "[]", "{}", R"({"lines":5})"}) EXPECT_FALSE(CostLedger::from_json(text)) << text;
    const auto read = CostLedger::from_json(R"({"lines":[{"model":"m","currency":"USD","cost":"much"}]})", "may.json");
    ASSERT_FALSE(read);
    EXPECT_THAT(read.error().message, HasSubstr("may.json: line 1: \"cost\" is no amount of money"));
    EXPECT_FALSE(CostLedger::from_json(R"({"lines":[{"currency":"USD"}]})"));
    EXPECT_FALSE(CostLedger::from_json(R"({"lines":[{"model":"m"}]})"));
    EXPECT_FALSE(CostLedger::from_json(R"({"lines":[{"model":"m","currency":"USD","calls":-1}]})"));
    EXPECT_FALSE(CostLedger::from_json(R"({"lines":[5]})"));
}

TEST(CostLedger, PrintsAsATable) {
    Ledger ledger;
    ledger.add({.model = "gpt-4.1", .region = "us-west", .label = "shop"}, {.counted = &kMonthOfUsage, .cost = &kCost});
    std::ostringstream out;
    out << ledger.snapshot();
    EXPECT_THAT(out.str(),
                AllOf(HasSubstr("model"), HasSubstr("gpt-4.1"), HasSubstr("0.000000042"), HasSubstr("total")));
}

}  // namespace
}  // namespace holysheep::accounting
