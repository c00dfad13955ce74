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

TEST(Keys, TheFirstOneIsUsedWhileItIsGood) {
    CallFlow flow({"us-west"}, two_keys());
    flow.transport.reply("us-west", "hello");
    for (int i = 0; i < 2; ++i) EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_THAT(keys_sent(flow), ElementsAre("Bearer sk-first-key", "Bearer sk-first-key"));
}

TEST(Keys, AnAccountWithoutMoneyIsLeftForTheNextOneAndRemembered) {
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

TEST(Keys, WithAllRefusedTheCallFailsAfterOneRequestEach) {
    CallFlow flow({"us-west", "eu-central"}, two_keys());
    flow.transport.reply_raw("us-west", 402, {}, error_body("insufficient_credits"));
    EXPECT_THAT(flow.client.chat(a_question()), FailsWith(ErrorCode::insufficient_quota));
    EXPECT_THAT(flow.attempts(), ElementsAre("us-west", "us-west"));
}

TEST(Keys, AGoodOneIsFoundHoweverManyAreRefusedBeforeIt) {
    ClientOptions options;
    for (int i = 0; i < 8; ++i) options.keys.push_back("sk-key-number-" + std::to_string(i));
    CallFlow flow({"us-west"}, options);
    for (int i = 0; i < 7; ++i) flow.transport.reply_raw("us-west", 401, {}, error_body("invalid_api_key"));
    flow.transport.reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_THAT(keys_sent(flow), SizeIs(8));
    EXPECT_EQ(keys_sent(flow).back(), "Bearer sk-key-number-7");
}

TEST(Keys, AThrottledKeyGivesWayThere) {
    CallFlow flow({"us-west"}, two_keys());
    flow.transport.reply_raw("us-west", 429, {{"Retry-After", "30"}}, "").reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(flow.elapsed(), 0s);
    EXPECT_THAT(keys_sent(flow), ElementsAre("Bearer sk-first-key", "Bearer sk-second-key"));
    flow.clock.advance(30s);
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(keys_sent(flow).back(), "Bearer sk-first-key");
}

TEST(Keys, WithAllThrottledTheFirstThatIsFreeAgainIsWaitedFor) {
    CallFlow flow({"us-west"}, two_keys());
    flow.transport.reply_raw("us-west", 429, {{"Retry-After", "5"}}, "")
        .reply_raw("us-west", 429, {{"Retry-After", "30"}}, "")
        .reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(flow.elapsed(), 5s);
    EXPECT_EQ(keys_sent(flow).back(), "Bearer sk-first-key");
}

TEST(Keys, OneThatAnswersAfterAllIsGoodAgain) {
    CallFlow flow({"us-west"}, two_keys());
    for (int i = 0; i < 2; ++i) flow.transport.reply_raw("us-west", 402, {}, error_body("insufficient_credits"));
    flow.transport.reply("us-west", "hello").reply_raw("us-west", 429, {{"Retry-After", "5"}}, "");
    flow.transport.reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), FailsWith(ErrorCode::insufficient_quota));
    EXPECT_THAT(flow.client.chat(a_question()), IsOk()) << "somebody has paid";
    EXPECT_EQ(flow.client.stats().keys.at(0).refused_with, std::nullopt);
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(flow.elapsed(), 5s) << "it is waited for as for any good key";
}

TEST(Keys, OneWithLittleQuotaLeftComesAfterTheOthers) {
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
    EXPECT_EQ(flow.elapsed(), 0s) << "the other account is not spaced";
    EXPECT_THAT(keys_sent(flow), ElementsAre("Bearer sk-first-key", "Bearer sk-second-key"));
}

TEST(Keys, EachAccountHasItsOwnLimit) {
    auto options = two_keys();
    options.rate_limit = {.requests = 1, .per = 60s};
    CallFlow flow({"us-west"}, options);
    flow.transport.reply_raw("us-west", 429, {}, error_body("insufficient_quota")).reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(flow.elapsed(), 0s);
}

TEST(Keys, ARegionWithItsOwnKeyTakesNoneOfThese) {
    auto options = two_keys();
    options.regions = FakeTransport::regions({"us-west"});
    options.regions[0].api_key = "sk-regional-key";
    CallFlow flow({}, options);
    flow.transport.reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_THAT(keys_sent(flow), ElementsAre("Bearer sk-regional-key"));
}

TEST(Keys, NoneOfThemIsEverShown) {
    CallFlow flow({"us-west"}, two_keys());
    flow.transport.reply_raw("us-west", 401, {}, error_body("x", "y", "bad key sk-second-key or sk-first-key"));
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, FailsWith(ErrorCode::unauthenticated));
    EXPECT_THAT(reply.error().message + reply.error().raw_body, Not(HasSubstr("-key")));
    EXPECT_THAT(flow.client.stats().to_json(), Not(HasSubstr("sk-")));
}

// ---- a call's own key ----

CallOptions with_own_key() { return {.headers = {{"authorization", "Bearer sk-of-a-tenant"}}}; }

TEST(OwnKey, ItsRefusalSaysNothingAboutTheClients) {
    CallFlow flow({"us-west"}, two_keys());
    flow.transport.reply_raw("us-west", 401, {}, error_body("invalid_api_key")).reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question(), with_own_key()), FailsWith(ErrorCode::unauthenticated));
    EXPECT_THAT(flow.attempts(), SizeIs(1)) << "another key of the client's would not be sent";
    EXPECT_THAT(flow.client.stats().keys, SizeIs(0));
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(keys_sent(flow).back(), "Bearer sk-first-key");
}

