// The client's own limits: which calls wait and for how long, which fail at once, and what counts.
#include <limits>
#include <memory>
#include <stop_token>

#include "call_flow.hpp"

namespace holysheep::flow {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr auto kWindow = 60s + 50ms;  // including the margin for jitter

std::vector<RegionStats> regions_of(const Client& client) { return client.stats().regions; }

TEST(RateLimit, ACallBeyondTheLimitWaitsForTheWindow) {
    CallFlow flow({"us-west"}, {.rate_limit = {.requests = 2, .per = 60s}});
    flow.transport.reply("us-west", "hello");
    for (int i = 0; i < 2; ++i) EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(flow.elapsed(), 0s);
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->attempts.front().started, kWindow);
    EXPECT_EQ(flow.elapsed(), kWindow);
}

TEST(RateLimit, AModelHasItsOwnLimit) {
    CallFlow flow({"us-west"}, {.rate_limit = {.requests = 1}});
    flow.transport.reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_THAT(flow.client.chat("another-model", "hello?"), IsOk());
    EXPECT_EQ(flow.elapsed(), 0s);
}

TEST(RateLimit, FailFastReportsHowLongTheWaitWouldBe) {
    CallFlow flow({"us-west"}, {.rate_limit = {.requests = 1, .per = 60s, .fail_fast = true}});
    flow.transport.reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, FailsWith(ErrorCode::rate_limited_locally));
    EXPECT_EQ(reply.error().retry_after, 60'050ms);
    EXPECT_THAT(reply.error().message,
                AllOf(HasSubstr("1 calls per 60 s"), HasSubstr("gpt-4.1"), HasSubstr("60050 ms")));
    EXPECT_THAT(flow.attempts(), SizeIs(1));
}

TEST(RateLimit, ACallMayOverrideFailFast) {
    for (const bool fails_fast : {false, true}) {
        CallFlow flow({"us-west"}, {.rate_limit = {.requests = 1, .per = 60s, .fail_fast = !fails_fast}});
        flow.transport.reply("us-west", "hello");
        EXPECT_THAT(flow.client.chat(a_question()), IsOk());
        const auto reply = flow.client.chat(a_question(), {.fail_fast = fails_fast});
        if (fails_fast) {
            ASSERT_THAT(reply, FailsWith(ErrorCode::rate_limited_locally));
            EXPECT_EQ(reply.error().retry_after, kWindow);
            EXPECT_THAT(reply.error().message, HasSubstr("CallOptions::fail_fast"));
            EXPECT_EQ(flow.elapsed(), 0s);
        } else {
            EXPECT_THAT(reply, IsOk());
            EXPECT_EQ(flow.elapsed(), kWindow);
        }
    }
}

TEST(RateLimit, AWaitBeyondTheDeadlineIsRefusedAtOnce) {
    CallFlow flow({"us-west"}, {.rate_limit = {.requests = 1, .per = 60s}});
    flow.transport.reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    const auto late = flow.client.chat(a_question(), {.deadline = 10s});
    ASSERT_THAT(late, FailsWith(ErrorCode::rate_limited_locally));
    EXPECT_THAT(late.error().message, HasSubstr("after its deadline"));
    EXPECT_EQ(flow.elapsed(), 0s);
}

