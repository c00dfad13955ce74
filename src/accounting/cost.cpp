// Computes costs: multiplies tokens by prices, sums the products, and divides (and rounds) only once at the end.
#include <holysheep/cost.hpp>

#include <algorithm>
#include <limits>
#include <vector>

#include "accounting/token_counts.hpp"
#include "accounting/wide.hpp"

namespace holysheep {

namespace accounting {
namespace {

/// The price tier that applies to a context of this length, as a full tier.
PriceTier tier_for(const ModelPrice& price, std::int64_t context) {
    PriceTier chosen{0, price.input, price.cached_input, price.cache_write, price.output};
    for (const auto& tier : price.tiers) {
        if (context > tier.above_input_tokens && tier.above_input_tokens >= chosen.above_input_tokens) chosen = tier;
    }
    return chosen;
}

}  // namespace

TokenCounts count_tokens(const Usage& usage) {
    // An eighth of the range, so that no sum overflows; real counts are far below it.
    constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 8;
    const auto bounded = [&](std::int64_t tokens) { return std::clamp<std::int64_t>(tokens, 0, kMost); };
    const auto prompt = bounded(usage.prompt_tokens);
    TokenCounts counts{.cached = bounded(usage.cached_input_tokens), .cache_write = bounded(usage.cache_write_tokens)};
    const auto special = counts.cached + counts.cache_write;
    counts.plain = special > prompt ? prompt : prompt - special;
    counts.context = counts.plain + special;
    counts.output = std::max(bounded(usage.completion_tokens), bounded(usage.total_tokens) - counts.context);
    return counts;
}

std::optional<Money> price_tokens(const TokenCounts& counts, const ModelPrice& price) {
    if (price.per_tokens <= 0) return std::nullopt;
    const auto tier = tier_for(price, counts.context);
    const auto& cached = tier.cached_input ? *tier.cached_input : tier.input;
    const auto& cache_write = tier.cache_write ? *tier.cache_write : tier.input;
    for (const auto* part : {&cached, &cache_write, &tier.output}) {
        if (part->currency != tier.input.currency) return std::nullopt;
    }
    // Each product is below an eighth of the range, because the counts are bounded.
    auto sum = Wide::product(counts.plain, tier.input.nano);
    sum += Wide::product(counts.cached, cached.nano);
    sum += Wide::product(counts.cache_write, cache_write.nano);
    sum += Wide::product(counts.output, tier.output.nano);
    if (sum.is_negative()) return std::nullopt;
    sum += Wide(price.per_tokens / 2);
    const auto nano = sum.divided_by(price.per_tokens);
    if (!nano) return std::nullopt;
    return Money{*nano, tier.input.currency};
}

std::string_view fault_of(const ModelPrice& price) {
    if (price.per_tokens <= 0) return "per_tokens must be more than 0";
    std::vector<const Money*> amounts{&price.input, &price.output};
    for (const auto* amount : {&price.cached_input, &price.cache_write}) {
        if (*amount) amounts.push_back(&**amount);
    }
    for (const auto& tier : price.tiers) {
        amounts.insert(amounts.end(), {&tier.input, &tier.output});
        for (const auto* amount : {&tier.cached_input, &tier.cache_write}) {
            if (*amount) amounts.push_back(&**amount);
        }
    }
    for (const auto* amount : amounts) {
        if (amount->nano < 0) return "an amount is below 0";
        if (amount->currency != price.input.currency)
            return "its amounts are in several currencies; convert them to one";
    }
    return {};
}

bool add_to(Money& sum, const Money& more) {
    if (sum.currency != more.currency) return false;
    Wide nano(sum.nano);
    nano += Wide(more.nano);
    const auto fits = nano.divided_by(1);
    if (fits) sum.nano = *fits;
    return fits.has_value();
}

}  // namespace accounting

inline namespace v0 {

std::optional<Money> cost_of(const Usage& usage, const ModelPrice& price) {
    if (usage.reported_cost) return usage.reported_cost;
    if (!usage.present) return std::nullopt;
    return accounting::price_tokens(accounting::count_tokens(usage), price);
}

std::optional<Money> cost_of(std::int64_t prompt_tokens, std::int64_t output_tokens, const ModelPrice& price) {
    return cost_of(Usage{.present = true, .prompt_tokens = prompt_tokens, .completion_tokens = output_tokens}, price);
}

}  // namespace v0
}  // namespace holysheep
