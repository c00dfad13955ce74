// What the check of limits, keys, budgets and models refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "client/options_check.hpp"

namespace holysheep::client {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

std::vector<std::string> limit_problems(const ClientOptions& options) {
    Problems problems;
    check_limits(options, problems);
    return problems.list();
}

std::vector<std::string> keys_up_to(int count) {
    std::vector<std::string> keys;
    for (int i = 0; i < count; ++i) keys.push_back("sk-" + std::to_string(i));
    return keys;
}

TEST(LimitsCheck, AcceptsAbsentLimits) { EXPECT_THAT(limit_problems({}), IsEmpty()); }

TEST(LimitsCheck, NamesInvalidRateLimits) {
    EXPECT_THAT(limit_problems({.rate_limit = {.requests = -1, .per = 0ms}}),
                ElementsAre("rate_limit.requests: -1 must be between 0 (no limit) and 1000000",
                            "rate_limit.per: 0 ms must be between 1 ms and a year"));
    EXPECT_THAT(limit_problems({.rate_limit = {.smooth = true}}),
                ElementsAre(StartsWith("rate_limit: smooth and fail_fast need")));
    EXPECT_THAT(limit_problems({.rate_limit = {.requests = 1, .burst = 2}}),
                ElementsAre(HasSubstr("rate_limit.smooth")));
}

TEST(LimitsCheck, RefusesTwoLimitersAtOnce) {
    const auto shared = std::make_shared<RateLimiter>(RateLimitOptions{.requests = 10});
    EXPECT_THAT(limit_problems({.limiter = shared}), IsEmpty());
    EXPECT_THAT(limit_problems({.rate_limit = {.requests = 5}, .limiter = shared}),
                ElementsAre(StartsWith("limiter: rate_limit is set too")));
    EXPECT_THAT(limit_problems({.rate_limit = {.tokens_per_minute = 5}, .limiter = shared}),
                ElementsAre(StartsWith("limiter: rate_limit is set too")));
}

TEST(LimitsCheck, NamesAnInvalidKeyByItsIndex) {
    EXPECT_THAT(limit_problems({.keys = {"sk-a", "", "sk-a", "sk b"}}),
                ElementsAre("keys[1]: it is empty", "keys[2]: it is there twice: one account has one quota",
                            StartsWith("keys[3]: the key holds white space")));
}

TEST(LimitsCheck, AcceptsSixtyFourKeys) {
    EXPECT_THAT(limit_problems({.keys = keys_up_to(64)}), IsEmpty());
    EXPECT_THAT(limit_problems({.keys = keys_up_to(65)}), ElementsAre("keys: more than 64 cannot be tried"));
}

TEST(LimitsCheck, RefusesAKeySourceTogetherWithKeys) {
    EXPECT_THAT(limit_problems({.keys = {"sk-a"}, .key_source = [] { return std::string(); }}),
                ElementsAre(StartsWith("key_source: keys is set too")));
}

TEST(LimitsCheck, RequiresPositiveCeilingsInOneCurrency) {
    EXPECT_THAT(limit_problems({.budget = {.ceiling = Money{0}}}),
                ElementsAre(StartsWith("budget.ceiling: it must be above 0")));
    EXPECT_THAT(
        limit_problems({.budget = {.ceiling = Money{1, "EUR"}, .labels = {{"a", {1, "EUR"}}, {"b", {1, "USD"}}}}}),
        ElementsAre("budget.labels[\"b\"]: it is in USD, another ceiling in EUR; use one currency"));
    EXPECT_THAT(limit_problems({.budget = {.labels = {{"a", {-1}}}}}),
                ElementsAre(StartsWith("budget.labels[\"a\"]: it must be")));
}

TEST(LimitsCheck, AcceptsBudgetSpansFromSixtyMillisecondsToAYear) {
    for (const auto good : {milliseconds(60ms), milliseconds(24h * 366)}) {
        EXPECT_THAT(limit_problems({.budget = {.per = good}}), IsEmpty());
    }
    EXPECT_THAT(limit_problems({.budget = {.per = 59ms}}),
                ElementsAre("budget.per: 59 ms must be between 60 ms and a year"));
    EXPECT_THAT(limit_problems({.budget = {.per = 24h * 366 + 1ms}}), ElementsAre(StartsWith("budget.per: ")));
}

TEST(LimitsCheck, NamesInvalidModelsAndRules) {
    const ClientOptions options{
        .fallback_models = {"m", ""},
        .model_rules = {{.when = [](const ChatRequest&) { return true; }, .model = "a\nb"}, {.model = "m"}}};
    EXPECT_THAT(limit_problems(options),
                ElementsAre("fallback_models[1]: it names no model",
                            "model_rules[0].model: the model's name has control characters",
                            "model_rules[1].when: it is empty: the rule could never be asked"));
}

TEST(LimitsCheck, RefusesAQueueThatIsNeverUsed) {
    EXPECT_THAT(limit_problems({.concurrency = {.max_per_region = 1, .queue = 1}}), IsEmpty());
    EXPECT_THAT(limit_problems({.concurrency = {.queue = 1}}),
                ElementsAre(StartsWith("concurrency.queue: without concurrency.max")));
    EXPECT_THAT(limit_problems({.concurrency = {.max_per_region = -1, .queue = -2}}),
                ElementsAre("concurrency.max_per_region: -1 must be 0 (no limit) or more",
                            "concurrency.queue: -2 must be 0 (nobody waits) or more"));
}

TEST(FetchedKeyCheck, TrimsTheKeyAndNamesItsProblem) {
    std::string key = " \tsk-1\r\n";
    EXPECT_EQ(problem_of_key(key), "");
    EXPECT_EQ(key, "sk-1");
    for (const auto* blank : {"", " \n"}) {
        std::string none = blank;
        EXPECT_EQ(problem_of_key(none), "the key is empty");
    }
    std::string two = "sk-1 sk-2";
    EXPECT_THAT(problem_of_key(two), StartsWith("key_source: the key holds white space"));
}

}  // namespace
}  // namespace holysheep::client