TEST(RateLimit, AnUndeliveredAttemptReturnsItsPermit) {
    CallFlow flow({"us-west", "eu-central"}, {.rate_limit = {.requests = 1}});
    flow.transport.fail("us-west", ErrorCode::transport_failed).reply("eu-central", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(flow.elapsed(), 0s);
}

/// Refuses the first request unprocessed, as HTTP/2 can, and passes the others to the inner transport.
class FirstRequestRefusingTransport final : public Transport {
  public:
    FirstRequestRefusingTransport(Clock& clock, Transport& inner) : clock_(clock), inner_(inner) {}
    TransferId start(HttpRequest request, TransferEvents& events) override {
        if (std::exchange(refused_, true)) return inner_.start(std::move(request), events);
        clock_.post([&events] {
            EXPECT_TRUE(events.may_send(kFirst));
            events.on_end(kFirst, {.error = ErrorCode::transport_failed, .certainly_not_delivered = true});
        });
        return kFirst;
    }
    void cancel(TransferId id) override {
        if (id != kFirst) inner_.cancel(id);
    }
    void pause(TransferId id) override { inner_.pause(id); }
    void resume(TransferId id) override { inner_.resume(id); }
    std::optional<PathEvidence> evidence(TransferId) const override { return std::nullopt; }

  private:
    static constexpr TransferId kFirst = 1'000'000;
    Clock& clock_;
    Transport& inner_;
    bool refused_ = false;
};

TEST(RateLimit, AnUnprocessedRequestReturnsItsPermitAndTokens) {
    for (const bool smooth : {false, true}) {
        const auto clock = std::make_shared<FakeClock>(FakeClock::Mode::automatic);
        FakeTransport network(*clock);
        network.reply("us-west", "hello");
        Client client({.api_key = "sk-test-key",
                       .regions = FakeTransport::regions({"us-west"}),
                       .health = {.enabled = false},
                       .rate_limit = {.requests = 1, .tokens_per_minute = 2'000, .smooth = smooth},
                       .transport = std::make_shared<FirstRequestRefusingTransport>(*clock, network),
                       .clock = clock});
        auto question = a_question();
        question.max_completion_tokens = 1'500;
        const auto began = clock->now();
        const auto reply = client.chat(question);
        ASSERT_THAT(reply, IsOk());
        EXPECT_THAT(reply->attempts, SizeIs(2));
        EXPECT_LT(clock->now() - began, 1s) << smooth;
    }
}

TEST(RateLimit, AFailoverAfterAnAnswerCountsAsACall) {
    CallFlow flow({"us-west", "eu-central"}, {.rate_limit = {.requests = 1, .per = 60s}});
    flow.transport.reply_raw("us-west", 503, {}, "").reply("eu-central", "hello");
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->attempts[1].started, kWindow);
}

TEST(RateLimit, WithoutAPermitForAFailoverTheFirstFailureIsReported) {
    CallFlow flow({"us-west", "eu-central"}, {.rate_limit = {.requests = 1, .fail_fast = true}});
    flow.transport.reply_raw("us-west", 503, {}, "").reply("eu-central", "hello");
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, FailsWith(ErrorCode::server_failed));
    EXPECT_THAT(reply.error().message, HasSubstr("no further attempt: rate_limit"));
}

TEST(RateLimit, AHedgeWithoutAPermitIsNotSent) {
    CallFlow flow({"us-west", "eu-central"},
                  {.hedging = {.enabled = true, .ratio = 1}, .rate_limit = {.requests = 32, .per = 10min}});
    flow.transport.reply("us-west", "quick", {.first_byte = 10ms}).reply("eu-central", "hello");
    for (int i = 0; i < 31; ++i) ASSERT_THAT(flow.client.chat(a_question()), IsOk());
    flow.transport.clear("us-west").reply("us-west", "slow", {.first_byte = 5s});
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->region, "us-west") << "one permit was left";
    EXPECT_THAT(reply->attempts, SizeIs(1));
}

TEST(RateLimit, ARaceOfConnectionsTakesOnePermit) {
    CallFlow flow({"us-west", "eu-central"}, {.rate_limit = {.requests = 1}});
    flow.transport.never_connects("us-west").reply("eu-central", "hello");
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->attempts[1].kind, AttemptKind::race);
    EXPECT_LT(flow.elapsed(), 1s);
    EXPECT_EQ(flow.client.stats().limits.front().requests_used, 1);
}

TEST(RateLimit, ARacesPermitStaysWithTheRemainingAttempt) {
    CallFlow flow({"us-west", "eu-central"}, {.rate_limit = {.requests = 1}});
    flow.transport.fail("us-west", ErrorCode::transport_failed, true, {.connect = 400ms})
        .reply("eu-central", "hello", {.connect = 300ms});
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->attempts[1].kind, AttemptKind::race);
    EXPECT_EQ(flow.client.stats().limits.front().requests_used, 1);
}

