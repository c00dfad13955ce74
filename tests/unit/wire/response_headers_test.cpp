// Response headers: waits, limits, ids.
#include "wire/response_headers.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace holysheep::wire {
namespace {

using namespace std::chrono_literals;
using Headers = std::vector<std::pair<std::string, std::string>>;
using std::chrono::milliseconds;
using Wait = std::optional<milliseconds>;

/// Sun, 06 Nov 1994 08:49:37 GMT
constexpr std::chrono::system_clock::time_point kNow{784111777s};

Wait wait_of(const Headers& headers) { return parse_retry_after(headers, kNow); }

TEST(RetryAfter, ReadsSecondsAndMilliseconds) {
    EXPECT_EQ(wait_of({{"Retry-After", "2"}}), 2s);
    EXPECT_EQ(wait_of({{"retry-after", " 0.25 "}}), 250ms);
    EXPECT_EQ(wait_of({{"retry-after", "0"}}), 0s);
    EXPECT_EQ(wait_of({{"Retry-After-Ms", "1500"}}), 1500ms);
    EXPECT_EQ(wait_of({{"retry-after-ms", "12.5"}}), 13ms);
    EXPECT_EQ(wait_of({{"x-ms-retry-after-ms", "7"}}), 7ms);
}

TEST(RetryAfter, TheMorePreciseHeaderWins) {
    const Headers all = {{"retry-after", "9"}, {"x-ms-retry-after-ms", "20"}, {"retry-after-ms", "10"}};
    EXPECT_EQ(wait_of(all), 10ms);
    EXPECT_EQ(wait_of({{"retry-after", "9"}, {"x-ms-retry-after-ms", "20"}}), 20ms);
    EXPECT_EQ(wait_of({{"retry-after", "9"}, {"retry-after-ms", "nonsense"}}), 9s);
}

TEST(RetryAfter, ReadsEveryHttpDateFormat) {
    for (const char* date :
         {"Sun, 06 Nov 1994 08:49:47 GMT", "Sunday, 06-Nov-94 08:49:47 GMT", "Sun Nov  6 08:49:47 1994"}) {
        EXPECT_EQ(wait_of({{"retry-after", date}}), 10s) << date;
    }
}

TEST(RetryAfter, ADateIsRelativeToTheServersClock) {
    EXPECT_EQ(wait_of({{"retry-after", "Wed, 21 Oct 2015 07:28:30 GMT"}, {"Date", "Wed, 21 Oct 2015 07:28:00 GMT"}}),
              30s);
}

TEST(RetryAfter, APastDateMeansNow) {
    EXPECT_EQ(wait_of({{"retry-after", "Sat, 05 Nov 1994 08:49:37 GMT"}}), 0s);
    EXPECT_EQ(wait_of({{"retry-after", "Wed, 21 Oct 2015 07:28:00 GMT"}, {"date", "Wed, 21 Oct 2015 08:00:00 GMT"}}),
              0s);
}

TEST(RetryAfter, ADateBeyondTheClocksRangeIsIgnored) {
    EXPECT_EQ(wait_of({{"retry-after", "Fri, 31 Dec 9999 23:59:59 GMT"}}), std::nullopt);
    EXPECT_EQ(wait_of({{"retry-after", "Fri, 31 Dec 9999 23:59:59 GMT"}, {"date", "Wed, 21 Oct 2015 07:28:00 GMT"}}),
              std::nullopt);
}

TEST(RetryAfter, IgnoresInvalidValues) {
    for (const char* text : {"",
                             "-1",
                             "-0.5",
                             "nan",
                             "NaN",
                             "inf",
                             "infinity",
                             "1e5",
                             "0x10",
                             "1,5",
                             "5s",
                             "soon",
                             "1 2",
                             "+3",
                             "99999999999999999999999",
                             "Sun, 31 Feb 1994 08:49:47 GMT",
                             "Sun, 06 Nov 1994 24:00:00 GMT",
                             "Sun, 06 Nov 1994 08:49:47",
                             "Sun, 06 Nov 1994 08:49:47 CET",
                             "06 Nov 1994"}) {
        EXPECT_EQ(wait_of({{"retry-after", text}}), std::nullopt) << text;
        EXPECT_EQ(wait_of({{"retry-after-ms", text}}), std::nullopt) << text;
    }
    EXPECT_EQ(wait_of({}), std::nullopt);
}

TEST(ShouldRetry, IsTrueFalseOrUnknown) {
    EXPECT_EQ(parse_should_retry(Headers{{"X-Should-Retry", "true"}}), true);
    EXPECT_EQ(parse_should_retry(Headers{{"x-should-retry", " FALSE "}}), false);
    EXPECT_EQ(parse_should_retry(Headers{{"x-should-retry", "1"}}), std::nullopt);
    EXPECT_EQ(parse_should_retry(Headers{}), std::nullopt);
}

TEST(RateLimits, ReadsCountsAndDurations) {
    const Headers headers = {{"X-RateLimit-Limit-Requests", "5000"}, {"x-ratelimit-remaining-requests", "4999"},
                             {"x-ratelimit-limit-tokens", "800000"}, {"x-ratelimit-remaining-tokens", "0"},
                             {"x-ratelimit-reset-requests", "6m0s"}, {"x-ratelimit-reset-tokens", "12ms"}};
    const RateLimits limits = parse_rate_limits(headers);
    EXPECT_EQ(limits.limit_requests, 5000);
    EXPECT_EQ(limits.remaining_requests, 4999);
    EXPECT_EQ(limits.limit_tokens, 800000);
    EXPECT_EQ(limits.remaining_tokens, 0);
    EXPECT_EQ(limits.reset_requests, 6min);
    EXPECT_EQ(limits.reset_tokens, 12ms);
}

TEST(RateLimits, AreReadUnderOtherNames) {
    const std::chrono::system_clock::time_point now{1'700'000'000s};
    const RateLimits minute = parse_rate_limits(Headers{{"X-RateLimit-Limit-Tokens-Minute", "60"},
                                                        {"x-ratelimit-remaining-tokens-minute", "5"},
                                                        {"x-ratelimit-reset-tokens-minute", "33.5"},
                                                        {"x-ratelimit-limit-requests-day", "9"},
                                                        {"x-ratelimit-remaining-requests-day", "8"}});
    EXPECT_EQ(minute.limit_tokens, 60);
    EXPECT_EQ(minute.remaining_tokens, 5);
    EXPECT_EQ(minute.reset_tokens, 33500ms);
    EXPECT_EQ(minute.remaining_requests, 8);
    const RateLimits anthropic =
        parse_rate_limits(Headers{{"date", "Tue, 14 Nov 2023 22:13:10 GMT"},  // ten seconds before `now`
                                  {"anthropic-ratelimit-tokens-remaining", "7"},
                                  {"anthropic-ratelimit-tokens-reset", "2023-11-14T22:13:30Z"}},
                          now);
    EXPECT_EQ(anthropic.remaining_tokens, 7);
    EXPECT_EQ(anthropic.reset_tokens, 20s);
    const RateLimits bare = parse_rate_limits(
        Headers{{"X-RateLimit-Limit", "20"}, {"X-RateLimit-Remaining", "1"}, {"X-RateLimit-Reset", "1700000003000"}},
        now);
    EXPECT_EQ(bare.limit_requests, 20);
    EXPECT_EQ(bare.reset_requests, 3s);
    EXPECT_EQ(parse_rate_limits(Headers{{"ratelimit-remaining", "4"}}).remaining_requests, 4);
}

TEST(RateLimits, OfSeveralSpansTheExhaustedOneCounts) {
    const Headers headers = {{"x-ratelimit-remaining-requests-minute", "3"},
                             {"x-ratelimit-reset-requests-minute", "10"},
                             {"x-ratelimit-remaining-requests-day", "0"},
                             {"x-ratelimit-reset-requests-day", "7200"}};
    EXPECT_EQ(parse_rate_limits(headers).remaining_requests, 0);
    EXPECT_EQ(parse_rate_limits(headers).reset_requests, 7200s);
    EXPECT_EQ(parse_rate_limits(Headers{headers[0], headers[1]}).reset_requests, 10s);
}

TEST(RateLimits, ReadsEveryFormOfDuration) {
    const std::pair<const char*, Wait> rows[] = {
        {"6s", 6s},          {"7.66s", 7660ms},     {"1m12.5s", 72500ms}, {"1h2m3s4ms", 3723004ms},
        {"59", 59s},         {"0.5", 500ms},        {"0s", 0s},           {"2d", 48h},
        {"", std::nullopt},  {"x", std::nullopt},   {"1x", std::nullopt}, {"-1s", std::nullopt},
        {"s", std::nullopt}, {"1s2", std::nullopt}, {"nan", std::nullopt}};
    for (const auto& [text, expected] : rows) {
        EXPECT_EQ(parse_rate_limits(Headers{{"x-ratelimit-reset-tokens", text}}).reset_tokens, expected) << text;
    }
    EXPECT_EQ(parse_rate_limits(Headers{{"x-ratelimit-limit-tokens", "many"}}).limit_tokens, std::nullopt);
}

TEST(RateLimits, TimesBeyondTheClocksRangeAreIgnored) {
    for (const auto* text : {"9999999999996", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"}) {
        EXPECT_EQ(parse_rate_limits(Headers{{"x-ratelimit-reset-requests", text}}).reset_requests, std::nullopt)
            << text;
    }
}

TEST(RequestId, UsesTheFirstNameInOrder) {
    EXPECT_EQ(parse_request_id(Headers{{"cf-ray", "c"}, {"Request-Id", "r"}}), "r");
    EXPECT_EQ(parse_request_id(Headers{{"request-id", "r"}, {"X-Request-ID", "x"}}), "x");
    EXPECT_EQ(parse_request_id(Headers{{"x-request-id", ""}, {"x-ds-trace-id", "d"}}), "d");
    EXPECT_EQ(parse_request_id(Headers{{"apim-request-id", "a"}, {"x-generation-id", "g"}}), "g");
    EXPECT_EQ(parse_request_id(Headers{}), "");
}

TEST(RequestId, IsPrintableAndBounded) {
    EXPECT_EQ(parse_request_id(Headers{{"x-request-id", "a\x01z\x7F\xFF"}}), "az\uFFFD");
    EXPECT_EQ(parse_request_id(Headers{{"x-request-id", std::string(5000, 'x')}}).size(), 256U);
}

TEST(ReportedCost, IsReadFromItsHeader) {
    const std::pair<const char*, std::optional<std::int64_t>> rows[] = {
        {"0.00042", 420'000},  {"3.45e-05", 34'500},   {" 2 ", 2'000'000'000}, {"0.0", std::nullopt},
        {"-1", std::nullopt},  {"None", std::nullopt}, {"", std::nullopt},     {"0.1 USD", std::nullopt},
        {"nan", std::nullopt}, {"inf", std::nullopt},  {"1e300", std::nullopt}};
    for (const auto& [text, nano] : rows) {
        const auto cost = parse_reported_cost(Headers{{"X-LiteLLM-Response-Cost", text}});
        EXPECT_EQ(cost ? std::optional{cost->nano} : std::nullopt, nano) << text;
        EXPECT_EQ(cost ? cost->currency : "USD", "USD");
    }
    EXPECT_FALSE(parse_reported_cost(Headers{}));
}

TEST(FindHeader, IgnoresCase) {
    const Headers headers = {{"Content-Type", "a"}, {"content-type", "b"}};
    EXPECT_EQ(find_header(headers, "CONTENT-TYPE"), "a");
    EXPECT_EQ(find_header(headers, "content"), "");
}

}  // namespace
}  // namespace holysheep::wire
