// Which model a request gets, by which rule, and which models follow it.
#include "client/model_choice.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace holysheep::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const auto kAlways = [](const ChatRequest&) { return true; };
const auto kNever = [](const ChatRequest&) { return false; };

struct Choosing {
    ChatRequest request{.model = "asked"};
    std::string named{};
    CallOptions call{};
    ClientOptions client{};
    ModelCatalogue catalogue{};

    Result<ModelChoice> choose() const { return choose_model(request, named, call, client, catalogue); }
    std::vector<std::string> fallbacks() const {
        std::vector<std::string> names;
        for (const auto& fallback : choose().value().fallbacks) names.push_back(fallback.name);
        return names;
    }
};

TEST(ModelChoice, IsTheRequestsModelWithoutRules) {
    const Choosing choosing;
    const auto choice = choosing.choose().value();
    EXPECT_EQ(choice.model, "asked");
    EXPECT_EQ(choice.rule, "");
    EXPECT_THAT(choice.fallbacks, IsEmpty());
}

TEST(ModelChoice, FollowsTheFirstRuleThatApplies) {
    Choosing choosing;
    choosing.client.model_rules = {{kNever, "first", "r1"}, {kAlways, "second", "r2"}, {kAlways, "third", "r3"}};
    const auto choice = choosing.choose().value();
    EXPECT_EQ(choice.model, "second");
    EXPECT_EQ(choice.rule, "rule: r2");
}

TEST(ModelChoice, NamesAnUnnamedRuleByItsIndex) {
    Choosing choosing;
    choosing.client.model_rules = {{kNever, "first"}, {kAlways, "second"}};
    EXPECT_EQ(choosing.choose().value().rule, "rule: model_rules[1]");
}

TEST(ModelChoice, DoesNotNameARuleThatChangesNothing) {
    Choosing choosing;
    choosing.client.model_rules = {{kAlways, "asked", "same"}, {kAlways, "other"}};
    const auto choice = choosing.choose().value();
    EXPECT_EQ(choice.model, "asked");
    EXPECT_EQ(choice.rule, "");
}

TEST(ModelChoice, SkipsTheRulesIfExtraJsonSetsTheModel) {
    Choosing choosing;
    choosing.named = "by-extra";
    choosing.client.model_rules = {{[](const ChatRequest&) -> bool { throw std::runtime_error("asked"); }, "ruled"}};
    const auto choice = choosing.choose().value();
    EXPECT_EQ(choice.model, "by-extra");
    EXPECT_EQ(choice.rule, "");
}

TEST(ModelChoice, FailsWithTheNameOfARuleThatThrows) {
    Choosing choosing;
    choosing.client.model_rules = {
        {[](const ChatRequest&) -> bool { throw std::runtime_error("no table"); }, "m", "mine"}};
    auto error = choosing.choose().error();
    EXPECT_EQ(error.code, ErrorCode::invalid_request);
    EXPECT_EQ(error.message, "the rule \"mine\" threw: no table");
    choosing.client.model_rules = {{[](const ChatRequest&) -> bool { throw 1; }, "m"}};
    error = choosing.choose().error();
    EXPECT_EQ(error.message, "the rule \"model_rules[0]\" threw");
}

TEST(ModelChoice, HasTheTraitsOfTheChosenModelNotTheRequestedOne) {
    Choosing choosing;
    choosing.catalogue.set("asked", {.context_window = 1'000});
    choosing.catalogue.set("ruled", {.context_window = 2'000, .max_output = 10});
    choosing.client.model_rules = {{kAlways, "ruled"}};
    const auto choice = choosing.choose().value();
    EXPECT_EQ(choice.traits.context_window, 2'000);
    EXPECT_EQ(choice.traits.max_output, 10);
}

TEST(FallbackChoice, PrefersTheCallsListOverTheClients) {
    Choosing choosing;
    choosing.client.fallback_models = {"a", "b"};
    EXPECT_THAT(choosing.fallbacks(), ElementsAre("a", "b"));
    choosing.call.fallback_models = {"c"};
    EXPECT_THAT(choosing.fallbacks(), ElementsAre("c"));
    choosing.call.fallback_models = {""};
    EXPECT_THAT(choosing.fallbacks(), IsEmpty()) << "an empty name disables the client's list";
}

TEST(FallbackChoice, OmitsTheChosenModelAndKeepsTheRequestedOne) {
    Choosing choosing;
    choosing.client.model_rules = {{kAlways, "small"}};
    choosing.client.fallback_models = {"small", "asked"};
    EXPECT_THAT(choosing.fallbacks(), ElementsAre("asked"));
}

TEST(FallbackChoice, ReadsWindowAndPrefillFromTheCatalogue) {
    Choosing choosing;
    choosing.catalogue.set("known", {.prefill = true, .context_window = 4'000});
    choosing.client.fallback_models = {"known", "unknown"};
    const auto fallbacks = choosing.choose().value().fallbacks;
    ASSERT_EQ(fallbacks.size(), 2U);
    EXPECT_EQ(fallbacks[0].context_window, 4'000);
    EXPECT_TRUE(fallbacks[0].prefill);
    EXPECT_EQ(fallbacks[1].context_window, 0);
    EXPECT_FALSE(fallbacks[1].prefill);
}

TEST(FallbackChoice, UsesTheTimeoutsOfAReasoningModelIfOneMayAnswer) {
    Choosing choosing;
    choosing.catalogue.set("thinks", {.reasoning = true});
    choosing.catalogue.set("answers", {});
    choosing.client.fallback_models = {"answers"};
    EXPECT_FALSE(choosing.choose().value().traits.reasoning);
    choosing.client.fallback_models = {"answers", "thinks", "answers-too"};
    EXPECT_TRUE(choosing.choose().value().traits.reasoning);
}

}  // namespace
}  // namespace holysheep::client
