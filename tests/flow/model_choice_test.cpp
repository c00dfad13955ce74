// Which model is asked: rules apply before the call, fallbacks during it.
#include <stdexcept>

#include "call_flow.hpp"

namespace holysheep::flow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

ClientOptions with_fallback(std::string model = "deepseek-v3.2") {
    ClientOptions options;
    options.fallback_models = {std::move(model)};
    return options;
}

std::vector<std::string> models_of(const ChatCompletion& completion) {
    std::vector<std::string> models;
    for (const auto& attempt : completion.attempts) models.push_back(attempt.region + ":" + attempt.model);
    return models;
}

TEST(FallbackModels, AMissingModelIsReplaced) {
    CallFlow flow({"us-west"}, with_fallback());
    flow.transport.reply_raw("us-west", 404, {}, error_body("model_not_found")).reply("us-west", "hello");
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, IsOk());
    EXPECT_THAT(models_of(*reply), ElementsAre("us-west:gpt-4.1", "us-west:deepseek-v3.2"));
    EXPECT_EQ(reply->attempts[1].kind, AttemptKind::fallback_model);
    EXPECT_EQ(reply->requested_model, "gpt-4.1");
    EXPECT_EQ(reply->model_reason, "fallback: gpt-4.1 failed with model_not_found");
}

