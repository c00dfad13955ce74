// Applies the effects of attempts to the state of regions. Latencies are in region_speed.cpp, queries in
// region_queries.cpp, probes in probe_schedule.cpp.
#include "health/region_health_tracker.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace holysheep::health {

namespace {

using namespace std::chrono_literals;
using resilience::FailureKind;

constexpr std::size_t kMaxModels = 64;
constexpr int kMaxCount = 1'000;  // of consecutive successes
constexpr nanoseconds kFirstMissingFor = 1min, kMaxMissingFor = 10min;

// Requests that were sent at about the same time as a refused one and still wait were admitted. If the region serves
// none and calls arrive one after another, waiting requests are half as old on average.
constexpr double kAdmittedAge = 0.8;
// After this many consecutive refusals, spread over this time or the time of two answers, the region serves nothing.
constexpr Latency kTimeoutPenalty{200};  // added to 5 times the expected latency
constexpr int kManyRefusals = 10;
constexpr auto kMinRefusalTime = 2s;

double faded(double rate, std::chrono::duration<double> idle) {
    return rate * std::exp(-std::max(0.0, idle.count()) / 10.0);
}

FailureKind kind_of(FailureClass outcome) {
    switch (outcome) {
        case FailureClass::gateway: return FailureKind::gateway;
        case FailureClass::server: return FailureKind::server;
        case FailureClass::timeout: return FailureKind::timeout;
        case FailureClass::transport:
        case FailureClass::throttled:
        case FailureClass::overload:
        case FailureClass::success:
        case FailureClass::none: break;
    }
    return FailureKind::transport;
}

}  // namespace

RegionHealthTracker::RegionHealthTracker(std::span<const Region> regions, const HealthOptions& health,
                                         const BreakerOptions& breaker, std::uint64_t seed)
    : health_(health),
      breaker_(breaker),
      random_(seed),
      secret_(resilience::Random(~seed).next()),
      models_(1),
      ids_(1) {
    regions_.reserve(regions.size());
    for (const auto& region : regions) {
        auto& state = regions_.emplace_back(breaker_);
        state.weight = region.weight;
        state.latency_stream = state.latency_plain = kColdStart;
        total_weight_ += region.weight;
    }
}

// ---- models ----

std::size_t RegionHealthTracker::slot_of(ModelId model) const {
    if (ids_[last_found_] == model) return last_found_;
    const auto found = std::ranges::find(ids_, model);
    if (found == ids_.end()) return kNoSlot;
    last_found_ = static_cast<std::size_t>(found - ids_.begin());
    return last_found_;
}

std::size_t RegionHealthTracker::remember(ModelId model) {
    auto slot = slot_of(model);
    if (slot == kNoSlot && models_.size() <= kMaxModels) {
        slot = models_.size();
        models_.emplace_back();
        ids_.push_back(model);
    } else if (slot == kNoSlot) {
        // Invalid names never answer, so they do not displace models in use.
        const auto least = std::ranges::min_element(models_.begin() + 1, models_.end(), {},
                                                    [](const Model& m) { return std::pair(m.served, m.used); });
        slot = static_cast<std::size_t>(least - models_.begin());
        *least = {};
        ids_[slot] = model;
        for (auto& region : regions_) {
            if (slot < region.models.size()) region.models[slot] = {};
        }
    }
    models_[slot].used = ++uses_;
    return slot;
}

const RegionHealthTracker::Model& RegionHealthTracker::about(ModelId model) const {
    static const Model nothing;
    const auto slot = slot_of(model);
    return slot == kNoSlot ? nothing : models_[slot];
}

RegionHealthTracker::ModelInRegion& RegionHealthTracker::in_region(std::size_t region, ModelId model) {
    const auto slot = remember(model);
    auto& models = regions_[region].models;
    if (models.size() <= slot) models.resize(slot + 1);
    return models[slot];
}

