// Extrapolates the cost of one call to a month.
#include <holysheep/return_on_investment.hpp>

#include <algorithm>
#include <cmath>

#include "accounting/token_counts.hpp"
#include "accounting/wide.hpp"

namespace holysheep {
inline namespace v0 {
namespace {

std::int64_t part_of(std::int64_t whole, double share) {
    return std::clamp<std::int64_t>(std::llround(static_cast<double>(whole) * share), 0, whole);
}

bool is_share(double share) { return share >= 0 && share <= 1; }

}  // namespace

std::optional<Money> monthly_cost(const MonthlyUse& use, const ModelPrice& price) {
    constexpr std::int64_t kMost = std::int64_t{1} << 60U;
    if (use.tokens < 0 || use.tokens > kMost || !is_share(use.input_share) || !is_share(use.cached_share)) {
        return std::nullopt;
    }
    const auto input = part_of(use.tokens, use.input_share);
    const auto cached = part_of(input, use.cached_share);
    return accounting::price_tokens({.plain = input - cached, .cached = cached, .output = use.tokens - input}, price);
}

std::optional<Money> cost_on(const CostLedger& ledger, const ModelPrice& price) {
    Money sum{0, price.input.currency};
    for (const auto& line : ledger.lines) {
        auto counts = accounting::count_tokens({.present = true,
                                                .prompt_tokens = line.prompt_tokens,
                                                .completion_tokens = line.completion_tokens,
                                                .cached_input_tokens = line.cached_input_tokens,
                                                .cache_write_tokens = line.cache_write_tokens});
        const auto estimated = accounting::count_tokens({.present = true,
                                                         .prompt_tokens = line.estimated_prompt_tokens,
                                                         .completion_tokens = line.estimated_completion_tokens});
        counts.plain += estimated.plain;
        counts.output += estimated.output;
        const auto attempts = static_cast<std::int64_t>(std::clamp<std::uint64_t>(line.attempts, 1, 1ULL << 60U));
        counts.context = (counts.context + estimated.context) / attempts;
        const auto cost = accounting::price_tokens(counts, price);
        if (!cost || !accounting::add_to(sum, *cost)) return std::nullopt;
    }
    return sum;
}

std::optional<Saving> saving(const Money& from, const Money& to) {
    auto saved = from;
    if (to.nano == INT64_MIN || !accounting::add_to(saved, {-to.nano, to.currency})) return std::nullopt;
    if (from.nano == 0) return Saving{.saved = saved};
    // In hundredths of a percent, so that only the result is a binary fraction.
    using accounting::Wide;
    auto hundredths = Wide::product(saved.nano, 10'000);
    const Wide half(from.nano / 2);
    hundredths += hundredths.is_negative() == (from.nano < 0) ? half : -half;
    const auto rounded = hundredths.divided_by(from.nano);
    return Saving{.saved = saved,
                  .percent = rounded ? static_cast<double>(*rounded) / 100
                                     : 100 * static_cast<double>(saved.nano) / static_cast<double>(from.nano)};
}

}  // namespace v0
}  // namespace holysheep