TEST(RateLimit, ARaceTakesNoPermitOfAnotherAccount) {
    ClientOptions options{.regions = FakeTransport::regions({"us-west", "eu-central"}),
                          .rate_limit = {.requests = 1, .per = 60s}};
    for (int tier = 0; auto& region : options.regions) {
        region.tier = tier++;
        region.api_key = "sk-of-" + region.id;
    }
    CallFlow flow({}, options);
    flow.transport.never_connects("us-west").reply("eu-central", "hello");
    EXPECT_THAT(flow.client.chat(a_question(), {.regions = {"eu-central"}}), IsOk());
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->region, "eu-central");
    EXPECT_GE(flow.elapsed(), kWindow) << "the permit of that account has just been used";
}

TEST(RateLimit, ACancelledWaiterLeavesTheQueue) {
    CallFlow flow({"us-west"}, {.rate_limit = {.requests = 1, .per = 60s}}, CallFlow::kManual);
    flow.transport.reply("us-west", "hello");
    auto first = flow.client.chat_async(a_question());
    std::stop_source stop;
    auto second = flow.client.chat_async(a_question(), {.stop = stop.get_token()});
    auto third = flow.client.chat_async(a_question());
    flow.clock.advance(1s);
    EXPECT_EQ(flow.client.stats().limits.front().waiting, 2U);
    stop.request_stop();
    flow.clock.advance(0s);
    EXPECT_THAT(second.get(), FailsWith(ErrorCode::cancelled));
    EXPECT_EQ(flow.client.stats().limits.front().waiting, 1U);
    flow.clock.advance(kWindow);
    EXPECT_THAT(third.get(), IsOk());
    EXPECT_THAT(first.get(), IsOk());
}

TEST(RateLimit, AHigherPriorityGoesFirst) {
    CallFlow flow({"us-west"}, {.rate_limit = {.requests = 1, .per = 60s}, .callback_executor = run_inline},
                  CallFlow::kManual);
    flow.transport.reply("us-west", "hello");
    std::vector<std::string> order;
    const auto ask = [&](std::string name, Priority priority) {
        flow.client.chat_async(a_question(), {.priority = priority}, [&order, name](auto) { order.push_back(name); });
        flow.clock.advance(1ms);
    };
    ask("first", Priority::normal);
    ask("low", Priority::low);
    ask("normal", Priority::normal);
    ask("high", Priority::high);
    flow.clock.advance(4 * kWindow);
    EXPECT_THAT(order, ElementsAre("first", "high", "normal", "low"));
}