const RegionHealthTracker::ModelInRegion* RegionHealthTracker::if_in_region(std::size_t region, ModelId model) const {
    const auto& models = regions_[region].models;
    const auto slot = slot_of(model);
    return slot < models.size() ? &models[slot] : nullptr;
}

RegionHealthTracker::ModelInRegion* RegionHealthTracker::if_in_region(std::size_t region, ModelId model) {
    return const_cast<ModelInRegion*>(std::as_const(*this).if_in_region(region, model));
}

void RegionHealthTracker::on_content_gap(ModelId model, nanoseconds gap) {
    auto& about = models_[remember(model)];
    about.served = true;  // it had content before
    about.gaps.add(gap);
}

// ---- attempts ----

AttemptToken RegionHealthTracker::on_dispatch(std::size_t region, ModelId model, Awaited awaited, time_point now,
                                              bool canary) {
    auto& r = regions_[region];
    ++r.in_flight;
    ++r.waiting;
    r.waiting_since += now.time_since_epoch();
    ++calls_;
    if (now - r.last_dispatch > kOverdueAfter) explored_at_call_ = calls_;
    r.last_dispatch = now;
    last_call_at_ = now;
    AttemptToken token{.region = region, .model = model, .awaited = awaited, .at = now};
    token.canary = canary_kind(region, model, canary, now);
    token.trial = r.breaker.on_dispatch(now, canary);
    if (const auto slot = slot_of(model); slot != kNoSlot) models_[slot].used = ++uses_;
    if (auto* own = if_in_region(region, model)) {
        if (own->breaker) token.model_trial = own->breaker->on_dispatch(now, canary);
        if (own->paced_until > now) own->limited_until = std::max(own->limited_until, now + own->spacing);
    }
    if (canary) {
        auto& slot = token.canary == AttemptToken::Canary::model ? in_region(region, model).canaries : r.canaries;
        slot.next = now + std::chrono::round<nanoseconds>(kCanaryEvery * (1 - 0.4 * random_.uniform()));
        if (slot.out++ == 0) slot.since = now;
    }
    record_change(region, now);
    return token;
}

void RegionHealthTracker::on_alive(std::size_t region, time_point now) {
    auto& r = regions_[region];
    r.alive_at = now;
    r.failed_last = false;
    r.unanswered = 0;
    if (r.known && r.misses == 0 && !r.probe_trust.waits_for_calls()) return;
    // The next probe shows whether the region was frozen or does not answer probes.
    if (r.probe_trust.on_call_bytes()) {
        r.probe_wanted = true;
        r.next_probe = std::min(r.next_probe, now);
    }
    // Probe now, while the connection is warm: silence is evidence only once the duration of probes is known.
    if (!r.known && !r.probe_time.known()) r.next_probe = std::min(r.next_probe, now);
    r.known = true;
    r.misses = 0;
    record_change(region, now);
}

void RegionHealthTracker::on_early_head(std::size_t region, time_point now) {
    auto& r = regions_[region];
    r.head_at = now;
    r.failed_last = false;
    if (std::exchange(r.known, true)) return;
    if (!r.probe_time.known()) r.next_probe = std::min(r.next_probe, now);  // as above
    record_change(region, now);
}

void RegionHealthTracker::on_first_content(AttemptToken& token, time_point now) {
    if (token.answered) return;
    end_wait(token);
    token.answered = true;
    if (token.awaited == Awaited::stream) add_latency(token, now - token.at, true, now);
    succeed(token, now);
    record_change(token.region, now);
}

bool RegionHealthTracker::watch(AttemptToken& token, time_point now) {
    auto& r = regions_[token.region];
    if (health_.sign_of_life.count() <= 0 || std::exchange(token.watched, true)) return false;
    if (r.watched++ > 0) return false;
    r.watch_began = now;
    return true;
}

