// Regions that refuse some calls for load and serve others get fewer requests, not none, and calls queue.
#include <algorithm>
#include <map>
#include <optional>
#include <string_view>

#include "region_flow.hpp"

namespace holysheep::flow {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::SizeIs;

const FakeTransport::Headers kQuotaExhausted{
    {"Retry-After", "9"}, {"x-ratelimit-limit-requests", "10"}, {"x-ratelimit-remaining-requests", "0"}};

/// Regions that serve a fixed number of requests at a time, in 100 ms each, and answer 503 to the others.
class SlotTransport final : public Transport {
  public:
    explicit SlotTransport(Clock& clock) : fake(clock), clock_(clock) {}

    TransferId start(HttpRequest request, TransferEvents& events) override {
        const auto host = request.url.substr(request.url.find("//") + 2);
        const auto region = host.substr(0, host.find('.'));
        auto& busy = busy_until_[region];
        std::erase_if(busy, [&](auto until) { return until <= clock_.now(); });
        const bool full = static_cast<int>(busy.size()) >= slots;
        ++sent;
        fake.clear(region);
        if (full || (refuse_every > 0 && sent % refuse_every == 0)) {
            fake.reply_raw(region, 503, headers, "");
        } else {
            fake.reply(region, "hello", {.first_byte = 100ms});
            busy.push_back(clock_.now() + 100ms);
        }
        return fake.start(std::move(request), events);
    }
    void cancel(TransferId id) override { fake.cancel(id); }
    void pause(TransferId id) override { fake.pause(id); }
    void resume(TransferId id) override { fake.resume(id); }
    std::optional<PathEvidence> evidence(TransferId id) const override { return fake.evidence(id); }

    FakeTransport fake;
    int slots = 4, sent = 0, refuse_every = 0;
    FakeTransport::Headers headers;

  private:
    Clock& clock_;
    std::map<std::string, std::vector<Clock::time_point>> busy_until_;
};

/// A client with three such regions, and calls at a steady rate.
class SlotFlow {
  public:
    explicit SlotFlow(FakeTransport::Headers headers = {}) { transport->headers = std::move(headers); }

    void ask(const CallOptions& call = {}) {
        if (!client) client.emplace(options());
        client->chat_async(a_question(), call, [this](const Result<ChatCompletion>& result) {
            ++(result ? answered : failed);
            if (!result) errors.push_back(result.error().message);
        });
        ++started;
    }
    void burst(int calls) {
        for (int i = 0; i < calls; ++i) ask();
    }
    void run(int per_second, std::chrono::seconds length, const CallOptions& call = {}) {
        const int calls = per_second * static_cast<int>(length.count());
        for (int i = 0; i < calls; ++i) {
            ask(call);
            clock->advance(nanoseconds(1s) / per_second);
            // Drop finished requests, which the test does not look at.
            if (i % 100 == 99 && transport->fake.open_transfers() == 0) transport->fake.clear_requests();
        }
    }
    double attempts_per_call() const { return static_cast<double>(transport->sent) / started; }

    std::shared_ptr<FakeClock> clock = std::make_shared<FakeClock>(FakeClock::Mode::manual);
    std::shared_ptr<SlotTransport> transport = std::make_shared<SlotTransport>(*clock);
    ConcurrencyOptions concurrency{};
    RetryOptions retry{};
    int started = 0, answered = 0, failed = 0;
    std::vector<std::string> errors;
    std::optional<Client> client{};  // declared last: its destructor reports calls in flight

