// The built-in model rules: the estimated size of a prompt, and the model chosen for it.
#include <holysheep/model_rules.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace holysheep::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

ChatRequest prompt_of(std::size_t bytes) { return {.messages = {user(std::string(bytes, 'x'))}}; }

ModelTraits priced_at(std::int64_t input, std::int64_t output, std::int64_t window = 0,
                      std::int64_t per_tokens = 1'000'000) {
    return {.context_window = window,
            .price = ModelPrice{.input = {input}, .output = {output}, .per_tokens = per_tokens}};
}

std::vector<std::string> models_in(const std::vector<ModelRule>& rules) {
    std::vector<std::string> models;
    for (const auto& rule : rules) models.push_back(rule.model);
    return models;
}

TEST(EstimatedPrompt, GrowsWithEveryMemberThatTheModelReads) {
    const std::string text(400, 'x');
    const auto whole = estimated_prompt_tokens(prompt_of(400));
    EXPECT_GT(whole, 0);
    EXPECT_EQ(estimated_prompt_tokens({.messages = {{.reasoning = text}}}), whole);
    EXPECT_EQ(estimated_prompt_tokens({.messages = {{.parts = {TextPart{text}}}}}), whole);
    EXPECT_EQ(estimated_prompt_tokens({.messages = {{.parts = {RefusalPart{text}}}}}), whole);
    EXPECT_EQ(estimated_prompt_tokens({.messages = {{.parts = {RawPart{text}}}}}), whole);
    EXPECT_EQ(estimated_prompt_tokens({.messages = {{.tool_calls = {{.name = text}}}}}), whole);
    EXPECT_EQ(estimated_prompt_tokens({.messages = {{.tool_calls = {{.arguments = text}}}}}), whole);
    EXPECT_EQ(estimated_prompt_tokens({.tools = {{.name = text}}}), whole);
    EXPECT_EQ(estimated_prompt_tokens({.tools = {{.description = text}}}), whole);
    EXPECT_EQ(estimated_prompt_tokens({.tools = {{.parameters_json = text}}}), whole);
    EXPECT_EQ(estimated_prompt_tokens({.messages = {user(text), user(text)}}), estimated_prompt_tokens(prompt_of(800)));
}

TEST(EstimatedPrompt, CountsAnImageIndependentlyOfItsBytes) {
    const ChatRequest small{.messages = {{.parts = {ImagePart{"https://a.test/x.png"}}}}};
    const ChatRequest large{
        .messages = {{.parts = {ImagePart{"data:image/png;base64," + std::string(1'000'000, 'A')}}}}};
    EXPECT_EQ(estimated_prompt_tokens(small), estimated_prompt_tokens(large));
    EXPECT_GE(estimated_prompt_tokens(small), 100);
}

TEST(PromptRule, AppliesUpToItsBoundAndNamesIt) {
    const auto request = prompt_of(400);
    const auto tokens = estimated_prompt_tokens(request);
    const auto rule = when_prompt_at_most(tokens, "small");
    EXPECT_TRUE(rule.when(request));
    EXPECT_FALSE(when_prompt_at_most(tokens - 1, "small").when(request));
    EXPECT_EQ(rule.model, "small");
    EXPECT_EQ(rule.name, "prompt of at most " + std::to_string(tokens) + " tokens");
}

TEST(CheapestThatFits, OrdersByTokenPriceAndOmitsUnknownPrices) {
    ModelCatalogue catalogue;
    catalogue.set("dear", priced_at(5'000, 5'000));
    catalogue.set("cheap", priced_at(1'000, 2'000));
    catalogue.set("per-thousand", priced_at(2, 2, 0, 1'000));  // 4 per thousand is 4,000 per million
    catalogue.set("unpriced", {.context_window = 1'000});
    EXPECT_THAT(models_in(cheapest_that_fits({"dear", "unpriced", "per-thousand", "cheap", "unknown"}, catalogue)),
                ElementsAre("cheap", "per-thousand", "dear"));
    EXPECT_THAT(cheapest_that_fits({}, catalogue), IsEmpty());
}

TEST(CheapestThatFits, KeepsTheOrderOfEquallyPricedModels) {
    ModelCatalogue catalogue;
    for (const auto* name : {"b", "a", "c"}) catalogue.set(name, priced_at(1, 1));
    EXPECT_THAT(models_in(cheapest_that_fits({"b", "a", "c"}, catalogue)), ElementsAre("b", "a", "c"));
}

TEST(CheapestThatFits, ReservesRoomForTheAnswerInTheWindow) {
    auto request = prompt_of(4'000);
    const auto prompt = estimated_prompt_tokens(request);
    ModelCatalogue catalogue;
    catalogue.set("exact", priced_at(1, 1, prompt + 50));
    const auto rule = cheapest_that_fits({"exact"}, catalogue).at(0);
    EXPECT_TRUE(rule.when(request));
    request.max_tokens = 50;
    EXPECT_TRUE(rule.when(request));
    request.max_tokens = 51;
    EXPECT_FALSE(rule.when(request));
    request.max_completion_tokens = 50;  // overrides the older name
    EXPECT_TRUE(rule.when(request));
    request.max_completion_tokens = 51;
    EXPECT_FALSE(rule.when(request));
}

TEST(CheapestThatFits, AssumesThatAnUnknownWindowIsLargeEnough) {
    ModelCatalogue catalogue;
    catalogue.set("unknown-window", priced_at(1, 1));
    EXPECT_TRUE(cheapest_that_fits({"unknown-window"}, catalogue).at(0).when(prompt_of(1'000'000)));
}

}  // namespace
}  // namespace holysheep::client