void RegionHealthTracker::on_late(AttemptToken& token, time_point now, bool by_probe) {
    const auto& r = regions_[token.region];
    // Bytes since the attempt was sent show that the region answers: this attempt is slow, perhaps because this process
    // lacks CPU time. But the region may have fallen silent after them.
    const auto heard_at = by_probe ? r.alive_at : std::max(r.alive_at, r.head_at);
    const bool heard = heard_at > token.at;
    const bool silent = health_.sign_of_life.count() > 0 && heard_at + health_.sign_of_life <= now;
    if (token.answered || (heard && !silent)) return;
    // If no probe was ever answered, an unanswered one is no evidence.
    if (by_probe && !r.probe_trust.proven()) return;
    if (std::exchange(token.late, true)) return;
    // While the breaker blocks calls, attempts that were sent before are no new evidence.
    if (!token.trial && regions_[token.region].breaker.state(now) != BreakerState::closed) return;
    fail(token, FailureClass::transport, now);
    record_change(token.region, now);
}

void RegionHealthTracker::on_outcome(AttemptToken& token, FailureClass outcome, time_point now) {
    --regions_[token.region].in_flight;
    if (std::exchange(token.watched, false)) --regions_[token.region].watched;
    end_wait(token);
    if (outcome != FailureClass::success) end_canary(token, now);
    if (outcome == FailureClass::throttled || outcome == FailureClass::overload) {
        auto& r = regions_[token.region];
        r.refusal_rate = 0.9 * faded(r.refusal_rate, now - r.refusal_rate_at) + 0.1;
        r.refusal_rate_at = now;
        if (r.refused_in_a_row++ == 0) r.refused_since = now;
        r.full = outcome == FailureClass::throttled || serves_others(token, now);
        outcome = r.full ? FailureClass::throttled : FailureClass::gateway;
    }
    if (outcome == FailureClass::success) {
        if (!token.answered) {
            if (token.awaited == Awaited::plain) add_latency(token, now - token.at, true, now);
            succeed(token, now);
        }
    } else if (is_failure(outcome)) {
        // An attempt that was already counted as failed because of silence is not counted again.
        if (token.late) {
            release_trials(token);
        } else {
            fail(token, outcome, now);
        }
    } else {
        release_trials(token);
        // Abandoned while waiting: the waited time is a lower bound of its latency.
        const Latency waited = now - token.at;
        if (!token.answered && !token.late && token.awaited != Awaited::other &&
            waited > expected(token.region, token.model, token.awaited)) {
            add_latency(token, waited, false, now);
        }
    }
    record_change(token.region, now);
}

void RegionHealthTracker::on_fault(std::size_t region, ModelId model, FailureClass outcome, time_point now) {
    AttemptToken token{.region = region, .model = model, .answered = true, .at = now};
    fail(token, outcome, now);
    record_change(region, now);
}

bool RegionHealthTracker::serves_others(const AttemptToken& refused, time_point now) const {
    const auto& r = regions_[refused.region];
    const Latency answer = 2 * expected(refused.region, refused.model, refused.awaited);
    const Latency row = now - r.refused_since;
    if (r.refused_in_a_row >= kManyRefusals && row > std::max<Latency>(kMinRefusalTime, answer)) return false;
    if (r.in_flight > r.waiting) return true;
    if (r.waiting == 0) return false;
    const Latency waited = Latency(now.time_since_epoch()) - r.waiting_since / r.waiting;
    return waited >= kAdmittedAge * Latency(now - refused.at);
}

void RegionHealthTracker::end_wait(const AttemptToken& token) {
    if (token.answered) return;
    auto& r = regions_[token.region];
    --r.waiting;
    r.waiting_since = r.waiting == 0 ? Latency{} : r.waiting_since - Latency(token.at.time_since_epoch());
}

