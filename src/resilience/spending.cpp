// Tracks spending. A call counts against the ceiling of its label and against the client's ceiling.
#include "resilience/spending.hpp"

namespace holysheep::resilience {

Spending::Spending(const BudgetOptions& options) {
    if (options.ceiling) {
        total_.emplace(options.ceiling->nano, options.per);
        currency_ = options.ceiling->currency;
    }
    for (const auto& [label, ceiling] : options.labels) {
        labels_.emplace(label, SlidingSum(ceiling.nano, options.per));
        currency_ = ceiling.currency;
    }
}

SlidingSum* Spending::of_label(std::string_view label) {
    const auto found = labels_.find(label);
    return found == labels_.end() ? nullptr : &found->second;
}

std::optional<Spending::Refusal> Spending::reserve(std::string_view label, std::int64_t amount, time_point now) {
    auto* by_label = of_label(label);
    for (auto* sum : {by_label, total_ ? &*total_ : nullptr}) {
        if (sum == nullptr || sum->fits(amount, now)) continue;
        return Refusal{.of_label = sum == by_label,
                       .ceiling = sum->limit(),
                       .spent = sum->sum(now),
                       .until = sum->fits_at(amount, now)};
    }
    if (by_label != nullptr) by_label->hold(amount);
    if (total_) total_->hold(amount);
    return std::nullopt;
}

void Spending::settle(std::string_view label, std::int64_t reserved, std::int64_t actual, time_point now) {
    for (auto* sum : {of_label(label), total_ ? &*total_ : nullptr}) {
        if (sum == nullptr) continue;
        sum->hold(actual - reserved);
        sum->book(actual, now);
    }
}

}  // namespace holysheep::resilience
