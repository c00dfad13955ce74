// The list prices that ship with the library. Prices change: each entry says when and where it was looked up.
#include <holysheep/model_catalogue.hpp>

namespace holysheep {
inline namespace v0 {
namespace {

/// Makes the price of a million tokens from thousandths of a US dollar.
Money usd_thousandths(std::int64_t amount) { return {.nano = amount * 1'000'000}; }

ModelTraits gpt_4_1() {
    return {.context_window = 1'047'576,
            .max_output = 32'768,
            .price = ModelPrice{.input = usd_thousandths(2'000),
                                .cached_input = usd_thousandths(500),
                                .output = usd_thousandths(8'000),
                                .as_of = "2026-08",
                                .source = "OpenAI's list price, as in pydantic/genai-prices"}};
}

ModelTraits claude_sonnet_4_5() {
    return {.context_window = 200'000,
            .max_output = 64'000,
            .price = ModelPrice{.input = usd_thousandths(3'000),
                                .cached_input = usd_thousandths(300),
                                .cache_write = usd_thousandths(3'750),
                                .output = usd_thousandths(15'000),
                                .as_of = "2026-08",
                                .source = "Anthropic's list price, as in pydantic/genai-prices",
                                .tiers = {{.above_input_tokens = 200'000,
                                           .input = usd_thousandths(6'000),
                                           .cached_input = usd_thousandths(600),
                                           .cache_write = usd_thousandths(7'500),
                                           .output = usd_thousandths(22'500)}}}};
}

ModelTraits gemini_2_5_flash() {
    return {.context_window = 1'048'576,
            .max_output = 65'535,
            .price = ModelPrice{.input = usd_thousandths(300),
                                .cached_input = usd_thousandths(30),
                                .output = usd_thousandths(2'500),
                                .as_of = "2026-08",
                                .source = "Google's list price, as in pydantic/genai-prices"}};
}

ModelTraits deepseek_v3_2() {
    return {.context_window = 163'840,
            .max_output = 163'840,
            .price = ModelPrice{.input = usd_thousandths(280),
                                .cached_input = usd_thousandths(28),
                                .output = usd_thousandths(420),
                                .as_of = "2026-08",
                                .source = "DeepSeek's list price, as in BerriAI/litellm (deepseek-chat)"}};
}

}  // namespace

ModelCatalogue ModelCatalogue::built_in() {
    ModelCatalogue catalogue;
    catalogue.set("gpt-4.1", gpt_4_1());
    catalogue.set("claude-sonnet-4.5", claude_sonnet_4_5());
    catalogue.add_alias("claude-sonnet-4-5", "claude-sonnet-4.5");
    catalogue.set("gemini-2.5-flash", gemini_2_5_flash());
    catalogue.set("deepseek-v3.2", deepseek_v3_2());
    catalogue.add_alias("DeepSeek-V3.2", "deepseek-v3.2");
    return catalogue;
}

}  // namespace v0
}  // namespace holysheep
