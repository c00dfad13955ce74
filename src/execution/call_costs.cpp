// Prices attempts by the model that answered, or else by the one that was requested.
#include "execution/call_costs.hpp"

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <utility>

#include "accounting/attempt_cost.hpp"
#include "accounting/prompt_estimate.hpp"

namespace holysheep::execution {

namespace {

/// The model that answered is billed; if its name is not in the catalogue, the requested one.
const ModelPrice* price_among(const ModelCatalogue& catalogue, std::initializer_list<std::string_view> names) {
    std::string_view before;  // usually all names are equal
    for (const auto name : names) {
        if (name == std::exchange(before, name)) continue;
        if (const auto* price = catalogue.price(name)) return price;
    }
    return nullptr;
}

accounting::Account ledger_account(const AttemptRecord& attempt, const Exchange& exchange,
                                   std::optional<std::size_t> key) {
    return {.model = attempt.model,
            .region = attempt.region,
            .label = exchange.label,
            .key = static_cast<int>(key.value_or(0)),
            .currency = attempt.cost ? std::string_view(attempt.cost->currency) : "USD"};
}

}  // namespace

std::int64_t CallCosts::estimated_answer(const Attempt& attempt) const {
    const auto tokens = accounting::estimated_tokens(attempt.content_bytes());
    return std::min(tokens, exchange_.size.answer_tokens.value_or(tokens));
}

void CallCosts::price(Attempt& attempt, std::optional<std::size_t> key) const {
    if (exchange_.kind == ExchangeKind::raw) return;
    const auto& answer = attempt.answer_so_far();
    const auto catalogue = catalogue_.get();
    const accounting::AttemptUse use{.counted = answer.usage.present ? &answer.usage : nullptr,
                                     .answered = attempt.outcome().answered,
                                     .maybe_billed = attempt.maybe_billed(),
                                     .prompt_tokens = exchange_.size.prompt_tokens,
                                     .completion_tokens = estimated_answer(attempt)};
    auto& record = attempt.record;
    const auto cost =
        accounting::cost_of_attempt(use, price_among(*catalogue, {answer.model, record.model, attempt.asked_model}));
    record.cost = cost.cost;
    record.cost_is_estimate = cost.is_estimate;
    ledger_.add(ledger_account(record, exchange_, key),
                {.counted = use.counted,
                 .estimated_prompt_tokens = use.maybe_billed ? use.prompt_tokens : 0,
                 .estimated_completion_tokens = use.maybe_billed ? use.completion_tokens : 0,
                 .cost = record.cost ? &*record.cost : nullptr,
                 .cost_is_estimate = record.cost_is_estimate});
}

void CallCosts::count_call(const Attempt& last, std::optional<std::size_t> key) const {
    if (exchange_.kind == ExchangeKind::raw) return;
    ledger_.add_call(ledger_account(last.record, exchange_, key));
}

void CallCosts::sum(const std::list<Attempt>& attempts, ChatCompletion& joined) {
    accounting::CostSum sum;
    for (const auto& attempt : attempts) {
        if (attempt.gave_content) sum.add(attempt.record.cost, attempt.record.cost_is_estimate);
    }
    joined.cost = sum.cost();
    joined.cost_is_estimate = sum.is_estimate();
}

std::optional<Money> CallCosts::total(const std::list<Attempt>& attempts) {
    accounting::CostSum sum;
    for (const auto& attempt : attempts) sum.add(attempt.record.cost, attempt.record.cost_is_estimate);
    return sum.cost();
}

void CallCosts::sum(CallRecord& call) const {
    if (exchange_.kind == ExchangeKind::raw) return;
    accounting::CostSum sum;
    for (const auto& attempt : call.attempts) sum.add(attempt.cost, attempt.cost_is_estimate);
    call.cost = sum.cost();
    call.cost_is_estimate = sum.is_estimate();
}

}  // namespace holysheep::execution
