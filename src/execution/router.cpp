// Ranks regions by combining tracked health with the selector.
#include "execution/router.hpp"

#include <algorithm>
#include <exception>
#include <utility>

namespace holysheep::execution {

Router::Router(std::span<const Region> regions, const SelectorOptions& options,
               std::shared_ptr<const RegionSelector> custom, health::RegionHealthTracker& tracker,
               const resilience::Bulkhead& bulkhead, const telemetry::Log& log)
    : selector_(options, regions.size()),
      custom_(std::move(custom)),
      tracker_(tracker),
      bulkhead_(bulkhead),
      log_(log) {
    for (const auto& region : regions) {
        regions_.push_back({region.id, routing::hash_id(region.id), region.weight, region.tier});
    }
}

void Router::assess(std::size_t region, values::ModelId model, health::Awaited awaited, Clock::time_point now,
                    routing::Candidate& candidate) const {
    const auto view = tracker_.view(region, model, awaited, now);
    const auto& known = regions_[region];
    candidate.region = region;
    candidate.id_hash = known.id_hash;
    candidate.tier = known.tier;
    candidate.weight = known.weight;
    candidate.ramp = view.ramp;
    candidate.usable = view.usable;
    candidate.overdue = view.overdue;
    // Half-open: only one trial is sent at a time, and it goes where the call would have gone before the failures.
    const double error_rate = view.on_trial ? 0 : view.error_rate;
    const double ramp = view.on_trial ? 1 : view.ramp;
    candidate.latency = routing::expected(view.latency, view.mean_wait) + routing::kErrorCost * error_rate;
    candidate.cost = routing::cost(view.latency, view.mean_wait, error_rate, view.waiting, known.weight, ramp);
}

values::RegionFacts Router::facts(std::size_t region, Clock::time_point now) const {
    auto facts = tracker_.facts(region, now);
    routing::Candidate candidate;
    assess(region, 0, health::Awaited::stream, now, candidate);
    facts.cost = candidate.cost;
    facts.load_limit = bulkhead_.load_limit(region, now).value_or(0);
    return facts;
}

void Router::plan(const RouteRequest& request, Clock::time_point now, std::vector<std::size_t>& plan) {
    plan.clear();
    if (request.allowed.size() == 1) {
        plan.push_back(request.allowed.front());
        return;
    }
    if (custom_ && ask_custom(request, now, plan)) return;
    const values::ModelId model = tracker_.model_id(request.model);
    candidates_.resize(request.allowed.size());
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
        assess(request.allowed[i], model, request.awaited, now, candidates_[i]);
    }
    resilience::Random random(request.random);
    selector_.rank(candidates_, request.session, random, plan);
}

bool Router::ask_custom(const RouteRequest& request, Clock::time_point now, std::vector<std::size_t>& plan) const {
    std::vector<RegionHealth> healths;
    for (const auto region : request.allowed) {
        healths.push_back(values::to_health(regions_[region].id, facts(region, now), now));
    }
    try {
        for (const auto index : custom_->rank(
                 {.regions = healths, .model = request.model, .session = request.session, .random = request.random})) {
            if (index >= request.allowed.size()) continue;
            const auto region = request.allowed[index];
            if (std::ranges::find(plan, region) == plan.end()) plan.push_back(region);
        }
    } catch (const std::exception& error) {
        log_.write(LogLevel::error,
                   std::string("custom_selector threw: ") + error.what() + "; the built-in order is used");
        plan.clear();
    } catch (...) {
        log_.write(LogLevel::error, "custom_selector threw; the built-in order is used");
        plan.clear();
    }
    return !plan.empty();
}

}  // namespace holysheep::execution
