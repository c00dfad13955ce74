// Implements the probe logic of the tracker: when a region is probed, and the effect of an answer or its absence.
#include <algorithm>

#include "health/region_health_tracker.hpp"

namespace holysheep::health {

namespace {

using namespace std::chrono_literals;

constexpr auto kIdleAfter = 5min;
constexpr milliseconds kIdlePeriod = 60s;
constexpr auto kMinProbeTimeout = 50ms;
constexpr auto kProbeGrace = 30ms;
constexpr auto kThrottledProbesFor = 10min;

}  // namespace

void RegionHealthTracker::start_probes(time_point now) {
    last_call_at_ = now;
    for (auto& r : regions_) {
        r.next_probe = now + std::chrono::round<nanoseconds>(health_.unhealthy_interval * random_.uniform());
    }
}

milliseconds RegionHealthTracker::probe_period(const RegionState& r, time_point now) const {
    const bool calm = r.known && r.misses == 0 && liveness(r, now) != Liveness::down &&
                      liveness(r, now) != Liveness::recovering && liveness(r, now) != Liveness::suspect;
    const auto period = calm ? health_.interval : health_.unhealthy_interval;
    return now - last_call_at_ > kIdleAfter ? std::max(period, kIdlePeriod) : period;
}

void RegionHealthTracker::schedule_probe(RegionState& r, time_point from, time_point now) {
    r.next_probe = from + std::chrono::round<nanoseconds>(probe_period(r, now) * jitter());
}

std::optional<RegionHealthTracker::time_point> RegionHealthTracker::next_probe_at() const {
    std::optional<time_point> next;
    for (const auto& r : regions_) {
        if (r.probe_out) continue;
        const auto due = std::min(r.next_probe, life_due(r).value_or(time_point::max()));
        if (!next || due < *next) next = due;
    }
    return next;
}

/// When to probe a silent region with waiting attempts.
std::optional<RegionHealthTracker::time_point> RegionHealthTracker::life_due(const RegionState& r) const {
    if (r.watched == 0) return std::nullopt;
    if (r.unanswered == 1 && !r.probe_repeats) return r.probe_sent;  // now
    const auto heard = r.alive_at == time_point{} ? r.watch_began : r.alive_at;
    return std::max(heard, r.probe_sent) + health_.sign_of_life;
}

bool RegionHealthTracker::found_dead(std::size_t region, time_point now) const {
    const auto& r = regions_[region];
    return r.misses >= 2 && seems_dead(region, now);
}

bool RegionHealthTracker::seems_dead(std::size_t region, time_point now) const {
    const auto& r = regions_[region];
    return r.unanswered >= 2 && r.alive_at + health_.sign_of_life <= now;
}

bool RegionHealthTracker::probe_only_connects(std::size_t region, time_point now) {
    auto& r = regions_[region];
    return r.probe_limited_until > now || r.probe_trust.only_connect(now);
}

bool RegionHealthTracker::take_due_probe(std::size_t region, time_point now) {
    auto& r = regions_[region];
    if (r.probe_out) return false;
    if (const auto due = life_due(r); due && *due <= now) return take_probe(region, now);
    if (r.next_probe > now) return false;
    // Traffic replaces probes, once the duration of probes is known.
    if (!r.probe_wanted && r.probe_time.known() && r.alive_at + probe_period(r, now) > now) {
        schedule_probe(r, std::max(r.alive_at, now - probe_period(r, now) / 2), now);
        return false;
    }
    return take_probe(region, now);
}

bool RegionHealthTracker::take_probe(std::size_t region, time_point now) {
    auto& r = regions_[region];
    if (r.probe_out) return false;
    r.probe_out = true;
    r.probe_wanted = false;
    r.probe_repeats = r.watched > 0 && r.unanswered == 1 && now < r.probe_sent + health_.sign_of_life;
    r.probe_sent = now;
    return true;
}

void RegionHealthTracker::on_probe_end(std::size_t region, const ProbeResult& result, time_point now) {
    auto& r = regions_[region];
    r.probe_out = false;
    if (result.throttled) r.probe_limited_until = now + kThrottledProbesFor;
    if (result.answered) {
        r.alive_at = now;
        r.failed_last = false;
        r.unanswered = 0;
        if (!result.bare) r.probe_trust.on_answered();
    }
    const bool missed = !result.answered && !result.unsent && !result.bare;
    if (missed && r.alive_at >= r.probe_sent) {
        r.probe_trust.on_missed_beside_calls();
    } else if (missed) {
        r.probe_trust.on_missed();
    }
    // If a region answers calls but no probes, missed probes are no evidence.
    const bool evidence = result.answered || result.bare || r.probe_trust.trusted();
    if (result.good) {
        if (result.took.count() >= 0) {
            r.last_probe = result.took;
            r.probe_time.add(result.took);
        }
        record_success(r, now);
    } else if (!result.unsent && evidence && (result.answered || r.alive_at < r.probe_sent)) {
        // Bytes of a call that arrived meanwhile also show that the region answers.
        r.unanswered = result.answered || result.refused ? 0 : r.unanswered + 1;
        // A short disturbance can lose two probes in quick succession: they count as one.
        if (!r.probe_repeats || result.answered) ++r.misses;
        r.hits = 0;
        if (r.misses >= 2) {
            r.down = true;
            r.recovering = false;
            r.good_calls = 0;
        }
        if (!result.answered) {
            const bool silent = r.alive_at + 2 * probe_period(r, now) < now;
            if (r.misses >= 2 && silent && r.breaker.on_silence(random_.uniform(), now)) opened(region);
            const bool watched = health_.sign_of_life.count() > 0;
            if (watched && r.alive_at + health_.sign_of_life < now) notices_.dead.push_back(region);
        }
    }
    schedule_probe(r, now, now);
    record_change(region, now);
}

void RegionHealthTracker::on_late_probe(std::size_t region, nanoseconds took, time_point now) {
    auto& r = regions_[region];
    r.alive_at = now;
    r.failed_last = false;
    r.unanswered = 0;
    r.last_probe = took;
    r.probe_time.add(took);
    r.probe_trust.on_answered();
    record_success(r, now);
    record_change(region, now);
}

nanoseconds RegionHealthTracker::probe_timeout(std::size_t region) const {
    const auto& r = regions_[region];
    if (!r.probe_time.known()) return health_.timeout;
    const auto late_after = std::max<nanoseconds>(r.probe_time.late_after(kProbeGrace), kMinProbeTimeout);
    return std::min<nanoseconds>(late_after, health_.timeout);
}

nanoseconds RegionHealthTracker::probe_connect_timeout(std::size_t region) const {
    // Twice the limit for calls: no call waits for a probe, and a false alarm would move calls.
    const auto late = connect_late_after(region);
    return late ? std::min<nanoseconds>(2 * *late, health_.timeout) : health_.timeout;
}

}  // namespace holysheep::health