void RegionHealthTracker::succeed(AttemptToken& token, time_point now) {
    auto& r = regions_[token.region];
    count(r, false, now);
    const bool canary = token.canary != AttemptToken::Canary::no;
    auto* own = if_in_region(token.region, token.model);
    auto* model_breaker = own == nullptr ? nullptr : own->breaker.get();
    const bool was_open = r.breaker.state(now) != BreakerState::closed;
    const bool was_blocked = was_open || (model_breaker && model_breaker->state(now) != BreakerState::closed);
    const bool trial = std::exchange(token.trial, false), model_trial = std::exchange(token.model_trial, false);
    if (canary) {
        r.breaker.on_canary_success(trial, now);
        if (model_breaker) model_breaker->on_canary_success(model_trial, now);
    } else {
        r.breaker.on_success(trial, now);
        if (model_breaker) model_breaker->on_success(model_trial, now);
    }
    if (was_open && r.breaker.state(now) == BreakerState::closed) {
        r.recovered_at = now;
        r.down = false;
    }
    if (own != nullptr) {
        own->missing_for = {};
        own->missing_until = {};
    }
    if (canary || (was_blocked && breakers_closed(token.region, token.model, now)))
        notices_.back.push_back(token.region);
    end_canary(token, now);
    r.good_calls = std::min(r.good_calls + 1, kMaxCount);
    record_success(r, now);
}

void RegionHealthTracker::fail(AttemptToken& token, FailureClass outcome, time_point now) {
    auto& r = regions_[token.region];
    r.good_calls = 0;
    const bool trial = std::exchange(token.trial, false);
    const bool model_trial = std::exchange(token.model_trial, false);
    resilience::CircuitBreaker::Others others{.usable = others_usable(token.region, token.model, now)};
    if (outcome == FailureClass::timeout) {
        // The latency of the model, capped like any sample, rises; the region does not fail because of one model.
        if (!token.answered) {
            remember(token.model);
            add_latency(token, 5 * expected(token.region, token.model, token.awaited) + kTimeoutPenalty, false, now);
        }
        if (trial) r.breaker.on_failure(FailureKind::timeout, true, others, random_.uniform(), now);
    } else {
        count(r, true, now);
        if (r.breaker.on_failure(kind_of(outcome), trial, others, random_.uniform(), now)) opened(token.region);
        r.failed_last = outcome == FailureClass::transport;
        r.hits = 0;
        r.next_probe =
            std::min(r.next_probe, now + std::chrono::round<nanoseconds>(health_.unhealthy_interval * jitter()));
    }
    if (outcome == FailureClass::transport) {
        auto* own = if_in_region(token.region, token.model);
        if (own != nullptr && own->breaker) own->breaker->on_dropped(model_trial);
        return;
    }
    auto& m = in_region(token.region, token.model);
    if (!m.breaker) m.breaker = std::make_unique<resilience::CircuitBreaker>(breaker_);
    others.may_open = outcome != FailureClass::timeout || soft_failures_may_open(token.region, token.model, now);
    m.breaker->on_failure(kind_of(outcome), model_trial, others, random_.uniform(), now);
}

void RegionHealthTracker::release_trials(AttemptToken& token) {
    regions_[token.region].breaker.on_dropped(std::exchange(token.trial, false));
    if (const auto* own = if_in_region(token.region, token.model); own != nullptr && own->breaker) {
        own->breaker->on_dropped(std::exchange(token.model_trial, false));
    }
}

void RegionHealthTracker::end_canary(AttemptToken& token, time_point now) {
    Canaries* slot = token.canary == AttemptToken::Canary::region ? &regions_[token.region].canaries : nullptr;
    auto* own = token.canary == AttemptToken::Canary::model ? if_in_region(token.region, token.model) : nullptr;
    // If the model was dropped meanwhile, its canaries are no longer counted.
    if (own != nullptr && own->canaries.out > 0) slot = &own->canaries;
    if (slot != nullptr) {
        --slot->out;
        slot->since = now;
    }
    token.canary = AttemptToken::Canary::no;
}

void RegionHealthTracker::count(RegionState& r, bool failed, time_point now) {
    r.error_rate = 0.9 * faded(r.error_rate, now - r.error_rate_at) + (failed ? 0.1 : 0.0);
    r.error_rate_at = now;
    if (failed) return;
    r.refused_in_a_row = 0;
    r.refusal_rate = 0.9 * faded(r.refusal_rate, now - r.refusal_rate_at);
    r.refusal_rate_at = now;
}