TEST(RateLimit, TokensAreReservedAndSettled) {
    CallFlow flow({"us-west"}, {.rate_limit = {.tokens_per_minute = 2'000}});
    flow.transport.reply("us-west", "hello");
    auto question = a_question();
    question.max_completion_tokens = 1'800;
    for (int i = 0; i < 5; ++i) EXPECT_THAT(flow.client.chat(question), IsOk());
    EXPECT_EQ(flow.elapsed(), 0s) << "the answers used less than was reserved";
    question.max_completion_tokens = 2'001;
    const auto reply = flow.client.chat(question);
    ASSERT_THAT(reply, FailsWith(ErrorCode::rate_limited_locally));
    EXPECT_THAT(reply.error().message, HasSubstr("max_completion_tokens"));
}

TEST(RateLimit, OutOfRangeTokenCountsDoNotCorruptTheLimit) {
    CallFlow flow({"us-west"}, {.rate_limit = {.tokens_per_minute = 2'000, .fail_fast = true}});
    const auto answer = [](const char* prompt, const char* completion) {
        return R"({"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":)" +
               std::string(prompt) + R"(,"completion_tokens":)" + completion + R"(,"total_tokens":1}})";
    };
    flow.transport.reply_raw("us-west", 200, {}, answer("-9000000", "-9223372036854775808"));
    auto question = a_question();
    question.max_completion_tokens = -1'000'000;
    EXPECT_THAT(flow.client.chat(question), IsOk());
    EXPECT_EQ(flow.client.stats().limits.front().tokens_used, 0) << "negative usage returns no tokens";
    question.max_completion_tokens = std::numeric_limits<std::int64_t>::max();
    question.n = 2'000'000'000;
    EXPECT_THAT(flow.client.chat(question), FailsWith(ErrorCode::rate_limited_locally));
    flow.transport.clear("us-west").reply_raw("us-west", 200, {}, answer("9000000000000000000", "9000000000000000000"));
    question = a_question();
    question.max_completion_tokens = 10;
    EXPECT_THAT(flow.client.chat(question), IsOk());
    EXPECT_EQ(flow.client.stats().limits.front().tokens_used, 2'000'000'000'000) << "reported usage is capped";
    const auto reply = flow.client.chat(question);
    ASSERT_THAT(reply, FailsWith(ErrorCode::rate_limited_locally));
    EXPECT_LE(reply.error().retry_after, 62s);
}

TEST(RateLimit, ALimiterIsSharedByClients) {
    const auto limiter = std::make_shared<RateLimiter>(RateLimitOptions{.requests = 1, .fail_fast = true});
    CallFlow one({"us-west"}, {.limiter = limiter}), other({"us-west"}, {.limiter = limiter});
    one.transport.reply("us-west", "hello");
    other.transport.reply("us-west", "hello");
    EXPECT_THAT(one.client.chat(a_question()), IsOk());
    EXPECT_THAT(other.client.chat(a_question()), FailsWith(ErrorCode::rate_limited_locally));
}

TEST(RateLimit, AKeyIsOneAccountWhetherGivenOrFetched) {
    for (const bool fetched_first : {true, false}) {
        const auto limiter = std::make_shared<RateLimiter>(RateLimitOptions{.requests = 1, .fail_fast = true});
        CallFlow fetched({"us-west"}, {.key_source = [] { return std::string("sk-the-key"); },
                                       .limiter = limiter,
                                       .callback_executor = run_inline});
        CallFlow given({"us-west"}, {.api_key = "sk-the-key", .limiter = limiter});
        CallFlow other_account({"us-west"}, {.api_key = "sk-another-key", .limiter = limiter});
        for (auto* flow : {&fetched, &given, &other_account}) flow->transport.reply("us-west", "hello");
        auto& first = fetched_first ? fetched : given;
        auto& second = fetched_first ? given : fetched;
        EXPECT_THAT(first.client.chat(a_question()), IsOk());
        EXPECT_THAT(second.client.chat(a_question()), FailsWith(ErrorCode::rate_limited_locally)) << fetched_first;
        EXPECT_THAT(other_account.client.chat(a_question()), IsOk());
    }
}

TEST(RateLimit, ARotatedKeyIsTheSameAccount) {
    const auto limiter = std::make_shared<RateLimiter>(RateLimitOptions{.requests = 2, .fail_fast = true});
    int fetches = 0;
    CallFlow rotating({"us-west"}, {.key_source = [&] { return "sk-key-number-" + std::to_string(++fetches); },
                                    .limiter = limiter,
                                    .callback_executor = run_inline});
    rotating.transport.reply_raw("us-west", 401, {}, error_body("invalid_api_key")).reply("us-west", "hello");
    EXPECT_THAT(rotating.client.chat(a_question()), IsOk());
    CallFlow given({"us-west"}, {.api_key = "sk-key-number-2", .limiter = limiter});
    EXPECT_THAT(given.client.chat(a_question()), FailsWith(ErrorCode::rate_limited_locally));
}

TEST(RateLimit, SmoothCallsAreSpaced) {
    CallFlow flow({"us-west"}, {.rate_limit = {.requests = 60, .per = 60s, .smooth = true}});
    flow.transport.reply("us-west", "hello");
    for (int i = 0; i < 4; ++i) EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(flow.elapsed(), 3s);
}

TEST(RateLimit, ListingModelsDoesNotCount) {
    CallFlow flow({"us-west"}, {.rate_limit = {.requests = 1, .fail_fast = true}});
    flow.transport.reply("us-west", "hello");
    for (int i = 0; i < 3; ++i) EXPECT_THAT(flow.client.models(), IsOk());
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
}

TEST(RateLimit, AnAttemptWithoutAPermitDoesNotWaitWhileAnotherRuns) {
    // The race of a late connection fails, and its successor gets no slot; meanwhile the first connection is ready.
    CallFlow flow({"us-west", "eu-central", "ap-south"}, {.rate_limit = {.requests = 2, .per = 1s}}, CallFlow::kManual);
    flow.transport.reply("us-west", "hello", {.connect = 400ms, .first_byte = 5s});
    flow.transport.fail("eu-central", ErrorCode::transport_failed, true, {.connect = 50ms});
    flow.transport.reply("ap-south", "hello");
    auto holder = flow.client.chat_async(a_question(), {.regions = {"ap-south"}});
    auto call = flow.client.chat_async(a_question());
    for (int i = 0; i < 80; ++i) flow.clock.advance(100ms);
    EXPECT_THAT(holder.get(), IsOk());
    const auto reply = call.get();
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->region, "us-west");
    for (const auto& attempt : reply->attempts) EXPECT_NE(attempt.region, "ap-south");
}

TEST(RateLimit, AnAttemptWithoutAPermitIsNotAFailureWhileAnotherRuns) {
    // As above, but with `fail_fast`.
    CallFlow flow({"us-west", "eu-central", "ap-south"}, {.rate_limit = {.requests = 2, .per = 1s, .fail_fast = true}},
                  CallFlow::kManual);
    flow.transport.reply("us-west", "hello", {.connect = 400ms, .first_byte = 5s});
    flow.transport.fail("eu-central", ErrorCode::transport_failed, true, {.connect = 50ms});
    flow.transport.reply("ap-south", "hello");
    auto holder = flow.client.chat_async(a_question(), {.regions = {"ap-south"}});
    auto call = flow.client.chat_async(a_question());
    for (int i = 0; i < 80; ++i) flow.clock.advance(100ms);
    EXPECT_THAT(holder.get(), IsOk());
    const auto reply = call.get();
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->region, "us-west");
    EXPECT_THAT(reply->attempts, SizeIs(2));
}

TEST(RateLimit, AFailoverThatBeginsToWaitForAPauseDoesNotBlockTheQueue) {
    // A failover waits for its slot. Before it gets one, its region is throttled, and the failover has to wait far
    // longer.
    CallFlow flow({"us-west", "eu-central", "ap-south"}, {.rate_limit = {.requests = 2, .per = 1s}}, CallFlow::kManual);
    flow.transport.reply_raw("us-west", 503, {{"Retry-After", "30"}}, "", {.first_byte = 10ms});
    flow.transport.reply_raw("eu-central", 429, {{"Retry-After", "30"}}, "", {.first_byte = 500ms});
    for (const auto* region : {"us-west", "eu-central", "ap-south"}) flow.transport.reply(region, "hello");
    auto throttled = flow.client.chat_async(a_question(), {.regions = {"eu-central"}});
    auto failover = flow.client.chat_async(a_question(), {.regions = {"us-west", "eu-central"}});
    for (int i = 0; i < 20; ++i) flow.clock.advance(100ms);
    auto other = flow.client.chat_async(a_question(), {.regions = {"ap-south"}});
    for (int i = 0; i < 20; ++i) flow.clock.advance(100ms);
    EXPECT_TRUE(is_ready(other)) << "no call that could start is ahead of it";
    for (int i = 0; i < 80; ++i) flow.clock.advance(1s);
    EXPECT_THAT(other.get(), IsOk());
    EXPECT_THAT(throttled.get(), IsOk());
    EXPECT_THAT(failover.get(), IsOk());
}

TEST(RateLimit, ACallThatWaitsForAPauseDoesNotBlockTheQueue) {
    CallFlow flow({"us-west", "eu-central"}, {.rate_limit = {.requests = 1, .per = 1s}}, CallFlow::kManual);
    flow.transport.reply("eu-central", "hello").reply_raw("us-west", 429, {{"Retry-After", "30"}}, "");
    flow.transport.reply("us-west", "hello");
    auto throttled = flow.client.chat_async(a_question(), {.regions = {"us-west"}});
    flow.clock.advance(1ms);
    auto waits = flow.client.chat_async(a_question(), {.regions = {"us-west"}});
    flow.clock.advance(2s);
    auto elsewhere = flow.client.chat_async(a_question(), {.regions = {"eu-central"}});
    flow.clock.advance(3s);
    EXPECT_TRUE(is_ready(elsewhere));
    for (int i = 0; i < 40; ++i) flow.clock.advance(1s);
    EXPECT_THAT(elsewhere.get(), IsOk());
    EXPECT_THAT(throttled.get(), IsOk());
    EXPECT_THAT(waits.get(), IsOk());
}

// ---- the gateway's own quota ----

FakeTransport::Headers quota(int limit, int left, std::string reset) {
    return {{"x-ratelimit-limit-requests", std::to_string(limit)},
            {"x-ratelimit-remaining-requests", std::to_string(left)},
            {"x-ratelimit-reset-requests", std::move(reset)}};
}
const std::string kAnswer =
    R"({"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]})";

TEST(GatewayQuota, CallsAreSpacedIfLittleIsLeft) {
    CallFlow flow({"us-west"});
    flow.transport.reply_raw("us-west", 200, quota(100, 10, "20s"), kAnswer);
    for (int i = 0; i < 3; ++i) EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(flow.elapsed(), 4s) << "ten calls in twenty seconds";
}

TEST(GatewayQuota, CallsAreNotSpacedIfEnoughIsLeft) {
    CallFlow flow({"us-west"});
    flow.transport.reply_raw("us-west", 200, quota(100, 11, "20s"), kAnswer);
    for (int i = 0; i < 3; ++i) EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(flow.elapsed(), 0s);
}

TEST(GatewayQuota, TheNextCallUsesAnotherRegionIfNothingIsLeft) {
    CallFlow flow({"us-west", "eu-central"});
    flow.transport.reply_raw("us-west", 200, quota(100, 0, "20s"), kAnswer).reply("eu-central", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(flow.client.chat(a_question())->region, "eu-central");
    EXPECT_EQ(regions_of(flow.client)[0].health.limited_for, 20s);
}

TEST(GatewayQuota, ALimitOfZeroOrLessIsIgnored) {
    CallFlow flow({"us-west"});
    flow.transport.reply_raw("us-west", 200, quota(0, 0, "20s"), kAnswer)
        .reply_raw("us-west", 200, quota(-1, -1, "20s"), kAnswer);
    for (int i = 0; i < 3; ++i) EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(flow.elapsed(), 0s);
}

TEST(GatewayQuota, ALowerLimitThanTheClientsIsAdoptedAndLoggedOnce) {
    CallFlow flow({"us-west"}, {.rate_limit = {.requests = 600, .fail_fast = true}, .log = {.level = LogLevel::info}});
    flow.transport.reply_raw("us-west", 200, quota(2, 1, ""), kAnswer);
    for (int i = 0; i < 2; ++i) EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_THAT(flow.client.chat(a_question()), FailsWith(ErrorCode::rate_limited_locally));
    EXPECT_EQ(std::ranges::count_if(flow.log(), [](const auto& line) { return line.find("adopted") != line.npos; }), 1);
}

TEST(GatewayQuota, ItsLimitIsPerMinuteWhateverTheClientsPeriodIs) {
    CallFlow flow({"us-west"}, {.rate_limit = {.requests = 100, .per = 10s, .fail_fast = true}});
    flow.transport.reply_raw("us-west", 200, quota(12, 11, ""), kAnswer);
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(flow.client.stats().limits.front().requests_limit, 2) << "twelve a minute are two in ten seconds";
}

TEST(GatewayQuota, AnEnormousLimitDoesNotChangeTheClients) {
    for (const auto per : {10s, 60s, 3'600s}) {
        CallFlow flow({"us-west"}, {.rate_limit = {.requests = 100, .per = per, .fail_fast = true}});
        flow.transport.reply_raw("us-west", 200, {{"x-ratelimit-limit-requests", "9223372036854775807"}}, kAnswer);
        for (int i = 0; i < 2; ++i) EXPECT_THAT(flow.client.chat(a_question()), IsOk());
        EXPECT_EQ(flow.client.stats().limits.front().requests_limit, 100);
    }
}

}  // namespace
}  // namespace holysheep::flow
