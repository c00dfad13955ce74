// Plain counters under one mutex.
#include "telemetry/recorder.hpp"

#include <utility>

namespace holysheep::telemetry {

Recorder::Recorder(std::vector<std::string> region_ids, double budget_tokens, time_point now) : started_(now) {
    totals_.retry_budget_tokens = budget_tokens;
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

void Recorder::on_dispatch(std::size_t region, std::optional<std::size_t> from) {
    std::lock_guard lock(mutex_);
    ++totals_.attempts;
    ++regions_[region].stats.attempts;
    ++regions_[region].stats.in_flight;
    if (from) {
        ++totals_.failovers;
        ++regions_[*from].stats.failovers_away;
    }
}

void Recorder::on_attempt_end(std::size_t region, const AttemptRecord& attempt, const Gauges& gauges) {
    std::lock_guard lock(mutex_);
    auto& [stats, limited_until] = regions_[region];
    stats.in_flight = gauges.in_flight;
    stats.error_rate = gauges.error_rate;
    limited_until = gauges.limited_until;
    if (gauges.charged) stats.failing = true;
    if (!attempt.error) {
        ++stats.succeeded;
        stats.failing = false;
    } else if (*attempt.error != ErrorCode::cancelled) {
        ++stats.failed;
        stats.last_error = attempt.error;
    }
}

void Recorder::on_call_end(std::optional<ErrorCode> error, double budget_tokens) {
    std::lock_guard lock(mutex_);
    --totals_.in_flight;
    totals_.retry_budget_tokens = budget_tokens;
    if (!error) {
        ++totals_.succeeded;
    } else if (*error == ErrorCode::cancelled) {
        ++totals_.cancelled;
    } else {
        ++totals_.failed;
    }
}

void Recorder::on_draining(std::size_t region, bool draining) {
    std::lock_guard lock(mutex_);
    regions_[region].stats.draining = draining;
}

Stats Recorder::snapshot(time_point now) const {
    std::lock_guard lock(mutex_);
    auto stats = totals_;
    stats.uptime = now - started_;
    stats.regions.reserve(regions_.size());
    for (const auto& region : regions_) {
        auto& copy = stats.regions.emplace_back(region.stats);
        if (region.limited_until > now) copy.limited_for = std::chrono::ceil<milliseconds>(region.limited_until - now);
    }
    return stats;
}

}  // namespace holysheep::telemetry
