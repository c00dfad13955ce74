// Formats numbers of the statistics as cells of tables.
#include "telemetry/table_text.hpp"

#include <algorithm>

namespace holysheep::telemetry {

nanoseconds shown_p99(const LatencySummary& summary) {
    constexpr double kError = 0.032;
    const auto least = static_cast<double>(summary.average.count()) * (1 - kError);
    return static_cast<double>(summary.p99.count()) >= least ? std::max(summary.p99, summary.average) : summary.p99;
}

std::string_view reason_to_tell(const RegionHealth& health) {
    const bool well = health.liveness == Liveness::healthy && health.breaker == BreakerState::closed;
    return well && health.reason == "answers" ? std::string_view() : health.reason;
}

std::string unknown_cost(const ModelStats& model) {
    if (model.unpriced == 0) return {};
    if (model.cost.empty() && model.cost_estimated.empty()) return "cost unknown";
    return "cost of " + std::to_string(model.unpriced) + (model.unpriced == 1 ? " call" : " calls") + " unknown";
}

}  // namespace holysheep::telemetry