/// Timeouts can have a common cause, so they must not block the last half of the weight.
bool RegionHealthTracker::soft_failures_may_open(std::size_t region, ModelId model, time_point now) const {
    if (trouble_) return false;
    double closed = 0;
    for (std::size_t i = 0; i < regions_.size(); ++i) {
        const auto* own = if_in_region(i, model);
        const bool model_closed = own == nullptr || !own->breaker || own->breaker->state(now) == BreakerState::closed;
        if (i != region && model_closed && regions_[i].breaker.state(now) == BreakerState::closed) {
            closed += regions_[i].weight;
        }
    }
    return closed >= total_weight_ / 2;
}

void RegionHealthTracker::opened(std::size_t region) {
    auto& r = regions_[region];
    r.down = true;
    r.recovering = false;
    r.hits = r.good_calls = 0;
    if (r.breaker.opened_by_transport()) notices_.dead.push_back(region);
}

void RegionHealthTracker::record_success(RegionState& r, time_point now) {
    r.known = true;
    r.misses = 0;
    r.hits = std::min(r.hits + 1, kMaxCount);
    // It answers again: send the next canary at once.
    if (r.hits == 1 && r.breaker.state(now) != BreakerState::closed) {
        r.canaries.next = std::min(r.canaries.next, now);
        notices_.back.push_back(static_cast<std::size_t>(&r - regions_.data()));
    }
    if (r.hits >= 2) {
        r.breaker.on_live_probes(now);
        if (std::exchange(r.down, false)) {
            r.recovering = true;
            if (r.breaker.state(now) == BreakerState::closed) r.recovered_at = now;
        }
    }
    // An idle client has no calls as evidence; the end of the ramp suffices.
    const bool ramp_over = r.recovered_at != time_point{} && now - r.recovered_at >= kRampTime;
    if (r.recovering && (r.good_calls >= 3 || ramp_over)) r.recovering = false;
}

void RegionHealthTracker::pace(std::size_t region, ModelId model, nanoseconds spacing, time_point reset) {
    auto& own = in_region(region, model);
    own.spacing = spacing;
    own.paced_until = reset;
}

void RegionHealthTracker::limit_until(std::size_t region, ModelId model, time_point until) {
    auto& end = in_region(region, model).limited_until;
    end = std::max(end, until);
}

void RegionHealthTracker::on_model_missing(std::size_t region, ModelId model, time_point now) {
    if (model == 0) return;
    auto& own = in_region(region, model);
    if (now < own.missing_until) return;  // already known: sent at the same time, or because no other region was left
    own.missing_for = std::clamp(2 * own.missing_for, kFirstMissingFor, kMaxMissingFor);
    own.missing_until = now + own.missing_for;
}

// ---- manual control ----

void RegionHealthTracker::set_draining(std::size_t region, bool draining, time_point now) {
    regions_[region].draining = draining;
    record_change(region, now);
}

void RegionHealthTracker::force_breaker(std::size_t region, std::optional<BreakerState> state, time_point now) {
    auto& r = regions_[region];
    r.breaker.force(state, now);
    for (auto& model : r.models) {
        if (model.breaker && state != BreakerState::open) model.breaker->force(state, now);
    }
    if (state != BreakerState::open) {
        r.down = false;
        r.misses = 0;
    }
    record_change(region, now);
}

void RegionHealthTracker::record_change(std::size_t region, time_point now) {
    auto& r = regions_[region];
    const auto breaker = r.breaker.state(now);
    const auto shown = liveness(r, now);
    if (shown == r.shown && breaker == r.shown_breaker) return;
    r.shown = shown;
    r.shown_breaker = breaker;
    if (std::ranges::find(notices_.changed, region) == notices_.changed.end()) notices_.changed.push_back(region);
}

Notices RegionHealthTracker::take_notices() { return std::exchange(notices_, {}); }

}  // namespace holysheep::health
