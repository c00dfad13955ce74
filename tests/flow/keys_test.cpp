// Several accounts, and keys from a callback.
#include <atomic>
#include <stdexcept>

#include "call_flow.hpp"

namespace holysheep::flow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

std::vector<std::string> keys_sent(const CallFlow& flow) {
    std::vector<std::string> keys;
    for (const auto& request : flow.requests()) keys.push_back(header(request, "Authorization"));
    return keys;
}

ClientOptions two_keys() { return {.keys = {"sk-first-key", "sk-second-key"}}; }

TEST(Keys, TheFirstKeyIsUsedWhileItWorks) {
    CallFlow flow({"us-west"}, two_keys());
    flow.transport.reply("us-west", "hello");
    for (int i = 0; i < 2; ++i) EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_THAT(keys_sent(flow), ElementsAre("Bearer sk-first-key", "Bearer sk-first-key"));
}

TEST(Keys, AnAccountWithoutQuotaIsSkippedAndRemembered) {
    CallFlow flow({"us-west"}, two_keys());
    flow.transport.reply_raw("us-west", 429, {}, error_body("insufficient_quota")).reply("us-west", "hello");
    for (int i = 0; i < 2; ++i) EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_THAT(keys_sent(flow), ElementsAre("Bearer sk-first-key", "Bearer sk-second-key", "Bearer sk-second-key"));
    const auto stats = flow.client.stats();
    ASSERT_THAT(stats.keys, SizeIs(1));
    EXPECT_EQ(stats.keys[0].refused_with, ErrorCode::insufficient_quota);
    EXPECT_EQ(stats.keys[0].refused_for, 0s);
}

TEST(Keys, ARefusedKeyIsTriedAgainAfterTenMinutes) {
    CallFlow flow({"us-west"}, two_keys());
    flow.transport.reply_raw("us-west", 401, {}, error_body("invalid_api_key")).reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    flow.clock.advance(10min);
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(keys_sent(flow).back(), "Bearer sk-first-key");
}

TEST(Keys, IfAllAreRefusedTheCallFailsAfterOneRequestEach) {
    CallFlow flow({"us-west", "eu-central"}, two_keys());
    flow.transport.reply_raw("us-west", 402, {}, error_body("insufficient_credits"));
    EXPECT_THAT(flow.client.chat(a_question()), FailsWith(ErrorCode::insufficient_quota));
    EXPECT_THAT(flow.attempts(), ElementsAre("us-west", "us-west"));
}

TEST(Keys, AValidKeyIsFoundAfterAnyNumberOfRefusals) {
    ClientOptions options;
    for (int i = 0; i < 8; ++i) options.keys.push_back("sk-key-number-" + std::to_string(i));
    CallFlow flow({"us-west"}, options);
    for (int i = 0; i < 7; ++i) flow.transport.reply_raw("us-west", 401, {}, error_body("invalid_api_key"));
    flow.transport.reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_THAT(keys_sent(flow), SizeIs(8));
    EXPECT_EQ(keys_sent(flow).back(), "Bearer sk-key-number-7");
}

TEST(Keys, AThrottledKeyIsReplacedUntilItsRetryAfter) {
    CallFlow flow({"us-west"}, two_keys());
    flow.transport.reply_raw("us-west", 429, {{"Retry-After", "30"}}, "").reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(flow.elapsed(), 0s);
    EXPECT_THAT(keys_sent(flow), ElementsAre("Bearer sk-first-key", "Bearer sk-second-key"));
    flow.clock.advance(30s);
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(keys_sent(flow).back(), "Bearer sk-first-key");
}

TEST(Keys, IfAllAreThrottledTheShortestRetryAfterIsWaitedOut) {
    CallFlow flow({"us-west"}, two_keys());
    flow.transport.reply_raw("us-west", 429, {{"Retry-After", "5"}}, "")
        .reply_raw("us-west", 429, {{"Retry-After", "30"}}, "")
        .reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(flow.elapsed(), 5s);
    EXPECT_EQ(keys_sent(flow).back(), "Bearer sk-first-key");
}

TEST(Keys, ARefusedKeyThatIsAcceptedAgainIsValid) {
    CallFlow flow({"us-west"}, two_keys());
    for (int i = 0; i < 2; ++i) flow.transport.reply_raw("us-west", 402, {}, error_body("insufficient_credits"));
    flow.transport.reply("us-west", "hello").reply_raw("us-west", 429, {{"Retry-After", "5"}}, "");
    flow.transport.reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), FailsWith(ErrorCode::insufficient_quota));
    EXPECT_THAT(flow.client.chat(a_question()), IsOk()) << "the account has credit again";
    EXPECT_EQ(flow.client.stats().keys.at(0).refused_with, std::nullopt);
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(flow.elapsed(), 5s) << "a throttled valid key is waited for";
}

