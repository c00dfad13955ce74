// Reads LiteLLM's format: dollars per token as binary fractions, thresholds in member names, zero for unknown.
#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "accounting/price_fields.hpp"

namespace holysheep::accounting {
namespace {

using nlohmann::json;

constexpr int kPerMillion = 6;  // digits between the price of a token and that of a million

/// The price in a member; zero means unknown.
std::optional<Money> price_of(PriceFields& fields, const std::string& name) {
    auto money = fields.money(name, "USD", kPerMillion);
    if (money && money->nano == 0) money.reset();
    return money;
}

/// 200000 for "…_above_200k_tokens". Others ("…_above_1hr", "…_above_200k_tokens_priority") are not supported.
std::optional<std::int64_t> threshold_in(std::string_view name, std::string_view prefix) {
    constexpr std::string_view kAbove = "_above_", kEnd = "k_tokens";
    if (!name.starts_with(prefix)) return std::nullopt;
    name.remove_prefix(prefix.size());
    if (!name.starts_with(kAbove) || !name.ends_with(kEnd)) return std::nullopt;
    name.remove_prefix(kAbove.size());
    name.remove_suffix(std::min(kEnd.size(), name.size()));
    std::int64_t thousands = 0;
    const auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), thousands);
    if (failed != std::errc{} || end != name.data() + name.size() || thousands <= 0 || thousands > 1'000'000'000) {
        return std::nullopt;
    }
    return thousands * 1'000;
}

void read_tiers(PriceFields& fields, const json& entry, ModelPrice& price) {
    for (const auto& [name, value] : entry.items()) {
        auto above = threshold_in(name, "input_cost_per_token");
        if (!above) above = threshold_in(name, "output_cost_per_token");
        if (!above) continue;
        const bool seen =
            std::ranges::any_of(price.tiers, [&](auto& tier) { return tier.above_input_tokens == *above; });
        if (seen) continue;
        const auto suffix = "_above_" + std::to_string(*above / 1'000) + "k_tokens";
        price.tiers.push_back({.above_input_tokens = *above,
                               .input = price_of(fields, "input_cost_per_token" + suffix).value_or(price.input),
                               .cached_input = price_of(fields, "cache_read_input_token_cost" + suffix),
                               .cache_write = price_of(fields, "cache_creation_input_token_cost" + suffix),
                               .output = price_of(fields, "output_cost_per_token" + suffix).value_or(price.output)});
    }
    std::ranges::sort(price.tiers, {}, &PriceTier::above_input_tokens);
}

std::optional<ModelPrice> read_price(PriceFields& fields, const json& entry) {
    const auto input = price_of(fields, "input_cost_per_token");
    const auto output = price_of(fields, "output_cost_per_token");
    const auto reasoning = price_of(fields, "output_cost_per_reasoning_token");
    if (!input || !output) return std::nullopt;
    if (reasoning && reasoning != output) return std::nullopt;  // one price cannot represent both
    ModelPrice price{.input = *input,
                     .cached_input = price_of(fields, "cache_read_input_token_cost"),
                     .cache_write = price_of(fields, "cache_creation_input_token_cost"),
                     .output = *output,
                     .source = "BerriAI/litellm"};
    if (!price.cached_input) price.cached_input = price_of(fields, "input_cost_per_token_cache_hit");
    if (const auto* source = fields.member("source"); source != nullptr && source->is_string()) {
        price.source = source->get<std::string>();
    }
    read_tiers(fields, entry, price);
    return price;
}

/// Some entries have texts instead of numbers; an unknown window is not an error.
std::int64_t window_of(const PriceFields& fields, const char* name) {
    const auto* value = fields.member(name);
    const auto digits = value == nullptr ? std::nullopt : decimal_text(*value);
    std::int64_t tokens = 0;
    if (digits) std::from_chars(digits->data(), digits->data() + digits->size(), tokens);
    return std::max<std::int64_t>(tokens, 0);
}

bool is_chat(const PriceFields& fields) {
    const auto* mode = fields.member("mode");
    return mode == nullptr || *mode == "chat" || *mode == "completion" || *mode == "responses";
}

}  // namespace

Result<ModelCatalogue> read_flat_list(const json& list, std::string_view file) {
    ModelCatalogue catalogue;
    bool recognised = false;
    for (const auto& [name, entry] : list.items()) {
        if (name == "sample_spec") {  // documents the members of the other entries
            recognised = true;
            continue;
        }
        if (!entry.is_object()) continue;
        PriceFields fields(entry, std::string(file) + ": model \"" + name + '"');
        recognised |= fields.member("litellm_provider") != nullptr || fields.member("input_cost_per_token") != nullptr;
        if (!is_chat(fields)) continue;
        ModelTraits traits{.context_window = window_of(fields, "max_input_tokens"),
                           .max_output = window_of(fields, "max_output_tokens"),
                           .price = read_price(fields, entry)};
        if (fields.problem()) return *fields.problem();
        catalogue.set(name, std::move(traits));
    }
    if (recognised) return catalogue;
    return price_list_error(std::string(file) +
                            " is no price list: it has neither \"models\" nor entries with \"input_cost_per_token\"");
}

}  // namespace holysheep::accounting
