// Which catalogue entry a name selects, and how a program's own entries change it.
#include <holysheep/model_catalogue.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holysheep {
namespace {

using ::testing::ElementsAre;

TEST(ModelCatalogue, KnowsFourListPricesWithTheirDateAndSource) {
    const auto catalogue = ModelCatalogue::built_in();
    EXPECT_THAT(catalogue.names(), ElementsAre("claude-sonnet-4.5", "deepseek-v3.2", "gemini-2.5-flash", "gpt-4.1"));
    for (const auto& name : catalogue.names()) {
        const auto* traits = catalogue.find(name);
        ASSERT_TRUE(traits != nullptr && traits->price) << name;
        EXPECT_FALSE(traits->price->as_of.empty()) << name;
        EXPECT_FALSE(traits->price->source.empty()) << name;
        EXPECT_GT(traits->context_window, 100'000) << name;
        EXPECT_GT(traits->max_output, 10'000) << name;
    }
}

TEST(ModelCatalogue, FindsAModelByTheNamesThatGatewaysUse) {
    const auto catalogue = ModelCatalogue::built_in();
    const auto* gpt = catalogue.find("gpt-4.1");
    const auto* claude = catalogue.find("claude-sonnet-4.5");
    ASSERT_NE(gpt, nullptr);
    ASSERT_NE(claude, nullptr);
    for (const auto* name : {"gpt-4.1-2025-04-14", "openai/gpt-4.1", "openrouter/openai/gpt-4.1-2025-04-14",
                             "gpt-4.1-20250414", "gpt-4.1@20250414"}) {
        EXPECT_EQ(catalogue.find(name), gpt) << name;
    }
    for (const auto* name : {"claude-sonnet-4-5", "claude-sonnet-4-5-20250929", "anthropic/claude-sonnet-4.5",
                             "anthropic/claude-sonnet-4-5@20250929"}) {
        EXPECT_EQ(catalogue.find(name), claude) << name;
    }
    EXPECT_NE(catalogue.price("deepseek-ai/DeepSeek-V3.2"), nullptr);
    EXPECT_NE(catalogue.price("models/gemini-2.5-flash"), nullptr);
}

TEST(ModelCatalogue, DoesNotGuess) {
    const auto catalogue = ModelCatalogue::built_in();
    for (const auto* name :
         {"", "/", "gpt-4.1-mini", "gpt-4", "GPT-4.1", "gpt-4.1-", "gpt-4.1-2025", "gpt-4.1-2025-13-01",
          "gpt-4.1-1999-01-01", "gpt-4.1-99999999", "gpt-4.1:free", "gpt-4.1/x", "-2025-04-14", "gpt-4.12025-04-14"}) {
        EXPECT_EQ(catalogue.find(name), nullptr) << name;
        EXPECT_EQ(catalogue.price(name), nullptr) << name;
    }
}

TEST(ModelCatalogue, PrefersTheExactName) {
    auto catalogue = ModelCatalogue::built_in();
    catalogue.set("gpt-4.1-2025-04-14", {.context_window = 1});
    catalogue.set("azure/gpt-4.1", {.context_window = 2});
    catalogue.set("claude-sonnet-4-5", {.context_window = 3});
    EXPECT_EQ(catalogue.find("gpt-4.1-2025-04-14")->context_window, 1);
    EXPECT_EQ(catalogue.find("azure/gpt-4.1")->context_window, 2);
    EXPECT_EQ(catalogue.find("azure/gpt-4.1-2025-04-14")->context_window, 2);
    EXPECT_EQ(catalogue.find("claude-sonnet-4-5")->context_window, 3);
    EXPECT_EQ(catalogue.find("gpt-4.1")->context_window, 1'047'576);
}

TEST(ModelCatalogue, AmendsMemberByMember) {
    auto catalogue = ModelCatalogue::built_in();
    catalogue.amend("gpt-4.1", {.prefill = true});
    const auto* traits = catalogue.find("gpt-4.1");
    EXPECT_TRUE(traits->prefill);
    EXPECT_EQ(traits->context_window, 1'047'576);
    ASSERT_TRUE(traits->price);
    EXPECT_EQ(traits->price->output.amount(), "8.00");

    catalogue.amend("gpt-4.1", {.context_window = 5, .price = ModelPrice{.output = {7}}});
    traits = catalogue.find("gpt-4.1");
    EXPECT_TRUE(traits->prefill);
    EXPECT_EQ(traits->context_window, 5);
    EXPECT_EQ(traits->max_output, 32'768);
    EXPECT_EQ(traits->price->output.nano, 7);
    EXPECT_EQ(traits->price->input.nano, 0);  // a price is replaced as a whole
}

TEST(ModelCatalogue, AmendingAVariantNameCopiesTheEntry) {
    auto catalogue = ModelCatalogue::built_in();
    catalogue.amend("claude-sonnet-4-5", {.prefill = true});
    EXPECT_TRUE(catalogue.price("claude-sonnet-4-5"));
    EXPECT_TRUE(catalogue.find("claude-sonnet-4-5")->prefill);
    EXPECT_FALSE(catalogue.find("claude-sonnet-4.5")->prefill);
}

TEST(ModelCatalogue, MergesAnotherCatalogue) {
    ModelCatalogue own;
    own.set("merino-1", {.price = ModelPrice{.output = {1}}});
    own.set("gpt-4.1", {.price = ModelPrice{.output = {2}}});
    own.add_alias("merino", "merino-1");
    auto catalogue = ModelCatalogue::built_in();
    catalogue.amend(own);
    EXPECT_EQ(catalogue.size(), 5U);
    EXPECT_EQ(catalogue.price("merino")->output.nano, 1);
    EXPECT_EQ(catalogue.price("gpt-4.1")->output.nano, 2);
    EXPECT_EQ(catalogue.find("gpt-4.1")->context_window, 1'047'576);
}

TEST(ModelCatalogue, IgnoresAnAliasOfAnUnknownModel) {
    ModelCatalogue catalogue;
    catalogue.add_alias("a", "b");
    EXPECT_EQ(catalogue.find("a"), nullptr);
}

}  // namespace
}  // namespace holysheep
