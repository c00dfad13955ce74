// Writes the statistics as JSON. The names are part of the interface; stats.hpp defines how they are formed.
#include <holysheep/stats.hpp>

#include <nlohmann/json.hpp>

namespace holysheep {
inline namespace v0 {

namespace {

using Json = nlohmann::ordered_json;

double in_ms(nanoseconds span) { return static_cast<double>(span.count()) / 1e6; }

Json to_json(const LatencySummary& summary) {
    return {{"count", summary.count},       {"average_ms", in_ms(summary.average)}, {"min_ms", in_ms(summary.min)},
            {"max_ms", in_ms(summary.max)}, {"p50_ms", in_ms(summary.p50)},         {"p95_ms", in_ms(summary.p95)},
            {"p99_ms", in_ms(summary.p99)}, {"sum_ms", in_ms(summary.sum)}};
}

Json to_json(const std::vector<CauseCount>& counts) {
    auto json = Json::object();
    for (const auto& [cause, count] : counts) json[std::string(to_string(cause))] = count;
    return json;
}

Json to_json(const std::vector<Money>& sums) {
    auto json = Json::array();
    for (const auto& sum : sums) {
        json.push_back({{"currency", sum.currency}, {"amount", static_cast<double>(sum.nano) / 1e9}});
    }
    return json;
}

Json to_json(const AttemptSample& sample) {
    Json json{{"at_ms", in_ms(sample.at)}, {"latency_ms", in_ms(sample.latency)}};
    if (sample.first_content) json["first_content_ms"] = in_ms(*sample.first_content);
    json["kind"] = to_string(sample.kind);
    json["http_status"] = sample.http_status;
    if (sample.error) json["error"] = to_string(*sample.error);
    return json;
}

Json to_json(const RegionStats& region) {
    const auto& health = region.health;
    Json json{{"id", region.id},
              {"liveness", to_string(health.liveness)},
              {"breaker", to_string(health.breaker)},
              {"reason", health.reason},
              {"score", health.score},
              {"cost", health.cost},
              {"weight", region.weight},
              {"error_rate", health.error_rate},
              {"in_flight", health.in_flight},
              {"attempts", region.attempts},
              {"succeeded", region.succeeded},
              {"failed", region.failed},
              {"cancelled", region.cancelled},
              {"failovers_away", region.failovers_away},
              {"failovers_to", region.failovers_to},
              {"hedges", region.hedges},
              {"hedges_won", region.hedges_won},
              {"hedges_lost", region.hedges_lost},
              {"races", region.races},
              {"rescues", region.rescues},
              {"backups", region.backups},
              {"streams_cut", region.streams_cut},
              {"wasted_tokens", region.wasted_tokens},
              {"probes", region.probes},
              {"probes_failed", region.probes_failed},
              {"breaker_opened", region.breaker_opened},
              {"breaker_half_opened", region.breaker_half_opened},
              {"breaker_closed", region.breaker_closed}};
    if (const auto rate = region.success_rate()) json["success_rate"] = *rate;
    json["latency"] = to_json(region.latency);
    json["first_content"] = to_json(region.first_content);
    json["probe_rtt"] = to_json(region.probe_rtt);
    json["failed_by"] = to_json(region.failed_by);
    json["failovers_away_by"] = to_json(region.failovers_away_by);
    const auto add = [&](const char* name, const std::optional<milliseconds>& span) {
        if (span) json[name] = span->count();
    };
    add("rtt_ms", health.rtt);
    add("first_token_ms", health.first_token);
    add("first_token_p50_ms", health.first_token_p50);
    add("first_token_p95_ms", health.first_token_p95);
    add("first_token_p99_ms", health.first_token_p99);
    add("probe_ms", health.probe);
    add("limited_for_ms", health.limited_for);
    add("open_for_ms", health.open_for);
    if (health.load_limit) json["load_limit"] = *health.load_limit;
    if (region.last_error) json["last_error"] = to_string(*region.last_error);
    auto& history = json["history"] = Json::array();
    for (const auto& sample : region.history) history.push_back(to_json(sample));
    return json;
}

Json to_json(const ModelStats& model) {
    return {{"model", model.model},
            {"calls", model.calls},
            {"succeeded", model.succeeded},
            {"failed", model.failed},
            {"cancelled", model.cancelled},
            {"prompt_tokens", model.prompt_tokens},
            {"completion_tokens", model.completion_tokens},
            {"cached_input_tokens", model.cached_input_tokens},
            {"reasoning_tokens", model.reasoning_tokens},
            {"cost", to_json(model.cost)},
            {"cost_estimated", to_json(model.cost_estimated)},
            {"unpriced", model.unpriced}};
}

Json to_json(const KeyStats& key) {
    Json json{{"number", key.number}};
    if (key.refused_with) json["refused_with"] = to_string(*key.refused_with);
    if (key.refused_for) json["refused_for_ms"] = key.refused_for->count();
    return json;
}

Json to_json(const RateLimitLevel& level) {
    Json json{{"model", level.model},
              {"requests_used", level.requests_used},
              {"requests_limit", level.requests_limit},
              {"tokens_used", level.tokens_used},
              {"tokens_limit", level.tokens_limit},
              {"waiting", level.waiting}};
    if (level.next_in) json["next_in_ms"] = level.next_in->count();
    return json;
}

template <class T>
Json list_of(const std::vector<T>& entries) {
    auto list = Json::array();
    for (const auto& entry : entries) list.push_back(to_json(entry));
    return list;
}

}  // namespace

std::string Stats::to_json() const {
    Json json{{"uptime_seconds", std::chrono::duration<double>(uptime).count()},
              {"in_flight", in_flight},
              {"calls", calls},
              {"succeeded", succeeded},
              {"failed", failed},
              {"cancelled", cancelled},
              {"streams", streams},
              {"attempts", attempts},
              {"failovers", failovers},
              {"hedges", hedges},
              {"hedges_won", hedges_won},
              {"hedges_lost", hedges_lost},
              {"races", races},
              {"rescues", rescues},
              {"backups", backups},
              {"panics", panics},
              {"streams_cut", streams_cut},
              {"wasted_tokens", wasted_tokens},
              {"retry_budget_tokens", retry_budget_tokens},
              {"hedge_budget_tokens", hedge_budget_tokens}};
    if (const auto rate = success_rate()) json["success_rate"] = *rate;
    json["latency"] = v0::to_json(latency);
    json["queued"] = v0::to_json(queued);
    json["failover_overhead"] = v0::to_json(failover_overhead);
    auto& buckets = json["failover_overhead_buckets"] = Json::array();
    for (const auto& [up_to, count] : failover_overhead_buckets) {
        buckets.push_back({{"up_to_ms", in_ms(up_to)}, {"count", count}});
    }
    auto& by = json["failovers_by"] = Json::array();
    for (const auto& [from, to, cause, count] : failovers_by) {
        by.push_back({{"from", from}, {"to", to}, {"cause", to_string(cause)}, {"count", count}});
    }
    json["dropped"] = {{"listener_records", dropped.listener_records},
                       {"callback_calls", dropped.callback_calls},
                       {"unread_streams", dropped.unread_streams}};
    json["regions"] = list_of(regions);
    json["models"] = list_of(models);
    json["keys"] = list_of(keys);
    json["limits"] = list_of(limits);
    auto& turns = json["changes"] = Json::array();
    for (const auto& change : changes) {
        turns.push_back({{"at_ms", in_ms(change.at)},
                         {"region", change.region},
                         {"liveness", to_string(change.liveness)},
                         {"breaker", to_string(change.breaker)},
                         {"reason", change.reason}});
    }
    return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace v0
}  // namespace holysheep
