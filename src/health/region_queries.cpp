// Implements the queries of the tracker: whether a call may use a region, whether it is healthy, and what is displayed.
#include <algorithm>
#include <cmath>

#include "health/region_health_tracker.hpp"

namespace holysheep::health {

namespace {

constexpr double kHealthyErrorRate = 0.1;  // below it, a region can take the load of others

const char* reason_of(resilience::Trip trip) {
    using enum resilience::Trip;
    switch (trip) {
        case none: return "";
        case transport_in_a_row: return "opened: connections failed in a row";
        case gateway_in_a_row: return "opened: the gateway answered 502, 503 or 504 in a row";
        case any_in_a_row: return "opened: attempts failed in a row";
        case failure_rate: return "opened: too many attempts of the last seconds failed";
        case silent: return "opened: probes fail and no other byte arrives";
        case trial_failed: return "opened again: a trial failed";
        case forced: return "forced by the program";
    }
    return "";
}

}  // namespace

bool RegionHealthTracker::breakers_admit(std::size_t region, ModelId model, time_point now) const {
    // A single region is always tried, because there is no alternative.
    if (regions_.size() == 1) return !forced_open(region);
    return regions_[region].breaker.admits(now) && model_breaker_admits(region, model, now);
}

bool RegionHealthTracker::model_breaker_admits(std::size_t region, ModelId model, time_point now) const {
    const auto* own = if_in_region(region, model);
    return own == nullptr || !own->breaker || own->breaker->admits(now);
}

bool RegionHealthTracker::breakers_closed(std::size_t region, ModelId model, time_point now) const {
    if (regions_[region].breaker.state(now) != BreakerState::closed) return false;
    const auto* own = if_in_region(region, model);
    return own == nullptr || !own->breaker || own->breaker->state(now) == BreakerState::closed;
}

bool RegionHealthTracker::others_usable(std::size_t region, ModelId model, time_point now) const {
    for (std::size_t i = 0; i < regions_.size(); ++i) {
        if (i != region && !draining(i) && breakers_closed(i, model, now)) return true;
    }
    return false;
}

// ---- canaries ----

bool RegionHealthTracker::model_alone_blocked(std::size_t region, ModelId model, time_point now) const {
    return regions_[region].breaker.state(now) == BreakerState::closed && !breakers_closed(region, model, now);
}

const RegionHealthTracker::Canaries& RegionHealthTracker::canaries(std::size_t region, ModelId model,
                                                                   time_point now) const {
    return model_alone_blocked(region, model, now) ? if_in_region(region, model)->canaries : regions_[region].canaries;
}

AttemptToken::Canary RegionHealthTracker::canary_kind(std::size_t region, ModelId model, bool wanted,
                                                      time_point now) const {
    if (wanted)
        return model_alone_blocked(region, model, now) ? AttemptToken::Canary::model : AttemptToken::Canary::region;
    const bool open_to_all =
        regions_.size() > 1 ? breakers_admit(region, model, now) : breakers_closed(region, model, now);
    return open_to_all ? AttemptToken::Canary::no : AttemptToken::Canary::implied;
}

std::optional<RegionHealthTracker::time_point> RegionHealthTracker::blocked_since(std::size_t region, ModelId model,
                                                                                  time_point now) const {
    const auto& breaker = regions_[region].breaker;
    if (breaker.state(now) != BreakerState::closed) return breaker.opened_at();
    const auto* own = if_in_region(region, model);
    if (own == nullptr || !own->breaker || own->breaker->state(now) == BreakerState::closed) return std::nullopt;
    return own->breaker->opened_at();
}

bool RegionHealthTracker::has_model(std::size_t region, ModelId model, time_point now) const {
    const auto* own = if_in_region(region, model);
    return own == nullptr || own->missing_until <= now;
}

bool RegionHealthTracker::usable(std::size_t region, ModelId model, time_point now) const {
    return !draining(region) && limited_until(region, model) <= now && has_model(region, model, now) &&
           breakers_admit(region, model, now);
}

std::optional<RegionHealthTracker::time_point> RegionHealthTracker::usable_at(std::size_t region, ModelId model,
                                                                              time_point now) const {
    if (draining(region) || !has_model(region, model, now)) return std::nullopt;
    auto when = std::max(now, limited_until(region, model));
    if (breakers_admit(region, model, now)) return when;
    const auto consider = [&](const resilience::CircuitBreaker& breaker) {
        if (breaker.admits(now)) return true;
        const auto trial = breaker.opens_trial_at(now);
        if (trial) when = std::max(when, *trial);
        return trial.has_value();
    };
    if (!consider(regions_[region].breaker)) return std::nullopt;
    const auto* own = if_in_region(region, model);
    if (own != nullptr && own->breaker && !consider(*own->breaker)) return std::nullopt;
    return when;
}

bool RegionHealthTracker::healthy(std::size_t region, ModelId model, time_point now) const {
    const auto& r = regions_[region];
    if (r.draining || r.down || r.misses > 0 || r.failed_last) return false;
    if (r.breaker.state(now) != BreakerState::closed || error_rate(region, now) >= kHealthyErrorRate) return false;
    const auto* own = if_in_region(region, model);
    return own == nullptr || !own->breaker || own->breaker->state(now) == BreakerState::closed;
}

bool RegionHealthTracker::in_good_shape(std::size_t region, ModelId model, time_point now) const {
    return regions_[region].known && healthy(region, model, now) && !regions_[region].slow;
}

RegionHealthTracker::time_point RegionHealthTracker::limited_until(std::size_t region, ModelId model) const {
    const auto* own = if_in_region(region, model);
    return own == nullptr ? time_point{} : own->limited_until;
}

double RegionHealthTracker::error_rate(std::size_t region, time_point now) const {
    const auto& r = regions_[region];
    if (r.error_rate < 1e-4) return 0;
    const std::chrono::duration<double> idle = now - r.error_rate_at;
    return r.error_rate * std::exp(-std::max(0.0, idle.count()) / 10.0);
}

Liveness RegionHealthTracker::liveness(const RegionState& r, time_point now) const {
    if (r.draining) return Liveness::draining;
    switch (r.breaker.state(now)) {
        case BreakerState::open: return Liveness::down;
        // The end of the open time is no evidence: as long as probes are not answered, the region is not recovering.
        case BreakerState::half_open: return r.misses >= 2 ? Liveness::down : Liveness::recovering;
        case BreakerState::closed: break;
    }
    if (r.down) return Liveness::down;
    if (r.recovering) return Liveness::recovering;
    if (r.misses > 0 || r.failed_last) return Liveness::suspect;
    return r.known ? Liveness::healthy : Liveness::unknown;
}

const char* RegionHealthTracker::liveness_reason(const RegionState& r, time_point now) const {
    switch (liveness(r, now)) {
        case Liveness::unknown: return "no response yet";
        case Liveness::healthy:
            if (!r.probe_trust.trusted()) return "answers calls, but no probes, so probes only connect";
            return r.slow ? "answers, far slower than usual" : "answers";
        case Liveness::suspect: return r.misses > 0 ? "the last probe failed" : "the last attempt failed";
        case Liveness::down: return r.misses >= 2 ? "probes fail" : "attempts fail";
        case Liveness::recovering:
            return r.hits > 0 ? "answers again; its traffic rises step by step" : "one call at a time may try it";
        case Liveness::draining: return "drained by the program";
    }
    return "";
}

values::RegionFacts RegionHealthTracker::facts(std::size_t region, time_point now) const {
    const auto& r = regions_[region];
    values::RegionFacts facts;
    facts.liveness = liveness(r, now);
    facts.breaker = r.breaker.state(now);
    facts.as_of = now;
    facts.known = r.known;
    facts.in_flight = r.in_flight;
    facts.error_rate = error_rate(region, now);
    facts.weight = r.weight;
    facts.ramp = ramp(r, now);
    facts.latency = (r.stream.known() ? r.stream : r.plain).value();
    facts.best_latency = best_latency_;
    if (r.stream.known()) facts.first_token = std::chrono::duration_cast<nanoseconds>(r.stream.value());
    facts.first_token_p50 = r.first_token.p50();
    facts.first_token_p95 = r.first_token.p95();
    facts.first_token_p99 = r.first_token.p99();
    if (r.rtt.known()) facts.rtt = r.rtt.srtt();
    facts.probe = r.last_probe;
    for (const auto& model : r.models) facts.limited_until = std::max(facts.limited_until, model.limited_until);
    facts.open_until = r.breaker.opens_trial_at(now).value_or(time_point{});
    facts.probes_unanswered = r.misses >= 2;
    facts.liveness_reason = liveness_reason(r, now);
    facts.breaker_reason = facts.breaker == BreakerState::closed ? "" : reason_of(r.breaker.trip());
    return facts;
}

}  // namespace holysheep::health
