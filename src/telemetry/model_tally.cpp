// Tallies models in a list with linear search, which is fastest for few models.
#include "telemetry/model_tally.hpp"

#include <algorithm>

#include "values/saturating.hpp"

namespace holysheep::telemetry {

namespace {

constexpr std::string_view kOther = "other";

/// Keeps one sum per currency, for at most four currencies.
void add_money(std::vector<Money>& sums, const Money& money) {
    const auto same = std::ranges::find(sums, money.currency, &Money::currency);
    if (same != sums.end()) {
        values::add_saturating(same->nano, money.nano);
    } else if (sums.size() < ModelTally::kMaxCurrencies) {
        sums.push_back(money);
    }
}

}  // namespace

ModelStats& ModelTally::find_or_add(std::string_view model) {
    model = model.substr(0, kMaxNameLength);
    const auto named = [&](std::string_view name) { return std::ranges::find(models_, name, &ModelStats::model); };
    if (const auto known = named(model); known != models_.end()) return *known;
    if (models_.size() >= kMaxModels) {
        if (const auto other = named(kOther); other != models_.end()) return *other;
        model = kOther;
    }
    return models_.emplace_back(ModelStats{.model = std::string(model)});
}

void ModelTally::add(std::string_view model, std::optional<ErrorCode> error, const Usage* usage,
                     std::span<const AttemptRecord> attempts) {
    if (model.empty()) return;
    auto& stats = find_or_add(model);
    ++stats.calls;
    ++(!error ? stats.succeeded : *error == ErrorCode::cancelled ? stats.cancelled : stats.failed);
    if (usage != nullptr && usage->present) {
        values::add_saturating(stats.prompt_tokens, usage->prompt_tokens);
        values::add_saturating(stats.completion_tokens, usage->billed_output_tokens());
        values::add_saturating(stats.cached_input_tokens, usage->cached_input_tokens);
        values::add_saturating(stats.reasoning_tokens, usage->reasoning_tokens);
    }
    bool priced = true;
    for (const auto& attempt : attempts) {
        if (!attempt.cost) {
            priced = false;
        } else if (attempt.cost->nano != 0) {
            add_money(attempt.cost_is_estimate ? stats.cost_estimated : stats.cost, *attempt.cost);
        }
    }
    if (!priced) ++stats.unpriced;
}

}  // namespace holysheep::telemetry