TEST(OwnKey, IsAnAccountOfItsOwn) {
    CallFlow flow({"us-west"}, {.rate_limit = {.requests = 1, .fail_fast = true}});
    flow.transport.reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question(), with_own_key()), IsOk());
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_THAT(flow.client.chat(a_question(), with_own_key()), FailsWith(ErrorCode::rate_limited_locally));
}

TEST(OwnKey, IsSentWithoutAskingTheCallback) {
    int asked = 0;
    CallFlow flow({"us-west"}, {.key_source = [&] { return "sk-key-number-" + std::to_string(++asked); },
                                .callback_executor = run_inline});
    flow.transport.reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question(), with_own_key()), IsOk());
    EXPECT_EQ(asked, 0);
}

TEST(OwnKey, ItsPauseIsNobodyElses) {
    CallFlow flow({"us-west"});
    flow.transport.reply_raw("us-west", 429, {{"Retry-After", "30"}}, "").reply("us-west", "hello");
    auto own = with_own_key();
    own.deadline = 1s;
    EXPECT_THAT(flow.client.chat(a_question(), own), FailsWith(ErrorCode::rate_limited));
    const auto before = flow.elapsed();
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(flow.elapsed(), before);
}

TEST(OwnKey, ItsQuotaSpacesNobodyElse) {
    CallFlow flow({"us-west"});
    flow.transport
        .reply_raw(
            "us-west", 200,
            {{"x-ratelimit-limit-requests", "100"},
             {"x-ratelimit-remaining-requests", "0"},
             {"x-ratelimit-reset-requests", "20s"}},
            R"({"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]})")
        .reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question(), with_own_key()), IsOk());
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(flow.elapsed(), 0s);
}

// ---- key_source ----

TEST(KeySource, IsAskedOnceAndItsKeyKept) {
    int asked = 0;
    CallFlow flow({"us-west"}, {.key_source =
                                    [&] {
                                        ++asked;
                                        return std::string(" sk-fetched-key\n");
                                    },
                                .callback_executor = run_inline});
    flow.transport.reply("us-west", "hello");
    for (int i = 0; i < 2; ++i) EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(asked, 1);
    EXPECT_THAT(keys_sent(flow), ElementsAre("Bearer sk-fetched-key", "Bearer sk-fetched-key"));
}

TEST(KeySource, IsAskedAgainAfterA401Once) {
    int asked = 0;
    CallFlow flow({"us-west"}, {.key_source = [&] { return "sk-key-number-" + std::to_string(++asked); },
                                .callback_executor = run_inline});
    flow.transport.reply_raw("us-west", 401, {}, error_body("invalid_api_key")).reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_THAT(keys_sent(flow), ElementsAre("Bearer sk-key-number-1", "Bearer sk-key-number-2"));
    flow.transport.clear("us-west").reply_raw("us-west", 401, {}, error_body("invalid_api_key"));
    EXPECT_THAT(flow.client.chat(a_question()), FailsWith(ErrorCode::unauthenticated));
    EXPECT_EQ(asked, 3) << "a call does not ask for ever";
}

TEST(KeySource, TheRefusalOfAnOldKeySaysNothingAboutItsSuccessor) {
    int asked = 0;
    CallFlow flow(
        {"us-west"},
        {.key_source = [&] { return "sk-key-number-" + std::to_string(++asked); }, .callback_executor = run_inline},
        CallFlow::kManual);
    for (const auto late : {10ms, 500ms}) {
        flow.transport.reply_raw("us-west", 401, {}, error_body("invalid_api_key"), {.first_byte = late});
    }
    flow.transport.reply("us-west", "hello");
    auto one = flow.client.chat_async(a_question());
    auto other = flow.client.chat_async(a_question());
    for (int i = 0; i < 20; ++i) flow.clock.advance(100ms);
    EXPECT_THAT(one.get(), IsOk());
    EXPECT_THAT(other.get(), IsOk());
    EXPECT_EQ(asked, 2);
}

TEST(KeySource, CallsWaitForItTogether) {
    std::function<void()> late;
    int asked = 0;
    CallFlow flow({"us-west"},
                  {.key_source =
                       [&] {
                           ++asked;
                           return std::string("sk-fetched-key");
                       },
                   .callback_executor =
                       [&](std::function<void()> run) {
                           if (asked == 0 && !late) {
                               late = std::move(run);
                           } else {
                               run();
                           }
                       }},
                  CallFlow::kManual);
    flow.transport.reply("us-west", "hello");
    auto one = flow.client.chat_async(a_question());
    auto other = flow.client.chat_async(a_question());
    flow.clock.advance(1s);
    EXPECT_THAT(flow.attempts(), SizeIs(0));
    ASSERT_TRUE(late);
    late();
    flow.clock.advance(0s);
    EXPECT_THAT(one.get(), IsOk());
    EXPECT_THAT(other.get(), IsOk());
    EXPECT_EQ(asked, 1);
}

TEST(KeySource, AnExecutorMayAskItAfterTheClientsEnd) {
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

TEST(KeySource, OneThatThrowsFailsTheCallAndSaysSo) {
    int asked = 0;
    CallFlow flow({"us-west"}, {.key_source = [&]() -> std::string {
                                    if (++asked == 1) throw std::runtime_error("the vault is sealed");
                                    return "sk-fetched-key";
                                },
                                .callback_executor = run_inline});
    flow.transport.reply("us-west", "hello");
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, FailsWith(ErrorCode::unauthenticated));
    EXPECT_THAT(reply.error().message, HasSubstr("the vault is sealed"));
    EXPECT_THAT(flow.client.chat(a_question()), IsOk()) << "the next call asks again";
}

TEST(KeySource, AKeyThatCannotBeSentIsRefused) {
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