TEST(Keys, AKeyWithLittleQuotaLeftIsUsedAfterTheOthers) {
    CallFlow flow({"us-west"}, two_keys());
    const std::string answer =
        R"({"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]})";
    flow.transport
        .reply_raw("us-west", 200,
                   {{"x-ratelimit-limit-requests", "100"},
                    {"x-ratelimit-remaining-requests", "5"},
                    {"x-ratelimit-reset-requests", "60s"}},
                   answer)
        .reply("us-west", "hello");
    for (int i = 0; i < 2; ++i) EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(flow.elapsed(), 0s) << "calls with the other key are not delayed";
    EXPECT_THAT(keys_sent(flow), ElementsAre("Bearer sk-first-key", "Bearer sk-second-key"));
}

TEST(Keys, EachAccountHasItsOwnRateLimit) {
    auto options = two_keys();
    options.rate_limit = {.requests = 1, .per = 60s};
    CallFlow flow({"us-west"}, options);
    flow.transport.reply_raw("us-west", 429, {}, error_body("insufficient_quota")).reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(flow.elapsed(), 0s);
}

TEST(Keys, ARegionWithItsOwnKeyUsesNoneOfTheClients) {
    auto options = two_keys();
    options.regions = FakeTransport::regions({"us-west"});
    options.regions[0].api_key = "sk-regional-key";
    CallFlow flow({}, options);
    flow.transport.reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_THAT(keys_sent(flow), ElementsAre("Bearer sk-regional-key"));
}

TEST(Keys, AreNeverShown) {
    CallFlow flow({"us-west"}, two_keys());
    flow.transport.reply_raw("us-west", 401, {}, error_body("x", "y", "bad key sk-second-key or sk-first-key"));
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, FailsWith(ErrorCode::unauthenticated));
    EXPECT_THAT(reply.error().message + reply.error().raw_body, Not(HasSubstr("-key")));
    EXPECT_THAT(flow.client.stats().to_json(), Not(HasSubstr("sk-")));
}

// ---- a key in the options of a call ----

CallOptions with_call_key() { return {.headers = {{"authorization", "Bearer sk-of-a-tenant"}}}; }

TEST(CallKey, ARefusalDoesNotAffectTheClientsKeys) {
    CallFlow flow({"us-west"}, two_keys());
    flow.transport.reply_raw("us-west", 401, {}, error_body("invalid_api_key")).reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question(), with_call_key()), FailsWith(ErrorCode::unauthenticated));
    EXPECT_THAT(flow.attempts(), SizeIs(1)) << "the client's other keys are not tried";
    EXPECT_THAT(flow.client.stats().keys, SizeIs(0));
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(keys_sent(flow).back(), "Bearer sk-first-key");
}

TEST(CallKey, HasItsOwnRateLimit) {
    CallFlow flow({"us-west"}, {.rate_limit = {.requests = 1, .fail_fast = true}});
    flow.transport.reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question(), with_call_key()), IsOk());
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_THAT(flow.client.chat(a_question(), with_call_key()), FailsWith(ErrorCode::rate_limited_locally));
}

TEST(CallKey, IsSentWithoutCallingKeySource) {
    int fetches = 0;
    CallFlow flow({"us-west"}, {.key_source = [&] { return "sk-key-number-" + std::to_string(++fetches); },
                                .callback_executor = run_inline});
    flow.transport.reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question(), with_call_key()), IsOk());
    EXPECT_EQ(fetches, 0);
}

TEST(CallKey, ItsRetryAfterDoesNotDelayOtherCalls) {
    CallFlow flow({"us-west"});
    flow.transport.reply_raw("us-west", 429, {{"Retry-After", "30"}}, "").reply("us-west", "hello");
    auto own = with_call_key();
    own.deadline = 1s;
    EXPECT_THAT(flow.client.chat(a_question(), own), FailsWith(ErrorCode::rate_limited));
    const auto before = flow.elapsed();
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(flow.elapsed(), before);
}

TEST(CallKey, ItsQuotaDoesNotDelayOtherCalls) {
    CallFlow flow({"us-west"});
    flow.transport
        .reply_raw(
            "us-west", 200,
            {{"x-ratelimit-limit-requests", "100"},
             {"x-ratelimit-remaining-requests", "0"},
             {"x-ratelimit-reset-requests", "20s"}},
            R"({"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]})")
        .reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question(), with_call_key()), IsOk());
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(flow.elapsed(), 0s);
}

// ---- key_source ----

TEST(KeySource, IsCalledOnceAndItsKeyIsKept) {
    int fetches = 0;
    CallFlow flow({"us-west"}, {.key_source =
                                    [&] {
                                        ++fetches;
                                        return std::string(" sk-fetched-key\n");
                                    },
                                .callback_executor = run_inline});
    flow.transport.reply("us-west", "hello");
    for (int i = 0; i < 2; ++i) EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(fetches, 1);
    EXPECT_THAT(keys_sent(flow), ElementsAre("Bearer sk-fetched-key", "Bearer sk-fetched-key"));
}

