// Checks the effect of each client option. Options of real connections (TLS, proxy, HTTP/2) are tested over sockets.
#include <sstream>

#include "call_flow.hpp"

namespace holysheep::flow {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

TEST(ClientOptions, TheKeyIsTrimmedAndSentAsABearerToken) {
    CallFlow flow({"us-west"}, {.api_key = " \tsk-abc\r\n"});
    flow.transport.reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(header(flow.requests()[0], "Authorization"), "Bearer sk-abc");
}

TEST(ClientOptions, WithoutRegionsThereIsOneNamedDefault) {
    const auto clock = std::make_shared<FakeClock>(FakeClock::Mode::automatic);
    const auto transport = std::make_shared<FakeTransport>(*clock);
    transport->reply("default", "hello");
    Client client({.base_url = "https://default.test/v1", .transport = transport, .clock = clock});
    const auto reply = client.chat(a_question());
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->region, "default");
    EXPECT_EQ(header(transport->requests()[0].request, "Authorization"), "") << "a local server may need no key";
}

TEST(ClientOptions, TheBaseUrlDefaultsToThePublicGateway) {
    const auto clock = std::make_shared<FakeClock>(FakeClock::Mode::automatic);
    const auto transport = std::make_shared<FakeTransport>(*clock);
    Client client({.api_key = "sk-abc", .health = {.enabled = false}, .transport = transport, .clock = clock});
    EXPECT_FALSE(client.chat(a_question(), {.retry = RetryOptions{.max_attempts = 1}}));
    EXPECT_EQ(transport->requests()[0].request.url, "https://api.holysheep.ai/v1/chat/completions");
}

TEST(ClientOptions, MaxAttemptsCapsEveryCall) {
    CallFlow flow({"us-west", "eu-central", "ap-southeast"}, {.retry = {.max_attempts = 2}});
    for (const auto* id : {"us-west", "eu-central", "ap-southeast"}) flow.transport.reply_raw(id, 503, {}, "");
    EXPECT_FALSE(flow.client.chat(a_question()));
    EXPECT_THAT(flow.attempts(), ElementsAre("us-west", "eu-central"));
}

TEST(ClientOptions, BackOffIsAsConfigured) {
    struct Row {
        RetryOptions retry;
        int status;
        std::chrono::nanoseconds at_least, below;
    };
    const Row rows[] = {{{.initial_backoff = 0ms}, 503, 0ns, 1ns},
                        {{.initial_backoff = 10s}, 503, 1ns, 10s},
                        {{.initial_backoff = 10s, .max_backoff = 1ms}, 503, 1ns, 1ms},
                        {{.throttle_backoff = 0ms}, 429, 200ms, 501ms},
                        {{.initial_backoff = 0ms, .throttle_backoff = 50s}, 429, 1ns, 50s}};
    for (const auto& row : rows) {
        CallFlow flow({"us-west"}, {.retry = row.retry});
        flow.transport.reply_raw("us-west", row.status, {}, "").reply("us-west", "hello");
        const auto reply = flow.client.chat(a_question());
        ASSERT_THAT(reply, IsOk());
        EXPECT_GE(reply->attempts[1].started, row.at_least);
        EXPECT_LT(reply->attempts[1].started, row.below);
    }
}

TEST(ClientOptions, TheRetryBudgetIsSharedByAllCalls) {
    CallFlow flow({"us-west"},
                  {.retry = {.max_attempts = 2, .outage_patience = 0ms, .budget_ratio = 0.5, .budget_capacity = 2}});
    flow.transport.reply_raw("us-west", 503, {}, "");
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(flow.client.chat(a_question()));
    EXPECT_THAT(flow.attempts(), SizeIs(5)) << "two of the three calls had a token";
    flow.transport.clear("us-west").reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(flow.client.stats().retry_budget_tokens, 0.5);
}

TEST(ClientOptions, A500IsFinalWithoutServer500) {
    CallFlow flow({"us-west", "eu-central"}, {.retry = {.server_500 = false}});
    flow.transport.reply_raw("us-west", 500, {}, "").reply("eu-central", "no");
    EXPECT_THAT(flow.client.chat(a_question()), FailsWith(ErrorCode::server_failed));
    EXPECT_THAT(flow.attempts(), ElementsAre("us-west"));
}

