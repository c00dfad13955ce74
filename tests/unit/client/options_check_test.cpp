// What the check of client options refuses: each problem names the option, its value and the remedy.
#include "client/options_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <string>
#include <vector>

namespace holysheep::client {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

/// Valid, before and after a change that a test makes.
ClientOptions valid_options() {
    ClientOptions options{.api_key = "sk-client", .base_url = "https://{region}.test/v1"};
    options.regions = {{.id = "us"}, {.id = "eu"}};
    return options;
}

template <class Change>
std::vector<std::string> problems_after(Change change) {
    auto options = valid_options();
    change(options);
    normalise(options);
    Problems problems;
    check(options, problems);
    return problems.list();
}

using Options = ClientOptions;

TEST(Problems, AreJoinedIntoOneError) {
    Problems problems;
    EXPECT_TRUE(problems.empty());
    problems.add("retry.max_attempts", "-1 must be 0 or more");
    problems.add("headers", "\"a b\" is not a header name");
    EXPECT_FALSE(problems.empty());
    const auto error = problems.to_error("invalid client options");
    EXPECT_EQ(error.code, ErrorCode::invalid_options);
    EXPECT_EQ(
        error.message,
        "invalid client options: retry.max_attempts: -1 must be 0 or more; headers: \"a b\" is not a header name");
}

TEST(NormalisedOptions, HaveARegionAndExpandedUrls) {
    ClientOptions empty;
    normalise(empty);
    ASSERT_THAT(empty.regions, SizeIs(1));
    EXPECT_EQ(empty.regions[0].id, "default");
    EXPECT_EQ(empty.regions[0].base_url, "https://api.holysheep.ai/v1");

    auto options = valid_options();
    options.base_url = "https://{region}.test/{region}/v1";
    options.regions[1].base_url = "https://own.test/{region}";
    normalise(options);
    EXPECT_EQ(options.regions[0].base_url, "https://us.test/us/v1");
    EXPECT_EQ(options.regions[1].base_url, "https://own.test/eu");
}

TEST(NormalisedOptions, ReplaceThePlaceholderOnceEvenIfTheIdContainsIt) {
    auto options = valid_options();
    options.regions = {{.id = "{region}"}};
    normalise(options);
    EXPECT_EQ(options.regions[0].base_url, "https://{region}.test/v1");
}

TEST(NormalisedOptions, HaveTrimmedKeys) {
    auto options = valid_options();
    options.api_key = " sk-client\n";
    options.keys = {"\tsk-1 "};
    options.regions[0].api_key = "sk-us\r\n";
    normalise(options);
    EXPECT_EQ(options.api_key, "sk-client");
    EXPECT_THAT(options.keys, ElementsAre("sk-1"));
    EXPECT_EQ(options.regions[0].api_key, "sk-us");
}

TEST(OptionsCheck, AcceptsTheDefaults) {
    EXPECT_THAT(problems_after([](Options&) {}), IsEmpty());
}

TEST(OptionsCheck, ReportsEveryProblemOnASeparateLine) {
    const auto problems = problems_after([](Options& o) {
        o.regions[0].weight = 0;
        o.retry.max_attempts = -1;
        o.timeouts.stall = -5ms;
    });
    EXPECT_THAT(problems,
                ElementsAre("regions[0].weight: 0 must be above 0; use tier to hold a region back, or drain() it",
                            "retry.max_attempts: -1 must be 0 (default) or more",
                            "timeouts.stall: -5 ms must be 0 (default rule) or more, at most 30 years"));
}

TEST(OptionsCheck, NamesTheProblemOfARegionAndItsValue) {
    struct Row {
        void (*change)(Options&);
        const char* problem;
    };
    const Row rows[] = {
        {[](Options& o) { o.regions[1].id = "a/b"; }, "regions[1].id: \"a/b\" must be letters, digits"},
        {[](Options& o) { o.regions[1] = {.id = "us", .base_url = "https://other.test"}; },
         "regions[1].id: \"us\" is used twice"},
        {[](Options& o) { o.regions[1].zone = "us"; },
         "regions[1].zone: \"us\" is the id of one region and the zone of \"eu\""},
        {[](Options& o) { o.regions[0].zone = "eu"; },
         "regions[1].zone: \"eu\" is the id of one region and the zone of \"us\""},
        {[](Options& o) { o.regions[1].zone = "a\x7f"; }, "regions[1].zone: holds control characters"},
        {[](Options& o) { o.regions[0].model_map["m"]; }, "regions[0].model_map: \"m\" must name a model"},
        {[](Options& o) { o.base_url = "https://one.test"; },
         "regions \"us\" and \"eu\" have the same URL and headers"},
        {[](Options& o) { o.regions[0].base_url = "ftp://a.test"; },
         "regions[0].base_url: \"ftp://a.test\": only https://"},
    };
    for (const auto& row : rows) EXPECT_THAT(problems_after(row.change), ElementsAre(HasSubstr(row.problem)));
}

TEST(OptionsCheck, RequiresAKeyOfTheRightKindForTheDefaultGateway) {
    const auto default_gateway = [](Options& o) {
        o.base_url.clear();
        o.regions.clear();
    };
    EXPECT_THAT(problems_after([&](Options& o) { default_gateway(o), o.api_key.clear(); }),
                ElementsAre(AllOf(StartsWith("api_key: it is empty; register one at https://www.holysheep.ai"),
                                  HasSubstr("HOLYSHEEP_API_KEY"))));
    EXPECT_THAT(
        problems_after([&](Options& o) { default_gateway(o), o.api_key = "pk-1"; }),
        ElementsAre(AllOf(StartsWith("api_key: keys of api.holysheep.ai start with \"sk-\""), Not(HasSubstr("pk-1")))));
    EXPECT_THAT(problems_after([&](Options& o) {
                    default_gateway(o), o.keys = {"sk-1", "pk-2"};
                }),
                ElementsAre(StartsWith("keys[1]: keys of api.holysheep.ai")));
    EXPECT_THAT(
        problems_after([&](Options& o) { default_gateway(o), o.api_key.clear(), o.key_source = [] { return ""; }; }),
        IsEmpty());
    EXPECT_THAT(problems_after([](Options& o) { o.api_key.clear(); }), IsEmpty()) << "another gateway may need no key";
}

TEST(OptionsCheck, QuotesNoSecretOfAUrl) {
    const auto problems = problems_after([](Options& o) {
        o.regions[0].base_url = "https://user:hunter22@a.test";
        o.regions[1].base_url = "ftp://b.test/v1?key=hunter33";
    });
    EXPECT_THAT(problems, ElementsAre(StartsWith("regions[0].base_url: \"https://...@a.test\": it holds credentials"),
                                      StartsWith("regions[1].base_url: \"ftp://b.test/v1\" (and its query): only")));
    EXPECT_THAT(problems, Each(Not(HasSubstr("hunter"))));
}

TEST(OptionsCheck, AcceptsTheBoundsOfEveryRangeAndNothingBeyond) {
    static constexpr auto kThirtyYears = std::chrono::hours{262'800};
    struct Row {
        const char* option;
        void (*good)(Options&);
        void (*bad)(Options&);
    };
    const Row rows[] = {
        {"selector.latency_exponent",
         [](Options& o) {
             o.selector = {Strategy::weighted, 100};
         },
         [](Options& o) {
             o.selector = {Strategy::weighted, 100.5};
         }},
        {"health.interval", [](Options& o) { o.health.interval = 24h; },
         [](Options& o) { o.health.interval = 24h + 1ms; }},
        {"health.timeout", [](Options& o) { o.health.timeout = 1ms; }, [](Options& o) { o.health.timeout = 0ms; }},
        {"health.sign_of_life", [](Options& o) { o.health.sign_of_life = 24h; },
         [](Options& o) { o.health.sign_of_life = 24h + 1ms; }},
        {"health.completion_tokens_per_hour", [](Options& o) { o.health.completion_tokens_per_hour = 0; },
         [](Options& o) { o.health.completion_tokens_per_hour = -1; }},
        {"breaker.failures", [](Options& o) { o.breaker.failures = 1; }, [](Options& o) { o.breaker.failures = 0; }},
        {"breaker.failure_rate", [](Options& o) { o.breaker.failure_rate = 1; },
         [](Options& o) { o.breaker.failure_rate = 0; }},
        {"breaker.window", [](Options& o) { o.breaker.window = 1h; }, [](Options& o) { o.breaker.window = 1h + 1ms; }},
        {"breaker.open_for", [](Options& o) { o.breaker.open_for = 24h; },
         [](Options& o) { o.breaker.open_for = 24h + 1ms; }},
        {"breaker.max_open_for", [](Options& o) { o.breaker.max_open_for = o.breaker.open_for; },
         [](Options& o) { o.breaker.max_open_for = o.breaker.open_for - 1ms; }},
        {"hedging.ratio", [](Options& o) { o.hedging.ratio = 1; }, [](Options& o) { o.hedging.ratio = 1.01; }},
        {"hedging.min_delay", [](Options& o) { o.hedging.min_delay = kThirtyYears; },
         [](Options& o) { o.hedging.min_delay = kThirtyYears + 1ms; }},
        {"retry.budget_ratio", [](Options& o) { o.retry.budget_ratio = 0; },
         [](Options& o) { o.retry.budget_ratio = -0.1; }},
        {"retry.max_wait", [](Options& o) { o.retry.max_wait = kThirtyYears; },
         [](Options& o) { o.retry.max_wait = kThirtyYears + 1ms; }},
        {"timeouts.total", [](Options& o) { o.timeouts.total = 0ms; }, [](Options& o) { o.timeouts.total = -1ms; }},
        {"timeouts.unread", [](Options& o) { o.timeouts.unread = kThirtyYears; },
         [](Options& o) { o.timeouts.unread = kThirtyYears + 1ms; }},
        {"max_connection_age", [](Options& o) { o.max_connection_age = 0ms; },
         [](Options& o) { o.max_connection_age = -1ms; }},
        {"queues.callbacks", [](Options& o) { o.queues.callbacks = 1; }, [](Options& o) { o.queues.callbacks = 0; }},
        {"queues.listener_records", [](Options& o) { o.queues.listener_records = 1; },
         [](Options& o) { o.queues.listener_records = 0; }},
        {"stats.history", [](Options& o) { o.stats.history = 100'000; }, [](Options& o) { o.stats.history = 100'001; }},
    };
    for (const auto& row : rows) {
        EXPECT_THAT(problems_after(row.good), IsEmpty()) << row.option;
        EXPECT_THAT(problems_after(row.bad), ElementsAre(StartsWith(std::string(row.option) + ": "))) << row.option;
    }
}

TEST(OptionsCheck, RefusesNonFiniteNumbers) {
    static constexpr auto kNan = std::numeric_limits<double>::quiet_NaN();
    EXPECT_THAT(problems_after([](Options& o) {
                    o.regions[0].weight = kNan;
                    o.selector = {Strategy::weighted, kNan};
                    o.breaker.failure_rate = kNan;
                    o.hedging.ratio = kNan;
                    o.retry.budget_ratio = kNan;
                }),
                ElementsAre(StartsWith("regions[0].weight: nan"), StartsWith("selector.latency_exponent: nan"),
                            StartsWith("breaker.failure_rate: nan"), StartsWith("hedging.ratio: nan"),
                            StartsWith("retry.budget_ratio: nan")));
}

TEST(OptionsCheck, RefusesSettingsThatWouldHaveNoEffect) {
    struct Row {
        void (*change)(Options&);
        const char* problem;
    };
    const Row rows[] = {
        {[](Options& o) { o.selector.latency_exponent = 2; },
         "selector.latency_exponent: 2 steers nothing but Strategy::weighted"},
        {[](Options& o) { o.health.path = "/health"; },
         "health.path: \"/health\" is asked for by Probe::head and Probe::path only"},
        {[](Options& o) { o.health.model = "m"; }, "health.model: \"m\" is asked by Probe::completion only"},
        {[](Options& o) { o.proxy.password = "word"; }, "proxy.user: credentials need proxy.url"},
        {[](Options& o) { o.tls.client_key = "/dev/null"; }, "tls.client_key: it needs tls.client_certificate"},
        {[](Options& o) { o.tls.ca_file = "/dev/null", o.tls.ca_blob = "-----BEGIN CERTIFICATE-----"; },
         "tls.ca_blob: tls.ca_file is set too"},
    };
    for (const auto& row : rows) EXPECT_THAT(problems_after(row.change), ElementsAre(StartsWith(row.problem)));
}

TEST(OptionsCheck, RequiresTheOptionsOfTheChosenProbe) {
    using enum HealthOptions::Probe;
    EXPECT_THAT(problems_after([](Options& o) { o.health.probe = head; }),
                ElementsAre(StartsWith("health.path: \"\" must begin")));
    EXPECT_THAT(problems_after([](Options& o) { o.health.probe = completion; }),
                ElementsAre(StartsWith("health.model: it is empty; name the model")));
    EXPECT_THAT(problems_after([](Options& o) { o.health.probe = path, o.health.path = "/up?deep=1"; }), IsEmpty());
    EXPECT_THAT(problems_after([](Options& o) { o.health.probe = completion, o.health.model = "m"; }), IsEmpty());
}

TEST(OptionsCheck, AcceptsTheProxySchemesOfLibcurlOnly) {
    for (const auto* scheme : {"http", "https", "socks4", "socks4a", "socks5", "socks5h"}) {
        EXPECT_THAT(problems_after([&](Options& o) { o.proxy.url = std::string(scheme) + "://proxy.test:1080"; }),
                    IsEmpty())
            << scheme;
    }
    EXPECT_THAT(problems_after([](Options& o) { o.proxy.url = "proxy.test:3128"; }),
                ElementsAre(StartsWith("proxy.url: \"proxy.test:3128\" must start with http://")));
    EXPECT_THAT(problems_after([](Options& o) { o.proxy.url = "http://me:word@proxy.test"; }),
                ElementsAre("proxy.url: it holds credentials; use proxy.user and proxy.password"));
}

TEST(HeadersCheck, RefusesHeadersThatCouldChangeTheMessage) {
    const auto problems_of_header = [](std::string name, std::string value) {
        Problems problems;
        check_headers({{std::move(name), std::move(value)}}, "headers", problems);
        return problems.list();
    };
    EXPECT_THAT(problems_of_header("X-Tenant", "a \"b\" \xC3\xA4"), IsEmpty());
    EXPECT_THAT(problems_of_header("!#$%&'*+-.^_`|~9", ""), IsEmpty());
    EXPECT_THAT(problems_of_header("", "x"), ElementsAre("headers: \"\" is not a header name (RFC 9110, 5.6.2)"));
    EXPECT_THAT(problems_of_header("X Tenant", "x"), SizeIs(1));
    EXPECT_THAT(problems_of_header("X-Tenant:", "x"), SizeIs(1));
    EXPECT_THAT(problems_of_header("Content-length", "1"),
                ElementsAre("headers: \"Content-length\" belongs to the transport and cannot be set"));
    EXPECT_THAT(problems_of_header("CONNECTION", "close"), SizeIs(1));
    EXPECT_THAT(problems_of_header("Cookie", "secret\r\nX-Other: 1"),
                ElementsAre(AllOf(StartsWith("headers: the value of \"Cookie\" holds control characters"),
                                  Not(HasSubstr("secret")))));
}

TEST(KeyCheck, RefusesKeysInvalidInHeadersWithoutQuotingThem) {
    for (const auto* bad : {"sk 1", "sk\n1", "sk\x7f", "\xC3\xA4"}) {
        Problems problems;
        check_key("api_key", bad, problems);
        EXPECT_THAT(problems.list(),
                    ElementsAre("api_key: the key holds white space, control or non-ASCII characters; copy it "
                                "again, without quotes"))
            << bad;
    }
    Problems problems;
    check_key("api_key", "sk-!~", problems);
    check_key("api_key", "", problems);
    EXPECT_TRUE(problems.empty());
}

TEST(RequestPath, BeginsWithOneSlashAndIsPercentEncoded) {
    for (const auto* good : {"/", "/a//b", "/a?b=%20&c=/"}) EXPECT_TRUE(is_request_path(good)) << good;
    for (const auto* bad : {"", "a", "//a", "/a b", "/a#b", "/\xC3\xA4", "/a\x7f"})
        EXPECT_FALSE(is_request_path(bad)) << bad;
}

}  // namespace
}  // namespace holysheep::client