TEST(KeySource, IsCalledAgainOnceAfterA401) {
    int fetches = 0;
    CallFlow flow({"us-west"}, {.key_source = [&] { return "sk-key-number-" + std::to_string(++fetches); },
                                .callback_executor = run_inline});
    flow.transport.reply_raw("us-west", 401, {}, error_body("invalid_api_key")).reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_THAT(keys_sent(flow), ElementsAre("Bearer sk-key-number-1", "Bearer sk-key-number-2"));
    flow.transport.clear("us-west").reply_raw("us-west", 401, {}, error_body("invalid_api_key"));
    EXPECT_THAT(flow.client.chat(a_question()), FailsWith(ErrorCode::unauthenticated));
    EXPECT_EQ(fetches, 3) << "a call fetches a new key once";
}

TEST(KeySource, ARefusalOfAnOldKeyDoesNotAffectItsSuccessor) {
    int fetches = 0;
    CallFlow flow(
        {"us-west"},
        {.key_source = [&] { return "sk-key-number-" + std::to_string(++fetches); }, .callback_executor = run_inline},
        CallFlow::kManual);
    for (const auto late : {10ms, 500ms}) {
        flow.transport.reply_raw("us-west", 401, {}, error_body("invalid_api_key"), {.first_byte = late});
    }
    flow.transport.reply("us-west", "hello");
    auto first = flow.client.chat_async(a_question());
    auto second = flow.client.chat_async(a_question());
    for (int i = 0; i < 20; ++i) flow.clock.advance(100ms);
    EXPECT_THAT(first.get(), IsOk());
    EXPECT_THAT(second.get(), IsOk());
    EXPECT_EQ(fetches, 2);
}

TEST(KeySource, ConcurrentCallsShareOneFetch) {
    std::function<void()> late;
    int fetches = 0;
    CallFlow flow({"us-west"},
                  {.key_source =
                       [&] {
                           ++fetches;
                           return std::string("sk-fetched-key");
                       },
                   .callback_executor =
                       [&](std::function<void()> run) {
                           if (fetches == 0 && !late) {
                               late = std::move(run);
                           } else {
                               run();
                           }
                       }},
                  CallFlow::kManual);
    flow.transport.reply("us-west", "hello");
    auto first = flow.client.chat_async(a_question());
    auto second = flow.client.chat_async(a_question());
    flow.clock.advance(1s);
    EXPECT_THAT(flow.attempts(), SizeIs(0));
    ASSERT_TRUE(late);
    late();
    flow.clock.advance(0s);
    EXPECT_THAT(first.get(), IsOk());
    EXPECT_THAT(second.get(), IsOk());
    EXPECT_EQ(fetches, 1);
}

TEST(KeySource, AnExecutorMayCallItAfterTheClientWasDestroyed) {
    std::vector<std::function<void()>> late;
    {
        CallFlow flow({"us-west"},
                      {.key_source = [] { return std::string("sk-fetched-key"); },
                       .callback_executor = [&](std::function<void()> run) { late.push_back(std::move(run)); }},
                      CallFlow::kManual);
        auto call = flow.client.chat_async(a_question());
        flow.clock.advance(1s);
        ASSERT_FALSE(late.empty());
    }
    for (const auto& run : late) run();
}

TEST(KeySource, AnExceptionFailsTheCallWithItsMessage) {
    int fetches = 0;
    CallFlow flow({"us-west"}, {.key_source = [&]() -> std::string {
                                    if (++fetches == 1) throw std::runtime_error("the vault is sealed");
                                    return "sk-fetched-key";
                                },
                                .callback_executor = run_inline});
    flow.transport.reply("us-west", "hello");
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, FailsWith(ErrorCode::unauthenticated));
    EXPECT_THAT(reply.error().message, HasSubstr("the vault is sealed"));
    EXPECT_THAT(flow.client.chat(a_question()), IsOk()) << "the next call fetches again";
}

TEST(KeySource, AnInvalidKeyIsRefused) {
    CallFlow flow({"us-west"},
                  {.key_source = [] { return std::string("sk-with a space"); }, .callback_executor = run_inline});
    flow.transport.reply("us-west", "hello");
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, FailsWith(ErrorCode::unauthenticated));
    EXPECT_THAT(reply.error().message, HasSubstr("white space"));
    EXPECT_THAT(flow.attempts(), SizeIs(0));
}

TEST(KeySource, ItsKeyIsNeverShown) {
    CallFlow flow({"us-west"}, {.key_source = [] { return std::string("sk-fetched-key"); },
                                .log = {.level = LogLevel::trace, .bodies = true},
                                .callback_executor = run_inline});
    flow.transport.reply_raw("us-west", 403, {}, error_body("x", "y", "no rights for sk-fetched-key"));
    const auto reply = flow.client.chat(a_question());
    EXPECT_THAT(reply.error().message + reply.error().raw_body, Not(HasSubstr("fetched")));
    for (const auto& line : flow.log()) EXPECT_THAT(line, Not(HasSubstr("fetched")));
}

}  // namespace
}  // namespace holysheep::flow