TEST(ClientOptions, ARetryPolicyDecidesOnEveryFailure) {
    struct Stubborn final : RetryPolicy {
        RetryVerdict decide(const RetryContext& context) const override {
            return {.retry = context.attempt.http_status == 400, .delay = 250ms};
        }
    };
    CallFlow flow({"us-west", "eu-central"}, {.retry_policy = std::make_shared<Stubborn>()});
    flow.transport.reply_raw("us-west", 400, {}, "").reply_raw("eu-central", 503, {}, "");
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, FailsWith(ErrorCode::server_failed));
    EXPECT_THAT(flow.attempts(), ElementsAre("us-west", "eu-central"));
    EXPECT_EQ(reply.error().attempts[1].started, 250ms);
}

TEST(ClientOptions, HeadersAreSentWithEveryRequest) {
    CallFlow flow({"us-west"}, {.headers = {{"X-Team", "wool"}}});
    flow.transport.reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_THAT(flow.client.models(), IsOk());
    for (const auto& request : flow.requests()) EXPECT_EQ(header(request, "X-Team"), "wool");
}

TEST(ClientOptions, TheSeedDeterminesEveryRandomChoice) {
    const auto attempt_times = [](std::uint64_t seed) {
        CallFlow flow({"us-west"}, {.seed = seed});
        flow.transport.reply_raw("us-west", 503, {}, "");
        std::vector<std::chrono::nanoseconds> times;
        for (int i = 0; i < 3; ++i) {
            const auto reply = flow.client.chat(a_question());
            for (const auto& attempt : reply.error().attempts) times.push_back(attempt.started);
        }
        return times;
    };
    EXPECT_EQ(attempt_times(1), attempt_times(1));
    EXPECT_NE(attempt_times(1), attempt_times(2));
}

TEST(ClientOptions, CallsOfOneClientRetryAfterDifferentDelays) {
    CallFlow flow({"us-west"});
    flow.transport.reply_raw("us-west", 503, {}, "");
    const auto first = flow.client.chat(a_question());
    const auto second = flow.client.chat(a_question());
    EXPECT_NE(first.error().attempts[1].started, second.error().attempts[1].started);
}

TEST(ClientOptions, TheLogLevelFiltersTheLog) {
    const auto lines = [](LogLevel level) {
        CallFlow flow({"us-west", "eu-central"}, {.log = {.level = level}});
        flow.transport.fail("us-west", ErrorCode::transport_failed).reply_raw("eu-central", 400, {}, "");
        EXPECT_FALSE(flow.client.chat(a_question()));
        return flow.log();
    };
    EXPECT_THAT(lines(LogLevel::off), IsEmpty());
    EXPECT_THAT(lines(LogLevel::error), IsEmpty());
    EXPECT_THAT(lines(LogLevel::warning), IsEmpty()) << "the error is returned to the caller";
    EXPECT_THAT(lines(LogLevel::info), Contains(HasSubstr("call failed")).Times(1));
    const auto debug = lines(LogLevel::debug);
    EXPECT_THAT(debug, Contains(HasSubstr("attempt 1: us-west connection failed")));
    EXPECT_THAT(debug, Contains(HasSubstr("attempt 2: eu-central invalid_request (400) after 0.0 ms: ")));
}

TEST(ClientOptions, AFailedCallIsLoggedInOneLineWithItsAttempts) {
    CallFlow flow({"us-west", "eu-central"}, {.log = {.level = LogLevel::info}});
    flow.transport.fail("us-west", ErrorCode::tls_failed)
        .reply_raw("eu-central", 400, {}, R"({"error":{"message":"two\nlines"}})");
    EXPECT_FALSE(flow.client.chat(a_question(), {.label = "nightly"}));
    ASSERT_THAT(flow.log(), Contains(HasSubstr("call failed")).Times(1));
    const auto line = flow.log().back();
    EXPECT_THAT(line, HasSubstr("call failed: invalid_request: "));
    EXPECT_THAT(line, HasSubstr("us-west TLS failed after 0.0 ms → eu-central invalid_request (400)"));
    EXPECT_THAT(line, HasSubstr("two lines"));
    EXPECT_THAT(line, HasSubstr("[label nightly]"));
}

