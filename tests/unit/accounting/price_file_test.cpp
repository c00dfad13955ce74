// Price lists from files: what is read, and the errors for everything else.
#include <holysheep/cost.hpp>
#include <holysheep/model_catalogue.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <string>

namespace holysheep {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string problem(std::string_view text) {
    const auto read = ModelCatalogue::from_json(text, "prices.json");
    if (read) return "no problem";
    EXPECT_EQ(read.error().code, ErrorCode::invalid_options);
    return read.error().message;
}

TEST(PriceFile, ReadsTheNativeFormat) {
    const auto read = ModelCatalogue::from_json(R"({
        "currency": "EUR", "per_tokens": 1000, "as_of": "2026-09", "source": "contract",
        "models": {
            "merino-1": {"input": "0.25", "cached_input": 0.1, "cache_write": 1, "output": "1e-2", "aliases": ["merino"],
                         "context_window": 100000, "max_output": 4096, "reasoning": true, "prefill": true,
                         "source": "a letter",
                         "tiers": [{"above_input_tokens": 5000, "input": "0.5", "output": "0.02"}]},
            "suffolk": {"context_window": 8192}}})");
    ASSERT_TRUE(read) << read.error();
    const auto* merino = read->find("merino");
    ASSERT_TRUE(merino != nullptr && merino->price);
    EXPECT_TRUE(merino->reasoning && merino->prefill);
    EXPECT_EQ(merino->context_window, 100'000);
    EXPECT_EQ(merino->max_output, 4'096);
    const auto& price = *merino->price;
    EXPECT_EQ(price.input, (Money{250'000'000, "EUR"}));
    EXPECT_EQ(price.cached_input, (Money{100'000'000, "EUR"}));
    EXPECT_EQ(price.cache_write, (Money{1'000'000'000, "EUR"}));
    EXPECT_EQ(price.output, (Money{10'000'000, "EUR"}));
    EXPECT_EQ(price.per_tokens, 1'000);
    EXPECT_EQ(price.as_of, "2026-09");
    EXPECT_EQ(price.source, "a letter");
    ASSERT_EQ(price.tiers.size(), 1U);
    EXPECT_EQ(price.tiers[0].above_input_tokens, 5'000);
    EXPECT_EQ(price.tiers[0].input.nano, 500'000'000);
    EXPECT_FALSE(price.tiers[0].cached_input);
    ASSERT_NE(read->find("suffolk"), nullptr);
    EXPECT_EQ(read->price("suffolk"), nullptr);
}

TEST(PriceFile, ErrorsNameFileModelAndMember) {
    EXPECT_THAT(problem("{"), HasSubstr("prices.json is not JSON"));
    EXPECT_THAT(problem("[]"), HasSubstr("prices.json is no price list"));
    EXPECT_THAT(problem("{}"), HasSubstr("\"models\""));
    EXPECT_THAT(problem(R"({"models": []})"), HasSubstr("\"models\" is no object"));
    EXPECT_THAT(problem(R"({"modles": 1, "models": {}})"), HasSubstr("\"modles\" is not known"));
    EXPECT_THAT(problem(R"({"currency": "", "models": {}})"), HasSubstr("\"currency\" is empty"));
    EXPECT_THAT(problem(R"({"per_tokens": 0, "models": {}})"), HasSubstr("\"per_tokens\" must be"));
    EXPECT_THAT(problem(R"({"models": {"m": 5}})"), HasSubstr("model \"m\" is no object"));
    EXPECT_THAT(problem(R"({"models": {"m": {"input": "1", "ouput": "2"}}})"),
                AllOf(HasSubstr("prices.json: model \"m\": \"ouput\" is not known"), HasSubstr("output")));
    EXPECT_THAT(problem(R"({"models": {"m": {"input": "1"}}})"), HasSubstr("\"output\" is missing"));
    EXPECT_THAT(problem(R"({"models": {"m": {"input": "-1", "output": "2"}}})"),
                AllOf(HasSubstr("\"input\" is no amount of money"), HasSubstr("such as")));
    EXPECT_THAT(problem(R"({"models": {"m": {"input": true, "output": "2"}}})"), HasSubstr("\"input\" is no amount"));
    EXPECT_THAT(problem(R"({"models": {"m": {"context_window": "big"}}})"), HasSubstr("no count of tokens"));
    EXPECT_THAT(problem(R"({"models": {"m": {"reasoning": 1}}})"), HasSubstr("neither true nor false"));
    EXPECT_THAT(problem(R"({"models": {"m": {"aliases": "x"}}})"), HasSubstr("no list of names"));
    EXPECT_THAT(problem(R"({"models": {"m": {"input": 1, "output": 1, "tiers": [{"input": 1, "output": 1}]}}})"),
                HasSubstr("tier 1: \"above_input_tokens\" is missing"));
    EXPECT_THAT(problem(R"({"models": {"m": {"input": 1, "output": 1, "tiers": 5}}})"), HasSubstr("is no list"));
}

// In LiteLLM's format: the first entry describes the others in words.
constexpr auto kFlat = R"({
    "sample_spec": {"input_cost_per_token": "dollars per token", "max_tokens": "LEGACY parameter"},
    "merino-1": {"litellm_provider": "farm", "mode": "chat", "max_input_tokens": 1047576, "max_output_tokens": "32768",
        "input_cost_per_token": 2e-06, "output_cost_per_token": 8e-06, "cache_read_input_token_cost": 5e-07,
        "input_cost_per_token_batches": 1e-06, "source": "https://farm.test/prices"},
    "farm/suffolk": {"litellm_provider": "farm", "mode": "chat", "input_cost_per_token": 2.8e-07,
        "input_cost_per_token_cache_hit": 2.8e-08, "output_cost_per_token": 4.2e-07},
    "long": {"litellm_provider": "farm", "input_cost_per_token": 3e-06, "output_cost_per_token": 1.5e-05,
        "cache_creation_input_token_cost": 3.75e-06, "cache_creation_input_token_cost_above_1hr": 6e-06,
        "input_cost_per_token_above_200k_tokens": 6e-06, "output_cost_per_token_above_200k_tokens": 2.25e-05,
        "cache_read_input_token_cost_above_200k_tokens": 6e-07,
        "cache_creation_input_token_cost_above_1hr_above_200k_tokens": 1.2e-05,
        "input_cost_per_token_above_128k_tokens": 4e-06, "input_cost_per_token_above_200k_tokens_priority": 9e-06},
    "free": {"litellm_provider": "farm", "mode": "chat", "input_cost_per_token": 0.0, "output_cost_per_token": 0.0,
        "max_input_tokens": 4096},
    "half": {"litellm_provider": "farm", "mode": "chat", "input_cost_per_token": 1e-06},
    "thinker": {"litellm_provider": "farm", "mode": "chat", "input_cost_per_token": 1e-06,
        "output_cost_per_token": 1e-06, "output_cost_per_reasoning_token": 3e-06},
    "noisy": {"litellm_provider": "farm", "input_cost_per_token": 1.0000000000000001e-07,
        "output_cost_per_token": 0.30000000000000004e-06},
    "wool": {"litellm_provider": "farm", "mode": "embedding", "input_cost_per_token": 1e-08, "output_cost_per_token": 0.0}
})";

TEST(FlatPriceList, ReadsModelsAndPrices) {
    const auto read = ModelCatalogue::from_json(kFlat);
    ASSERT_TRUE(read) << read.error();
    const auto* merino = read->find("merino-1");
    ASSERT_TRUE(merino != nullptr && merino->price);
    EXPECT_EQ(merino->context_window, 1'047'576);
    EXPECT_EQ(merino->max_output, 32'768);
    EXPECT_EQ(merino->price->input.amount(), "2.00");
    EXPECT_EQ(merino->price->cached_input->amount(), "0.50");
    EXPECT_EQ(merino->price->output.amount(), "8.00");
    EXPECT_EQ(merino->price->source, "https://farm.test/prices");
    EXPECT_TRUE(merino->price->tiers.empty());
    EXPECT_EQ(read->price("farm/suffolk")->cached_input->amount(), "0.028");
    EXPECT_EQ(read->price("farm/suffolk")->input.amount(), "0.28");
}

TEST(FlatPriceList, ReadsTiersFromMemberNames) {
    const auto read = ModelCatalogue::from_json(kFlat);
    ASSERT_TRUE(read) << read.error();
    const auto& price = *read->price("long");
    EXPECT_EQ(price.cache_write->amount(), "3.75");
    ASSERT_EQ(price.tiers.size(), 2U);
    EXPECT_EQ(price.tiers[0].above_input_tokens, 128'000);
    EXPECT_EQ(price.tiers[0].input.amount(), "4.00");
    EXPECT_EQ(price.tiers[0].output.amount(), "15.00");
    EXPECT_EQ(price.tiers[1].above_input_tokens, 200'000);
    EXPECT_EQ(price.tiers[1].input.amount(), "6.00");
    EXPECT_EQ(price.tiers[1].output.amount(), "22.50");
    EXPECT_EQ(price.tiers[1].cached_input->amount(), "0.60");
    EXPECT_FALSE(price.tiers[1].cache_write);
}

TEST(FlatPriceList, LeavesUnknownPricesUnset) {
    const auto read = ModelCatalogue::from_json(kFlat);
    ASSERT_TRUE(read) << read.error();
    for (const auto* name : {"free", "half", "thinker"}) {
        EXPECT_NE(read->find(name), nullptr) << name;
        EXPECT_EQ(read->price(name), nullptr) << name;
    }
    EXPECT_EQ(read->find("free")->context_window, 4'096);
    EXPECT_EQ(read->find("sample_spec"), nullptr);
    EXPECT_EQ(read->find("wool"), nullptr);
}

TEST(FlatPriceList, ReadsDecimalsExactly) {
    const auto read = ModelCatalogue::from_json(kFlat);
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(read->price("noisy")->input.nano, 100'000'000);
    EXPECT_EQ(read->price("noisy")->output.nano, 300'000'000);
}

TEST(FlatPriceList, ErrorsNameFileModelAndMember) {
    EXPECT_THAT(problem(R"({"merino": {"litellm_provider": "farm", "input_cost_per_token": "a lot"}})"),
                HasSubstr("prices.json: model \"merino\": \"input_cost_per_token\" is no amount of money"));
    EXPECT_THAT(problem(R"({"merino": {"price": 1}})"), HasSubstr("no price list"));
}

TEST(PriceFile, LoadsFromDisk) {
    const auto path = ::testing::TempDir() + "holysheep_price_file_test.json";
    std::ofstream(path) << R"({"models": {"merino": {"input": "1", "output": "2"}}})";
    const auto read = ModelCatalogue::from_file(path);
    std::remove(path.c_str());
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(read->price("merino")->output.amount(), "2.00");
    const auto gone = ModelCatalogue::from_file(path);
    ASSERT_FALSE(gone);
    EXPECT_THAT(gone.error().message, AllOf(HasSubstr(path), HasSubstr("cannot be read")));
    EXPECT_FALSE(ModelCatalogue::from_file(::testing::TempDir()));  // a folder
}

}  // namespace
}  // namespace holysheep
