// Keeps counters, histograms and short histories under one mutex. A snapshot copies them and formats texts afterwards.
#include "telemetry/recorder.hpp"

#include <algorithm>
#include <utility>

#include "runtime/brief_lock.hpp"
#include "values/saturating.hpp"

namespace holysheep::telemetry {

namespace {

using namespace std::chrono_literals;
using runtime::lock_briefly;

constexpr auto kNoticeableWait = 1ms;
constexpr std::array<nanoseconds, 13> kOverheadBounds{1ms,   2ms,   5ms, 10ms,   25ms, 50ms, 100ms,
                                                      250ms, 500ms, 1s,  2500ms, 5s,   10s};

std::size_t index(ErrorCode code) { return static_cast<std::size_t>(code); }

template <class Counts>
std::vector<CauseCount> those_that_occurred(const Counts& counts) {
    std::vector<CauseCount> list;
    for (std::size_t i = 0; i < counts.size(); ++i) {
        if (counts[i] != 0) list.push_back({static_cast<ErrorCode>(i), counts[i]});
    }
    return list;
}

/// The entries of the ring, oldest first.
template <class T>
void unroll(const std::vector<T>& ring, std::size_t oldest, std::vector<T>& out) {
    const auto middle = ring.begin() + static_cast<std::ptrdiff_t>(oldest);
    out.insert(out.end(), middle, ring.end());
    out.insert(out.end(), ring.begin(), middle);
}

template <class T>
void put(std::vector<T>& ring, std::size_t& oldest, std::size_t most, const T& entry) {
    if (most == 0) return;
    if (ring.size() < most) {
        ring.push_back(entry);
    } else {
        ring[oldest] = entry;
        oldest = (oldest + 1) % most;
    }
}

}  // namespace

/// The part of a region that is copied while the mutex is locked.
struct Recorder::Copy {
    Tally tally;
    values::RegionFacts facts;
    LatencySummary latency, first_content, probe_rtt;
    std::vector<AttemptSample> history;
    std::vector<Route> routes;
};

Recorder::Recorder(std::vector<std::string> region_ids, time_point now, std::size_t history)
    : started_(now),
      history_(history),
      ids_(std::move(region_ids)),
      regions_(ids_.size()),
      overhead_buckets_(kOverheadBounds.size()) {
    for (auto& region : regions_) region.history.reserve(std::min(history, kDefaultHistory));
    changes_.reserve(kMaxChanges);
}

void Recorder::on_budgets(double retry_tokens, double hedge_tokens) {
    const auto lock = lock_briefly(mutex_);
    totals_.retry_budget_tokens = retry_tokens;
    totals_.hedge_budget_tokens = hedge_tokens;
}

void Recorder::on_call_started(bool stream) {
    const auto lock = lock_briefly(mutex_);
    ++totals_.calls;
    ++totals_.in_flight;
    if (stream) ++totals_.streams;
}

void Recorder::on_dispatch(std::size_t region, const AttemptRecord& attempt,
                           const std::optional<FailoverCause>& cause) {
    const auto lock = lock_briefly(mutex_);
    auto& tally = regions_[region].tally;
    ++totals_.attempts;
    ++tally.attempts;
    ++regions_[region].facts.in_flight;
    if (attempt.panic) ++totals_.panics;
    switch (attempt.kind) {
        case AttemptKind::hedge: ++totals_.hedges, ++tally.hedges; break;
        case AttemptKind::race: ++totals_.races, ++tally.races; break;
        case AttemptKind::rescue: ++totals_.rescues, ++tally.rescues; break;
        case AttemptKind::backup: ++totals_.backups, ++tally.backups; break;
        case AttemptKind::failover:
            if (cause) record_failover(regions_[cause->from], region, cause->cause);
            break;
        case AttemptKind::first:
        case AttemptKind::retry:
        case AttemptKind::fallback_model: break;
    }
    if (!cause) return;
    overhead_.add(cause->overhead);
    const auto bound = std::ranges::lower_bound(kOverheadBounds, cause->overhead);
    if (bound != kOverheadBounds.end()) ++overhead_buckets_[static_cast<std::size_t>(bound - kOverheadBounds.begin())];
}

void Recorder::record_failover(Region& from, std::size_t to, ErrorCode cause) {
    ++totals_.failovers;
    ++from.tally.failovers_away;
    ++from.tally.away_by[index(cause)];
    ++regions_[to].tally.failovers_to;
    const auto same =
        std::ranges::find_if(from.routes, [&](const Route& route) { return route.to == to && route.cause == cause; });
    if (same != from.routes.end()) {
        ++same->count;
    } else if (from.routes.size() < kMaxRoutes) {
        from.routes.push_back({to, cause, 1});
    }
}

void Recorder::on_attempt_end(std::size_t number, const AttemptRecord& attempt, const values::RegionFacts& facts,
                              std::int64_t wasted) {
    const auto lock = lock_briefly(mutex_);
    auto& region = regions_[number];
    auto& tally = region.tally;
    set_facts(number, facts);
    const auto took = attempt.timings.total.value_or(nanoseconds{});
    if (!attempt.error) {
        ++tally.succeeded;
        region.latency.add(took);
    } else if (*attempt.error == ErrorCode::cancelled) {
        ++tally.cancelled;
    } else {
        ++tally.failed;
        ++tally.failed_by[index(*attempt.error)];
        tally.last_error = attempt.error;
        if (attempt.timings.first_content) {
            ++tally.streams_cut;
            ++totals_.streams_cut;
        }
    }
    if (attempt.timings.first_content) region.first_content.add(*attempt.timings.first_content);
    values::add_saturating(tally.wasted_tokens, wasted);
    values::add_saturating(totals_.wasted_tokens, wasted);
    put(region.history, region.oldest, history_,
        {.at = std::max(nanoseconds{}, facts.as_of - started_),
         .latency = took,
         .first_content = attempt.timings.first_content,
         .error = attempt.error,
         .kind = attempt.kind,
         .http_status = attempt.http_status});
}

void Recorder::on_call_end(const CallEnd& call) {
    const auto lock = lock_briefly(mutex_);
    --totals_.in_flight;
    totals_.retry_budget_tokens = call.retry_tokens;
    totals_.hedge_budget_tokens = call.hedge_tokens;
    if (!call.error) {
        ++totals_.succeeded;
        latency_.add(call.total);
    } else if (*call.error == ErrorCode::cancelled) {
        ++totals_.cancelled;
    } else {
        ++totals_.failed;
    }
    if (call.queued >= kNoticeableWait) queued_.add(call.queued);
    if (call.attempts.size() > 1) {
        record_hedges(call.attempts);
        record_rescue(call.attempts);
    }
    models_.add(call.model, call.error, call.usage, call.attempts);
}

void Recorder::record_hedges(std::span<const AttemptRecord> attempts) {
    for (const auto& attempt : attempts) {
        if (attempt.kind != AttemptKind::hedge) continue;
        const auto id = std::ranges::find(ids_, attempt.region);
        if (id == ids_.end()) continue;
        auto& tally = regions_[static_cast<std::size_t>(id - ids_.begin())].tally;
        ++(attempt.winner ? tally.hedges_won : tally.hedges_lost);
        ++(attempt.winner ? totals_.hedges_won : totals_.hedges_lost);
    }
}

/// A rescue or race whose answer was used counts as a failover.
void Recorder::record_rescue(std::span<const AttemptRecord> attempts) {
    const auto winner = std::ranges::find(attempts, true, &AttemptRecord::winner);
    if (winner == attempts.end()) return;
    if (winner->kind != AttemptKind::race && winner->kind != AttemptKind::rescue && winner->kind != AttemptKind::backup)
        return;
    const std::span before(attempts.begin(), winner);
    const auto late = std::ranges::find_if(before.rbegin(), before.rend(), [&](const AttemptRecord& attempt) {
        return attempt.error == ErrorCode::cancelled && attempt.region != winner->region;
    });
    if (late == before.rend()) return;
    const auto from = std::ranges::find(ids_, late->region), to = std::ranges::find(ids_, winner->region);
    if (from == ids_.end() || to == ids_.end()) return;
    record_failover(regions_[static_cast<std::size_t>(from - ids_.begin())],
                    static_cast<std::size_t>(to - ids_.begin()), ErrorCode::timed_out);
}

void Recorder::on_probe(std::size_t region, bool answered, std::optional<nanoseconds> took) {
    const auto lock = lock_briefly(mutex_);
    ++regions_[region].tally.probes;
    if (!answered) ++regions_[region].tally.probes_failed;
    if (answered && took) regions_[region].probe_rtt.add(*took);
}

void Recorder::on_key(std::size_t key, std::optional<ErrorCode> refused_with, time_point now) {
    const auto lock = lock_briefly(mutex_);
    if (key >= keys_.size()) keys_.resize(key + 1);
    keys_[key] = {refused_with, now};
}

void Recorder::on_region(std::size_t region, const values::RegionFacts& facts) {
    const auto lock = lock_briefly(mutex_);
    set_facts(region, facts);
}

void Recorder::set_facts(std::size_t number, const values::RegionFacts& facts) {
    auto& known = regions_[number].facts;
    const bool turned = known.breaker != facts.breaker;
    if (turned) ++regions_[number].tally.breaker_to[static_cast<std::size_t>(facts.breaker)];
    const bool changed = turned || known.liveness != facts.liveness;
    known = facts;
    if (changed) {
        put(changes_, oldest_change_, kMaxChanges,
            {.at = std::max(nanoseconds{}, facts.as_of - started_), .region = number, .facts = facts});
    }
}

RegionStats Recorder::in_words(const std::string& id, Copy& copy, time_point now) {
    const auto& tally = copy.tally;
    RegionStats stats;
    stats.id = id;
    stats.health = values::to_health(id, copy.facts, now);
    stats.attempts = tally.attempts;
    stats.succeeded = tally.succeeded;
    stats.failed = tally.failed;
    stats.failovers_away = tally.failovers_away;
    stats.hedges = tally.hedges;
    stats.probes = tally.probes;
    stats.last_error = tally.last_error;
    stats.cancelled = tally.cancelled;
    stats.failovers_to = tally.failovers_to;
    stats.hedges_won = tally.hedges_won;
    stats.hedges_lost = tally.hedges_lost;
    stats.races = tally.races;
    stats.rescues = tally.rescues;
    stats.backups = tally.backups;
    stats.streams_cut = tally.streams_cut;
    stats.wasted_tokens = tally.wasted_tokens;
    stats.probes_failed = tally.probes_failed;
    stats.breaker_opened = tally.breaker_to[static_cast<std::size_t>(BreakerState::open)];
    stats.breaker_half_opened = tally.breaker_to[static_cast<std::size_t>(BreakerState::half_open)];
    stats.breaker_closed = tally.breaker_to[static_cast<std::size_t>(BreakerState::closed)];
    stats.weight = copy.facts.weight * copy.facts.ramp;
    stats.latency = copy.latency;
    stats.first_content = copy.first_content;
    stats.probe_rtt = copy.probe_rtt;
    stats.failed_by = those_that_occurred(tally.failed_by);
    stats.failovers_away_by = those_that_occurred(tally.away_by);
    stats.history = std::move(copy.history);
    return stats;
}

Stats Recorder::snapshot(time_point now) const {
    std::vector<Copy> copies(ids_.size());
    for (auto& copy : copies) copy.history.reserve(std::min(history_, kDefaultHistory));
    std::vector<Change> changes;
    changes.reserve(kMaxChanges);
    std::vector<Key> keys;
    std::vector<ModelStats> models;
    models.reserve(ModelTally::kMaxModels + 1);
    std::vector<std::uint64_t> buckets(kOverheadBounds.size());
    Stats stats;
    {
        const std::lock_guard lock(mutex_);
        stats = totals_;
        for (std::size_t i = 0; i < copies.size(); ++i) {
            const auto& region = regions_[i];
            auto& copy = copies[i];
            copy.tally = region.tally;
            copy.facts = region.facts;
            copy.latency = region.latency.summary();
            copy.first_content = region.first_content.summary();
            copy.probe_rtt = region.probe_rtt.summary();
            copy.routes = region.routes;
            unroll(region.history, region.oldest, copy.history);
        }
        unroll(changes_, oldest_change_, changes);
        keys = keys_;
        models.insert(models.end(), models_.all().begin(), models_.all().end());
        std::ranges::copy(overhead_buckets_, buckets.begin());
        stats.latency = latency_.summary();
        stats.queued = queued_.summary();
        stats.failover_overhead = overhead_.summary();
    }
    stats.uptime = now - started_;
    stats.models = std::move(models);
    std::uint64_t so_far = 0;
    for (std::size_t i = 0; i < buckets.size(); ++i) {
        stats.failover_overhead_buckets.push_back({kOverheadBounds[i], so_far += buckets[i]});
    }
    stats.regions.reserve(ids_.size());
    for (std::size_t i = 0; i < copies.size(); ++i) {
        for (const auto& route : copies[i].routes) {
            stats.failovers_by.push_back({ids_[i], ids_[route.to], route.cause, route.count});
        }
        stats.regions.push_back(in_words(ids_[i], copies[i], now));
    }
    for (const auto& change : changes) {
        stats.changes.push_back({.at = change.at,
                                 .region = ids_[change.region],
                                 .liveness = change.facts.liveness,
                                 .breaker = change.facts.breaker,
                                 .reason = values::to_health({}, change.facts, change.facts.as_of).reason});
    }
    for (const auto& key : keys) {
        auto& shown = stats.keys.emplace_back(KeyStats{.number = stats.keys.size(), .refused_with = key.refused_with});
        if (key.refused_with) shown.refused_for = std::chrono::duration_cast<milliseconds>(now - key.since);
    }
    return stats;
}

std::vector<RegionHealth> Recorder::healths(time_point now) const {
    std::vector<values::RegionFacts> facts;
    facts.reserve(ids_.size());
    {
        const std::lock_guard lock(mutex_);
        for (const auto& region : regions_) facts.push_back(region.facts);
    }
    std::vector<RegionHealth> healths;
    healths.reserve(ids_.size());
    for (std::size_t i = 0; i < facts.size(); ++i) healths.push_back(values::to_health(ids_[i], facts[i], now));
    return healths;
}

}  // namespace holysheep::telemetry
