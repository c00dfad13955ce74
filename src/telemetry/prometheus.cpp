// Writes the statistics in Prometheus' text format.
// https://github.com/prometheus/docs/blob/main/docs/instrumenting/exposition_formats.md
#include <algorithm>
#include <array>
#include <map>

#include <holysheep/stats.hpp>

#include "telemetry/metric_text.hpp"

namespace holysheep {
inline namespace v0 {

namespace {

using telemetry::MetricText;
using Type = MetricText::Type;

double number_of(BreakerState state) {
    switch (state) {
        case BreakerState::closed: return 0;
        case BreakerState::half_open: return 1;
        case BreakerState::open: return 2;
    }
    return 0;
}

void write_calls(const Stats& stats, MetricText& out) {
    out.family("uptime_seconds", Type::gauge, "Time since the client was made.");
    out.sample({}, MetricText::seconds(stats.uptime));
    out.family("calls_total", Type::counter, "Calls that are over, by how they ended.");
    out.sample({{"result", "ok"}}, stats.succeeded);
    out.sample({{"result", "error"}}, stats.failed);
    out.sample({{"result", "cancelled"}}, stats.cancelled);
    out.family("calls_inflight", Type::gauge, "Calls that are under way.");
    out.sample({}, stats.in_flight);
    out.family("streams_total", Type::counter, "Calls that asked for a stream.");
    out.sample({}, stats.streams);
    out.family("call_duration_seconds", Type::summary,
               "Calls that succeeded, from their start to the answer's end. Quantiles since the client began.");
    out.summary({}, stats.latency);
    out.family("ratelimit_wait_seconds", Type::summary,
               "Waits of at least a millisecond before a call's first attempt, for a limit or a quota.");
    out.summary({}, stats.queued);
    out.family("failover_overhead_seconds", Type::histogram,
               "From the first sign of a failure, or its absence when it was due, to the next attempt.");
    out.histogram(stats.failover_overhead_buckets, stats.failover_overhead);
    out.family("failovers_total", Type::counter,
               "Calls that went elsewhere after an attempt failed (its error class) or was silent (timed_out).");
    for (const auto& [from, to, cause, count] : stats.failovers_by) {
        out.sample({{"from", from}, {"to", to}, {"cause", to_string(cause)}}, count);
    }
    out.family("hedges_total", Type::counter, "Second attempts beside a slow one, by whether they gave the answer.");
    out.sample({{"outcome", "won"}}, stats.hedges_won);
    out.sample({{"outcome", "lost"}}, stats.hedges_lost);
    out.family("retry_budget_tokens", Type::gauge, "Extra attempts that the client may still make.");
    out.sample({}, stats.retry_budget_tokens);
    out.family("hedge_budget_tokens", Type::gauge, "Hedges that the client may still send.");
    out.sample({}, stats.hedge_budget_tokens);
    out.family("panic_total", Type::counter, "Calls that were sent although every region was blocked.");
    out.sample({}, stats.panics);
    out.family("dropped_total", Type::counter, "What did not fit into a bounded queue of the client, by kind.");
    out.sample({{"kind", "listener_record"}}, stats.dropped.listener_records);
    out.sample({{"kind", "callback_call"}}, stats.dropped.callback_calls);
    out.sample({{"kind", "unread_stream"}}, stats.dropped.unread_streams);
}

/// Limits count each account separately. A label for a key would reveal it or change with each new key, so all accounts
/// of a model form one series.
void write_limits(const Stats& stats, MetricText& out) {
    std::map<std::string_view, RateLimitLevel> models;
    for (const auto& level : stats.limits) {
        auto& sum = models[level.model];
        sum.requests_used += level.requests_used;
        sum.requests_limit += level.requests_limit;
        sum.waiting += level.waiting;
    }
    out.family("ratelimit_requests", Type::gauge, "Places taken in the current window, by model, of all accounts.");
    for (const auto& [model, sum] : models) {
        if (sum.requests_limit > 0) out.sample({{"model", model}}, sum.requests_used);
    }
    out.family("ratelimit_waiting", Type::gauge, "Calls in the queue for a place, by model, of all accounts.");
    for (const auto& [model, sum] : models) out.sample({{"model", model}}, sum.waiting);
}

/// One family with a sample per region.
template <class Value>
void per_region(const Stats& stats, MetricText& out, const char* name, Type type, const char* help, Value value) {
    out.family(name, type, help);
    for (const auto& region : stats.regions) out.sample({{"region", region.id}}, value(region));
}

constexpr std::array kUsualCauses{
    ErrorCode::timed_out,     ErrorCode::rate_limited,       ErrorCode::transport_failed,   ErrorCode::tls_failed,
    ErrorCode::server_failed, ErrorCode::malformed_response, ErrorCode::stream_interrupted, ErrorCode::stream_stalled};

void write_attempts(const Stats& stats, MetricText& out) {
    out.family("attempts_total", Type::counter, "Attempts that are over, by how they ended and the error class.");
    for (const auto& region : stats.regions) {
        out.sample({{"region", region.id}, {"result", "ok"}, {"cause", "none"}}, region.succeeded);
        out.sample({{"region", region.id}, {"result", "cancelled"}, {"cause", "cancelled"}}, region.cancelled);
        // Starts at 0: rate() and increase() would miss the first failure of a series that starts with it.
        auto failed = region.failed_by;
        for (const auto cause : kUsualCauses) {
            if (std::ranges::find(failed, cause, &CauseCount::cause) == failed.end()) failed.push_back({cause, 0});
        }
        for (const auto& [cause, count] : failed) {
            out.sample({{"region", region.id}, {"result", "error"}, {"cause", to_string(cause)}}, count);
        }
    }
    out.family("attempt_duration_seconds", Type::summary,
               "Attempts that answered, from dispatch to the answer's end. Quantiles since the client began.");
    for (const auto& region : stats.regions) out.summary({{"region", region.id}}, region.latency);
    out.family("region_first_token_seconds", Type::summary,
               "Streams, from dispatch to the first content. Quantiles since the client began.");
    for (const auto& region : stats.regions) out.summary({{"region", region.id}}, region.first_content);
    per_region(stats, out, "inflight", Type::gauge, "Attempts that are under way.",
               [](const auto& r) { return r.health.in_flight; });
    per_region(stats, out, "races_total", Type::counter, "Attempts sent here because a connection elsewhere was late.",
               [](const auto& r) { return r.races; });
    per_region(stats, out, "rescues_total", Type::counter, "Attempts sent here because another region fell silent.",
               [](const auto& r) { return r.rescues; });
    per_region(stats, out, "backups_total", Type::counter,
               "Attempts sent here beside a trial, or because a deadline came near.",
               [](const auto& r) { return r.backups; });
    per_region(stats, out, "stream_interrupted_total", Type::counter, "Attempts that broke after content.",
               [](const auto& r) { return r.streams_cut; });
    per_region(stats, out, "wasted_tokens_total", Type::counter, "Completion tokens of attempts that failed or lost.",
               [](const auto& r) { return r.wasted_tokens; });
}

void write_health(const Stats& stats, MetricText& out) {
    constexpr Liveness kAll[] = {Liveness::unknown, Liveness::healthy,    Liveness::suspect,
                                 Liveness::down,    Liveness::recovering, Liveness::draining};
    out.family("region_state", Type::gauge, "1 for the state that the region is in.");
    for (const auto& region : stats.regions) {
        for (const auto state : kAll) {
            out.sample({{"region", region.id}, {"state", to_string(state)}}, region.health.liveness == state ? 1 : 0);
        }
    }
    per_region(stats, out, "breaker_state", Type::gauge, "0 closed, 1 half open, 2 open.",
               [](const auto& r) { return number_of(r.health.breaker); });
    out.family("breaker_transitions_total", Type::counter, "Changes of the breaker, by the state it went to.");
    for (const auto& region : stats.regions) {
        out.sample({{"region", region.id}, {"to", "open"}}, region.breaker_opened);
        out.sample({{"region", region.id}, {"to", "half_open"}}, region.breaker_half_opened);
        out.sample({{"region", region.id}, {"to", "closed"}}, region.breaker_closed);
    }
    per_region(stats, out, "region_cost", Type::gauge,
               "What the adaptive strategy compares, in milliseconds: the lowest is chosen.",
               [](const auto& r) { return r.health.cost; });
    per_region(stats, out, "region_score", Type::gauge, "0 to 100, for display.",
               [](const auto& r) { return r.health.score; });
    per_region(stats, out, "region_error_ratio", Type::gauge, "Moving average of failed attempts, 0 to 1.",
               [](const auto& r) { return r.health.error_rate; });
    per_region(stats, out, "region_weight", Type::gauge, "The weight in force: less than configured while it recovers.",
               [](const auto& r) { return r.weight; });
    per_region(stats, out, "quota_until_seconds", Type::gauge, "Time left of a pause that the gateway asked for.",
               [](const auto& r) { return MetricText::seconds(r.health.limited_for.value_or(milliseconds{})); });
    out.family("region_load_limit", Type::gauge,
               "Requests that the region takes at a time, learned from what it refused; without a sample: no limit.");
    for (const auto& region : stats.regions) {
        if (const auto& limit = region.health.load_limit) out.sample({{"region", region.id}}, *limit);
    }
    out.family("probes_total", Type::counter, "Probes, by whether they were answered well.");
    for (const auto& region : stats.regions) {
        out.sample({{"region", region.id}, {"result", "ok"}}, region.probes - region.probes_failed);
        out.sample({{"region", region.id}, {"result", "error"}}, region.probes_failed);
    }
    out.family("probe_rtt_seconds", Type::summary, "Probes that were answered, from dispatch to the answer's head.");
    for (const auto& region : stats.regions) out.summary({{"region", region.id}}, region.probe_rtt);
}

void write_models(const Stats& stats, MetricText& out) {
    out.family("model_calls_total", Type::counter, "Calls that are over, by model and how they ended.");
    for (const auto& model : stats.models) {
        out.sample({{"model", model.model}, {"result", "ok"}}, model.succeeded);
        out.sample({{"model", model.model}, {"result", "error"}}, model.failed);
        out.sample({{"model", model.model}, {"result", "cancelled"}}, model.cancelled);
    }
    out.family("tokens_total", Type::counter,
               "Tokens of answers. cached_input is a part of input, reasoning one of output.");
    for (const auto& model : stats.models) {
        out.sample({{"model", model.model}, {"type", "input"}}, model.prompt_tokens);
        out.sample({{"model", model.model}, {"type", "cached_input"}}, model.cached_input_tokens);
        out.sample({{"model", model.model}, {"type", "output"}}, model.completion_tokens);
        out.sample({{"model", model.model}, {"type", "reasoning"}}, model.reasoning_tokens);
    }
    out.family("cost_total", Type::counter, "What calls cost, in units of the currency.");
    for (const auto& model : stats.models) {
        for (const auto* kind : {"known", "estimated"}) {
            for (const auto& sum : kind[0] == 'k' ? model.cost : model.cost_estimated) {
                out.sample({{"model", model.model}, {"currency", sum.currency}, {"basis", kind}},
                           static_cast<double>(sum.nano) / 1e9);
            }
        }
    }
    out.family("unpriced_calls_total", Type::counter, "Calls of which an attempt's cost is not known.");
    for (const auto& model : stats.models) out.sample({{"model", model.model}}, model.unpriced);
}

}  // namespace

std::string Stats::to_prometheus() const {
    MetricText out;
    write_calls(*this, out);
    write_limits(*this, out);
    write_attempts(*this, out);
    write_health(*this, out);
    write_models(*this, out);
    return out.take();
}

}  // namespace v0
}  // namespace holysheep