TEST(FallbackModels, ATooLongPromptSkipsWindowsKnownToBeTooSmall) {
    auto options = with_fallback();
    options.fallback_models = {"small", "unknown", "large"};
    options.models = {{"gpt-4.1", {.context_window = 8'000}},
                      {"small", {.context_window = 4'000}},
                      {"large", {.context_window = 100'000}}};
    CallFlow flow({"us-west"}, options);
    auto question = a_question();
    question.model = "unlisted";
    flow.transport.reply_raw("us-west", 400, {}, error_body("context_length_exceeded")).reply("us-west", "hello");
    const auto reply = flow.client.chat(question);
    ASSERT_THAT(reply, IsOk());
    EXPECT_THAT(models_of(*reply), ElementsAre("us-west:unlisted", "us-west:small"))
        << "the window of the requested model is unknown";
    options.models["unlisted"] = {.context_window = 8'000};
    CallFlow known({"us-west"}, options);
    known.transport.reply_raw("us-west", 400, {}, error_body("context_length_exceeded")).reply("us-west", "hello");
    EXPECT_THAT(models_of(*known.client.chat(question)), ElementsAre("us-west:unlisted", "us-west:unknown"));
}

TEST(FallbackModels, ErrorsThatEveryModelWouldReturnAreFinal) {
    for (const auto& [status, code] : {std::pair{400, "invalid_value"},
                                       {401, "invalid_api_key"},
                                       {402, "insufficient_credits"},
                                       {400, "content_filter"}}) {
        CallFlow flow({"us-west"}, with_fallback());
        flow.transport.reply_raw("us-west", status, {}, error_body(code));
        EXPECT_FALSE(flow.client.chat(a_question()));
        EXPECT_THAT(flow.attempts(), SizeIs(1)) << code;
    }
}

TEST(FallbackModels, AreNotTriedIfTheNetworkIsDown) {
    CallFlow flow({"us-west", "eu-central"}, with_fallback());
    flow.transport.fail("us-west", ErrorCode::transport_failed).fail("eu-central", ErrorCode::transport_failed);
    const auto reply = flow.client.chat(a_question());
    ASSERT_FALSE(reply);
    for (const auto& attempt : reply.error().attempts) EXPECT_EQ(attempt.model, "gpt-4.1");
}

TEST(FallbackModels, ACallMayOverrideTheList) {
    CallFlow flow({"us-west"}, with_fallback());
    flow.transport.reply_raw("us-west", 404, {}, error_body("model_not_found")).reply("us-west", "hello");
    const auto other = flow.client.chat(a_question(), {.fallback_models = {"gemini-2.5-flash"}});
    ASSERT_THAT(other, IsOk());
    EXPECT_EQ(other->attempts.back().model, "gemini-2.5-flash");
    CallFlow none({"us-west"}, with_fallback());
    none.transport.reply_raw("us-west", 404, {}, error_body("model_not_found"));
    EXPECT_THAT(none.client.chat(a_question(), {.fallback_models = {""}}), FailsWith(ErrorCode::model_not_found));
}

TEST(FallbackModels, AModelKnownToBeMissingIsNotRequestedAgain) {
    CallFlow flow({"us-west"}, with_fallback());
    flow.transport.reply_raw("us-west", 404, {}, error_body("model_not_found")).reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, IsOk());
    EXPECT_THAT(models_of(*reply), ElementsAre("us-west:deepseek-v3.2"));
    EXPECT_EQ(reply->model_reason, "fallback: gpt-4.1 had no usable region");
}

TEST(FallbackModels, AreNotTriedIfMaxAttemptsIsOne) {
    CallFlow flow({"us-west"}, with_fallback());
    flow.transport.reply_raw("us-west", 404, {}, error_body("model_not_found")).reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question(), {.retry = RetryOptions{.max_attempts = 1}}),
                FailsWith(ErrorCode::model_not_found));
    EXPECT_THAT(flow.attempts(), SizeIs(1));
}

TEST(FallbackModels, AreNotTriedForALongPromptIfMaxAttemptsIsOne) {
    auto options = with_fallback("large");
    options.models = {{"gpt-4.1", {.context_window = 8'000}}, {"large", {.context_window = 100'000}}};
    CallFlow flow({"us-west"}, options);
    flow.transport.reply_raw("us-west", 400, {}, error_body("context_length_exceeded")).reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question(), {.retry = RetryOptions{.max_attempts = 1}}),
                FailsWith(ErrorCode::context_length_exceeded));
    EXPECT_THAT(flow.attempts(), SizeIs(1));
}

TEST(FallbackModels, AreNotTriedIfACostSafeAttemptMayBeBilled) {
    CallFlow flow({"us-west"}, with_fallback());
    flow.transport.hang("us-west");
    EXPECT_THAT(flow.client.chat(a_question(), {.timeouts = TimeoutOptions{.first_byte = 1s}, .cost_safe = true}),
                FailsWith(ErrorCode::timed_out));
    EXPECT_THAT(flow.attempts(), SizeIs(1));
}

TEST(FallbackModels, UseARegionWithAFreePermit) {
    auto options = with_fallback();
    options.concurrency = {.max_per_region = 1, .queue = 1};
    CallFlow flow({"us-west", "eu-central"}, options, CallFlow::kManual);
    flow.transport.reply("us-west", "late", {.first_byte = 5s});
    flow.transport.reply_raw("eu-central", 404, {}, error_body("model_not_found")).reply("eu-central", "hello");
    auto holder = flow.client.chat_async(a_question());
    auto call = flow.client.chat_async(a_question());
    flow.clock.advance(1ms);
    ASSERT_TRUE(is_ready(call));
    EXPECT_THAT(models_of(*call.get()), ElementsAre("eu-central:gpt-4.1", "eu-central:deepseek-v3.2"));
    flow.clock.advance(5s);
    EXPECT_THAT(holder.get(), IsOk());
}

TEST(FallbackModels, StayWithinTheAllowedRegions) {
    CallFlow flow({"us-west", "eu-central"}, with_fallback());
    flow.transport.reply_raw("us-west", 503, {}, "").reply("eu-central", "hello");
    EXPECT_FALSE(flow.client.chat(a_question(), {.regions = {"us-west"}, .retry = RetryOptions{.max_wait = 0ms}}));
    for (const auto& region : flow.attempts()) EXPECT_EQ(region, "us-west");
}

TEST(FallbackModels, AStreamFallsBackBeforeItsContent) {
    CallFlow flow({"us-west"}, with_fallback());
    flow.transport.reply_raw("us-west", 404, {}, error_body("model_not_found")).stream("us-west", {"hel", "lo"});
    const auto reply = flow.client.stream_to(a_question(), [](const ChatChunk&) {});
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->attempts.back().model, "deepseek-v3.2");
}

TEST(FallbackModels, ReplaceAModelNamedInExtraJson) {
    auto options = with_fallback();
    options.regions = FakeTransport::regions({"us-west"});
    options.regions[0].model_map = {{"special", "never"}, {"deepseek-v3.2", "deployment-7"}};
    CallFlow flow({}, options);
    flow.transport.reply_raw("us-west", 404, {}, error_body("model_not_found")).reply("us-west", "hello");
    const auto reply = flow.client.chat(a_question(), {.extra_json = R"({"model":"special"})"});
    ASSERT_THAT(reply, IsOk());
    EXPECT_THAT(models_of(*reply), ElementsAre("us-west:special", "us-west:deployment-7"));
    EXPECT_EQ(reply->requested_model, "special");
    EXPECT_EQ(reply->model_reason, "fallback: special failed with model_not_found");
    EXPECT_THAT(flow.requests()[0].body, HasSubstr(R"("model":"special")"));
    EXPECT_THAT(flow.requests()[1].body, HasSubstr(R"("model":"deployment-7")"));
    EXPECT_THAT(flow.requests()[1].body, Not(HasSubstr("special")));
}

TEST(FallbackModels, AReasoningModelHasItsLongerTimeouts) {
    auto options = with_fallback("reasoner");
    options.models = {{"reasoner", {.reasoning = true}}};
    CallFlow flow({"us-west"}, options);
    flow.transport.reply_raw("us-west", 404, {}, error_body("model_not_found"))
        .stream("us-west", {"at last"}, {.timing = {.first_byte = 200s}});
    EXPECT_THAT(flow.client.stream_to(a_question(), [](const ChatChunk&) {}), IsOk());
}

// ---- rules ----

TEST(ModelRules, DoNotChangeAModelNamedInExtraJson) {
    ClientOptions options;
    options.model_rules = {when_prompt_at_most(100, "gemini-2.5-flash")};
    CallFlow flow({"us-west"}, options);
    flow.transport.reply("us-west", "hello");
    auto question = a_question();
    question.extra_json = R"({"model":"special"})";
    const auto reply = flow.client.chat(question);
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->attempts[0].model, "special") << "the record names the model that was sent";
    EXPECT_EQ(reply->model_reason, "");
    EXPECT_THAT(flow.requests()[0].body, HasSubstr(R"("model":"special")"));
}

TEST(ModelRules, AnImageDoesNotMakeAPromptLong) {
    ClientOptions options;
    options.model_rules = {when_prompt_at_most(2'000, "gemini-2.5-flash")};
    options.rate_limit = {.tokens_per_minute = 10'000};
    CallFlow flow({"us-west"}, options);
    flow.transport.reply("us-west", "a sheep");
    const auto reply = flow.client.chat(
        {.model = "gpt-4.1",
         .messages = {{.parts = {TextPart{.text = "What is this?"},
                                 ImagePart{.url = "data:image/png;base64," + std::string(1'000'000, 'A')}}}}});
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->attempts[0].model, "gemini-2.5-flash");
}

TEST(ModelRules, ShortPromptsGoToTheCheaperModel) {
    ClientOptions options;
    options.model_rules = {when_prompt_at_most(100, "gemini-2.5-flash")};
    CallFlow flow({"us-west"}, options);
    flow.transport.reply("us-west", "hello");
    const auto short_prompt = flow.client.chat(a_question());
    ASSERT_THAT(short_prompt, IsOk());
    EXPECT_EQ(short_prompt->attempts[0].model, "gemini-2.5-flash");
    EXPECT_EQ(short_prompt->requested_model, "gpt-4.1");
    EXPECT_EQ(short_prompt->model_reason, "rule: prompt of at most 100 tokens");
    const auto long_answer = flow.client.chat("gpt-4.1", std::string(4'000, 'x'));
    ASSERT_THAT(long_answer, IsOk());
    EXPECT_EQ(long_answer->attempts[0].model, "gpt-4.1");
    EXPECT_EQ(long_answer->model_reason, "");
}

TEST(ModelRules, TheCheapestModelThatFitsIsUsed) {
    ModelCatalogue catalogue;
    const auto priced = [](const char* price, std::int64_t window) {
        return ModelTraits{.context_window = window, .price = ModelPrice{.input = usd(price), .output = usd(price)}};
    };
    catalogue.set("expensive", priced("9", 1'000'000));
    catalogue.set("cheap", priced("1", 1'000));
    catalogue.set("middling", priced("3", 10'000));
    ClientOptions options;
    options.model_rules = cheapest_that_fits({"expensive", "cheap", "middling", "unpriced"}, catalogue);
    CallFlow flow({"us-west"}, options);
    flow.transport.reply("us-west", "hello");
    const auto model_for = [&](std::size_t bytes) {
        return flow.client.chat(ChatRequest{.messages = {user(std::string(bytes, 'x'))}})->attempts[0].model;
    };
    EXPECT_EQ(model_for(100), "cheap");
    EXPECT_EQ(model_for(20'000), "middling");
    EXPECT_EQ(model_for(400'000), "expensive");
    const auto long_answer = flow.client.chat({.messages = {user("hello?")}, .max_completion_tokens = 5'000});
    ASSERT_THAT(long_answer, IsOk());
    EXPECT_EQ(long_answer->attempts[0].model, "middling") << "the answer needs room in the window, too";
}

TEST(ModelRules, TheCheapestModelIncludesTheOutputPrice) {
    ModelCatalogue catalogue;
    catalogue.set("expensive-output", {.price = ModelPrice{.input = usd("1"), .output = usd("9")}});
    catalogue.set("plain", {.price = ModelPrice{.input = usd("2"), .output = usd("3")}});
    const auto rules = cheapest_that_fits({"expensive-output", "plain"}, catalogue);
    ASSERT_THAT(rules, SizeIs(2));
    EXPECT_EQ(rules.front().model, "plain");
}

TEST(ModelRules, TheFirstMatchingRuleApplies) {
    ClientOptions options;
    options.model_rules = {{.when = [](const ChatRequest& r) { return !r.tools.empty(); }, .model = "with-tools"},
                           {.when = [](const ChatRequest&) { return true; }, .model = "any"}};
    CallFlow flow({"us-west"}, options);
    flow.transport.reply("us-west", "hello");
    EXPECT_EQ(flow.client.chat(a_question())->model_reason, "rule: model_rules[1]");
}

TEST(ModelRules, AreEvaluatedOnceIfTheRequestNamesNoModel) {
    ClientOptions options;
    options.model_rules = {{.when = [](const ChatRequest& r) { return r.model.empty(); }, .model = "unnamed"},
                           {.when = [](const ChatRequest&) { return true; }, .model = "any"}};
    CallFlow flow({"us-west"}, options);
    flow.transport.reply("us-west", "hello");
    const auto reply = flow.client.chat(ChatRequest{.messages = {user("hello?")}});
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->attempts[0].model, "unnamed");
    EXPECT_EQ(reply->model_reason, "rule: model_rules[0]");
}

TEST(ModelRules, ARuleThatThrowsFailsTheCall) {
    ClientOptions options;
    options.model_rules = {
        {.when = [](const ChatRequest&) -> bool { throw std::runtime_error("oops"); }, .model = "m"}};
    CallFlow flow({"us-west"}, options);
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, FailsWith(ErrorCode::invalid_request));
    EXPECT_THAT(reply.error().message, HasSubstr("oops"));
}

TEST(ModelMap, AppliesToFallbackModels) {
    auto options = with_fallback();
    options.regions = FakeTransport::regions({"us-west"});
    options.regions[0].model_map = {{"deepseek-v3.2", "deployment-7"}};
    CallFlow flow({}, options);
    flow.transport.reply_raw("us-west", 404, {}, error_body("model_not_found")).reply("us-west", "hello");
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, IsOk());
    EXPECT_THAT(flow.requests().back().body, HasSubstr("deployment-7"));
}

}  // namespace
}  // namespace holysheep::flow