TEST(ClientOptions, ASuccessfulCallIsNotLoggedAtInfo) {
    CallFlow flow({"us-west"}, {.log = {.level = LogLevel::info}});
    flow.transport.reply("us-west", "hello");
    for (int i = 0; i < 3; ++i) EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_THAT(flow.log(), ElementsAre(HasSubstr("region us-west is healthy")))
        << "logged once, after the first answer";
}

TEST(ClientOptions, ALostRegionIsLoggedAsWarningAndItsReturnAsInfo) {
    std::vector<std::pair<LogLevel, std::string>> lines;
    const auto sink = [&](LogLevel level, std::string_view line) { lines.emplace_back(level, line); };
    CallFlow flow({"us-west", "eu-central"},
                  {.breaker = {.failures = 2, .open_for = 60s}, .log = {.level = LogLevel::info, .sink = sink}});
    flow.transport.reply_raw("us-west", 500, {}, "").reply("eu-central", "hello");
    for (int i = 0; i < 3; ++i) EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    flow.client.force_close("us-west");
    EXPECT_THAT(flow.client.chat(a_question(), {.regions = {"eu-central"}}), IsOk());
    const auto count_lines = [&](LogLevel level, const char* text) {
        return std::ranges::count_if(lines, [&](const auto& line) {
            return line.first == level && line.second.find(text) != std::string::npos;
        });
    };
    EXPECT_EQ(count_lines(LogLevel::warning, "region us-west is down, breaker open"), 1);
    EXPECT_EQ(count_lines(LogLevel::info, "breaker closed"), count_lines(LogLevel::info, "region "));
    EXPECT_GE(count_lines(LogLevel::info, "region us-west"), 2) << "once as suspect, once as usable again";
}

TEST(ClientOptions, LoggedBodiesAreCapped) {
    CallFlow flow({"us-west"}, {.log = {.level = LogLevel::trace, .bodies = true}});
    flow.transport.reply("us-west", std::string(10'000, 'm'));
    auto question = a_question();
    question.messages[0].content = std::string(10'000, 'q');
    EXPECT_THAT(flow.client.chat(question), IsOk());
    int bodies = 0;
    for (const auto& line : flow.log()) {
        if (line.find("qqqq") != std::string::npos || line.find("mmmm") != std::string::npos) ++bodies;
        EXPECT_LE(line.size(), 2'048U + 100U);
    }
    EXPECT_EQ(bodies, 2) << "one of the request, one of the answer";
}

TEST(ClientOptions, BodiesAreLoggedOnlyWhenEnabled) {
    const auto lines = [](LogLevel level, bool bodies) {
        CallFlow flow({"us-west"}, {.api_key = "sk-very-secret", .log = {.level = level, .bodies = bodies}});
        flow.transport.reply("us-west", "Merino, sk-very-secret");
        EXPECT_THAT(flow.client.chat(a_question()), IsOk());
        return flow.log();
    };
    const auto with_bodies = lines(LogLevel::trace, true);
    EXPECT_THAT(with_bodies, Contains(HasSubstr("finest wool")));
    EXPECT_THAT(with_bodies, Contains(HasSubstr("Merino")));
    EXPECT_THAT(with_bodies, Each(Not(HasSubstr("very-secret"))));
    for (const auto& quiet : {lines(LogLevel::trace, false), lines(LogLevel::debug, true)}) {
        EXPECT_THAT(quiet, Each(Not(HasSubstr("finest wool"))));
        EXPECT_THAT(quiet, Each(Not(HasSubstr("Merino"))));
    }
}

TEST(ClientOptions, CreateReturnsAnErrorInsteadOfThrowing) {
    const auto client = Client::create({.api_key = "has space"});
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().code, ErrorCode::invalid_options);
    EXPECT_THROW(Client({.api_key = "has space"}), Exception);
}

}  // namespace
}  // namespace holysheep::flow
