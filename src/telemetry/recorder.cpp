// Plain counters under one mutex.
#include "telemetry/recorder.hpp"

#include <utility>

namespace holysheep::telemetry {

Recorder::Recorder(std::vector<std::string> region_ids, time_point now) : started_(now) {
    for (auto& id : region_ids) {
        Region region;
        region.stats.id = std::move(id);
        regions_.push_back(std::move(region));
    }
}

void Recorder::on_call_started(bool stream) {
    std::lock_guard lock(mutex_);
    ++totals_.calls;
    ++totals_.in_flight;
    if (stream) ++totals_.streams;
}

void Recorder::on_dispatch(std::size_t region, const AttemptRecord& attempt, std::optional<std::size_t> from) {
    std::lock_guard lock(mutex_);
    auto& [stats, facts] = regions_[region];
    ++totals_.attempts;
    ++stats.attempts;
    ++facts.in_flight;
    if (attempt.kind == AttemptKind::hedge) {
        ++totals_.hedges;
        ++stats.hedges;
    }
    if (attempt.panic) ++totals_.panics;
    if (from) {
        ++totals_.failovers;
        ++regions_[*from].stats.failovers_away;
    }
}

void Recorder::on_attempt_end(std::size_t region, const AttemptRecord& attempt, const values::RegionFacts& facts) {
    std::lock_guard lock(mutex_);
    auto& stats = regions_[region].stats;
    regions_[region].facts = facts;
    if (!attempt.error) {
        ++stats.succeeded;
    } else if (*attempt.error != ErrorCode::cancelled) {
        ++stats.failed;
        stats.last_error = attempt.error;
    }
}

void Recorder::on_call_end(std::optional<ErrorCode> error, double retry_tokens, double hedge_tokens) {
    std::lock_guard lock(mutex_);
    --totals_.in_flight;
    totals_.retry_budget_tokens = retry_tokens;
    totals_.hedge_budget_tokens = hedge_tokens;
    if (!error) {
        ++totals_.succeeded;
    } else if (*error == ErrorCode::cancelled) {
        ++totals_.cancelled;
    } else {
        ++totals_.failed;
    }
}

void Recorder::on_probe(std::size_t region) {
    std::lock_guard lock(mutex_);
    ++regions_[region].stats.probes;
}

void Recorder::on_key(std::size_t key, std::optional<ErrorCode> refused_with, time_point now) {
    std::lock_guard lock(mutex_);
    if (key >= keys_.size()) keys_.resize(key + 1);
    keys_[key] = {refused_with, now};
}

void Recorder::on_region(std::size_t region, const values::RegionFacts& facts) {
    std::lock_guard lock(mutex_);
    regions_[region].facts = facts;
}

Stats Recorder::snapshot(time_point now) const {
    std::lock_guard lock(mutex_);
    auto stats = totals_;
    stats.uptime = now - started_;
    stats.regions.reserve(regions_.size());
    for (const auto& region : regions_) {
        stats.regions.push_back(region.stats);
        stats.regions.back().health = values::to_health(region.stats.id, region.facts, now);
    }
    for (const auto& key : keys_) {
        auto& shown = stats.keys.emplace_back(KeyStats{.number = stats.keys.size(), .refused_with = key.refused_with});
        if (key.refused_with) shown.refused_for = std::chrono::duration_cast<milliseconds>(now - key.since);
    }
    return stats;
}

}  // namespace holysheep::telemetry