  private:
    ClientOptions options() const {
        ClientOptions options{.api_key = "sk-test-key", .regions = FakeTransport::regions({kUs, kEu, kAp})};
        options.health.enabled = false;
        options.retry = retry;
        options.concurrency = concurrency;
        options.log.level = LogLevel::off;
        options.transport = transport;
        options.clock = clock;
        options.seed = 7;
        options.callback_executor = run_inline;
        return options;
    }
};

TEST(Overload, RegionsServeEveryCallWithinTheirCapacity) {
    const FakeTransport::Headers all_headers[] = {{}, {{"Retry-After", "1"}}};
    for (const auto& headers : all_headers) {
        for (const int per_second : {84, 108}) {  // of 120 that can be served
            SlotFlow flow(headers);
            flow.run(per_second, 20s);
            flow.clock->advance(10s);
            EXPECT_EQ(flow.answered, flow.started) << per_second << ": " << flow.failed << " failed";
            EXPECT_LE(flow.attempts_per_call(), 1.3) << per_second;
        }
    }
}

TEST(Overload, StatsShowTheLoadLimitOfARegion) {
    SlotFlow flow;
    flow.run(60, 5s);
    for (const auto& region : flow.client->stats().regions) EXPECT_EQ(region.health.load_limit, std::nullopt);
    flow.run(200, 5s);  // of 120 that can be served
    for (const auto& region : flow.client->stats().regions) {
        EXPECT_GE(region.health.load_limit.value_or(0), 3);
        EXPECT_LE(region.health.load_limit.value_or(0), 6) << "four slots";
        EXPECT_THAT(region.health.reason, HasSubstr(" requests at a time"));
    }
}

TEST(Overload, CallsBeyondTheCapacityQueue) {
    SlotFlow flow;
    flow.run(150, 20s);
    EXPECT_GE(flow.answered, 0.9 * 120 * 20);
    flow.clock->advance(30s);
    EXPECT_EQ(flow.answered, flow.started)
        << "calls wait within retry.max_wait; first error: " << (flow.errors.empty() ? "" : flow.errors.front());
    EXPECT_LE(flow.attempts_per_call(), 1.6);
}

TEST(Overload, ATenthOfRequestsRefusedCostsATenthMoreAttempts) {
    SlotFlow flow(FakeTransport::Headers{{"Retry-After", "1"}});
    flow.transport->slots = 1000;
    flow.transport->refuse_every = 10;
    flow.run(110, 10s);
    flow.clock->advance(10s);
    EXPECT_EQ(flow.answered, flow.started);
    EXPECT_LE(flow.attempts_per_call(), 1.15);
}

TEST(Overload, ABurstDoesNotOpenTheBreakersOfFullRegions) {
    SlotFlow flow;
    flow.retry.max_wait = 60s;
    flow.burst(60);
    flow.clock->advance(60s);
    EXPECT_EQ(flow.answered, 60) << (flow.errors.empty() ? "" : flow.errors.front());
    for (const auto& region : flow.client->stats().regions) EXPECT_EQ(region.health.breaker, BreakerState::closed);
}

TEST(Overload, MaxWaitEndsTheWait) {
    SlotFlow flow;
    flow.retry.max_wait = 2s;
    flow.run(300, 10s);
    flow.clock->advance(10s);
    EXPECT_EQ(flow.answered + flow.failed, flow.started);
    EXPECT_GE(flow.answered, 1000);
    EXPECT_THAT(flow.errors,
                Contains(AllOf(HasSubstr("every region refuses further load"), HasSubstr("(retry.max_wait)"))));
}

TEST(Overload, AFailFastCallFailsAtOnce) {
    SlotFlow flow;
    flow.run(300, 5s, {.fail_fast = true});
    EXPECT_LE(flow.started - flow.answered - flow.failed, 40) << "calls in flight or in back-off";
    EXPECT_THAT(flow.errors, Contains(HasSubstr("CallOptions::fail_fast forbids waiting")));
}

// ---- hints ----

TEST(Overload, ARetryAfterOfOneCallDoesNotPauseOthers) {
    CallFlow flow({kUs, kEu});
    flow.transport.reply(kUs, "a").reply_raw(kUs, 429, {{"Retry-After", "30"}}, "").reply(kUs, "b");
    flow.transport.reply(kEu, "c");
    for (const auto& region : {kUs, kEu, kUs}) EXPECT_EQ(flow.client.chat(a_question())->region, region);
}

TEST(Overload, ARetryAfterOfAnExhaustedQuotaPausesOthers) {
    CallFlow flow({kUs, kEu});
    flow.transport.reply(kUs, "a").reply_raw(kUs, 429, kQuotaExhausted, "").reply(kUs, "b");
    flow.transport.reply(kEu, "c");
    for (const auto& region : {kUs, kEu, kEu}) EXPECT_EQ(flow.client.chat(a_question())->region, region);
    EXPECT_EQ(flow.client.stats().regions[0].health.limited_for, 9s);
}

TEST(Overload, ARetryAfterWithARequestErrorDoesNotPauseTheRegion) {
    for (const int status : {400, 404, 409, 422}) {
        CallFlow flow({kUs});
        flow.transport.reply_raw(kUs, status, {{"Retry-After", "30"}}, "").reply(kUs, "hello");
        (void)flow.client.chat(a_question(), {.retry = RetryOptions{.max_attempts = 1}});
        EXPECT_EQ(flow.client.stats().regions[0].health.limited_for, std::nullopt) << status;
    }
}

TEST(Overload, RetryAfterTakesPrecedenceOverTheResetHeader) {
    CallFlow flow({kUs});
    auto headers = kQuotaExhausted;
    headers[0].second = "1";
    headers.emplace_back("x-ratelimit-reset-requests", "30s");
    flow.transport.reply_raw(kUs, 429, headers, "").reply(kUs, "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(flow.elapsed(), 1s);
}

TEST(Overload, WithoutAUsableRetryAfterThePauseGrows) {
    for (const auto* hint : {"", "0", "Wed, 21 Oct 2015 07:28:00 GMT"}) {
        CallFlow flow({kUs}, {.retry = {.throttle_backoff = 0ms}});
        FakeTransport::Headers headers;
        if (*hint != '\0') headers.emplace_back("Retry-After", hint);
        flow.transport.reply_raw(kUs, 429, headers, "");
        const auto reply = flow.client.chat(a_question());
        ASSERT_FALSE(reply);
        auto shortest = 200ms;
        const auto& attempts = reply.error().attempts;
        ASSERT_GE(attempts.size(), 3U) << hint;
        for (std::size_t i = 1; i < attempts.size(); ++i, shortest *= 2) {
            EXPECT_GE(attempts[i].started - attempts[i - 1].started, std::min(shortest, 5'000ms)) << hint << ' ' << i;
        }
    }
}

TEST(Overload, WithoutTheAdaptiveLimitCallsFailAndCostMoreAttempts) {
    SlotFlow with, without;
    without.concurrency.adaptive = false;
    for (auto* flow : {&with, &without}) {
        flow->run(180, 10s);
        flow->clock->advance(20s);
    }
    EXPECT_EQ(with.failed, 0);
    EXPECT_GT(without.failed, 0);
    EXPECT_GT(without.attempts_per_call(), with.attempts_per_call());
}

TEST(Overload, AttemptsStayBoundedIfAllRegionsThrottle) {
    CallFlow flow({kUs, kEu, kAp}, {}, CallFlow::kManual);
    for (const auto& region : {kUs, kEu, kAp}) flow.transport.reply_raw(region, 429, {}, "", {.first_byte = 20ms});
    std::vector<std::future<Result<ChatCompletion>>> calls;
    for (int i = 0; i < 60; ++i) calls.push_back(flow.client.chat_async(a_question(), {.deadline = 3s}));
    flow.clock.advance(4s);
    for (auto& call : calls) EXPECT_FALSE(call.get());
    EXPECT_LE(flow.attempts().size(), 1.25 * 60 + 25);
}

TEST(Overload, TheOtherRegionAnswersAllCallsIfOneThrottles) {
    CallFlow flow({kUs, kEu}, {}, CallFlow::kManual);
    flow.transport.reply_raw(kUs, 429, {}, "", {.first_byte = 20ms}).reply(kEu, "hello", {.first_byte = 100ms});
    std::vector<std::future<Result<ChatCompletion>>> calls;
    for (int i = 0; i < 100; ++i) calls.push_back(flow.client.chat_async(a_question()));
    flow.clock.advance(2s);
    for (auto& call : calls) EXPECT_THAT(call.get(), IsOk());
    EXPECT_LE(flow.attempts().size(), 220U);
}

// ---- a request that makes every region fail ----

TEST(PoisonRequest, ThatFailsEverywhereCountsAgainstNoRegion) {
    CallFlow flow({kUs, kEu, kAp});
    for (const auto& region : {kUs, kEu, kAp}) flow.transport.reply_raw(region, 500, {}, "");
    for (int i = 0; i < 20; ++i) {
        const auto reply = flow.client.chat(a_question());
        ASSERT_FALSE(reply);
        EXPECT_THAT(reply.error().attempts, SizeIs(3));
    }
    for (const auto& region : flow.client.stats().regions) EXPECT_EQ(region.health.breaker, BreakerState::closed);
}

TEST(PoisonRequest, ThatAnotherRegionAnswersCountsAgainstTheFirst) {
    for (const bool stream : {false, true}) {
        CallFlow flow({kUs, kEu});
        flow.transport.reply_raw(kUs, 500, {}, "").reply(kEu, "hello");
        for (int i = 0; i < 5; ++i) {
            const auto reply = stream ? flow.client.stream(a_question()).finish() : flow.client.chat(a_question());
            EXPECT_THAT(reply, IsOk());
        }
        EXPECT_EQ(flow.client.stats().regions[0].health.breaker, BreakerState::open);
    }
}

TEST(PoisonRequest, ThatAnotherModelAnswersCountsAgainstNoRegion) {
    CallFlow flow({kUs, kEu}, {.fallback_models = {"other"}});
    for (const auto& region : {kUs, kEu}) {
        for (int i = 0; i < 6; ++i) flow.transport.reply_raw(region, 500, {}, "").reply(region, "hello");
    }
    for (int i = 0; i < 5; ++i) (void)flow.client.chat(a_question());
    for (const auto& region : flow.client.stats().regions) EXPECT_EQ(region.health.breaker, BreakerState::closed);
}

}  // namespace
}  // namespace holysheep::flow
