// Computes the cost of attempts. It is exact if the gateway reported usage, estimated if it did not, and zero if it
// refused the request.
#include "accounting/attempt_cost.hpp"

#include <holysheep/cost.hpp>

#include "accounting/token_counts.hpp"

namespace holysheep::accounting {

AttemptCost cost_of_attempt(const AttemptUse& use, const ModelPrice* price) {
    if (!use.maybe_billed) return {.cost = Money{0, price == nullptr ? "USD" : price->input.currency}};
    if (use.counted != nullptr && (price != nullptr || use.counted->reported_cost)) {
        static const ModelPrice none;
        return {.cost = cost_of(*use.counted, price == nullptr ? none : *price), .is_estimate = !use.answered};
    }
    if (price == nullptr || use.counted != nullptr) return {};
    return {.cost = cost_of(use.prompt_tokens, use.completion_tokens, *price), .is_estimate = true};
}

void CostSum::add(const std::optional<Money>& cost, bool is_estimate) {
    estimate_ |= is_estimate;
    if (!sum_ || !cost) {
        sum_.reset();
    } else if (sum_->nano == 0) {
        sum_ = cost;  // the empty sum has no currency
    } else if (cost->nano != 0 && !add_to(*sum_, *cost)) {
        sum_.reset();
    }
}

}  // namespace holysheep::accounting
