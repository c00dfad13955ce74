// Lives on the I/O thread. What attempts and questions do; probes are in probe_schedule.cpp.
#include "health/region_health_tracker.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace holysheep::health {

namespace {

using namespace std::chrono_literals;
using resilience::FailureKind;

constexpr std::size_t kMaxModels = 64;
// A model's own figures count from here on; before, the region's are scaled.
constexpr std::uint32_t kEnoughSamples = 20;
constexpr double kColdStart = 300;  // ms, when nothing is known of any region
constexpr auto kRefreshEvery = 100ms;
constexpr std::chrono::duration<double> kRampTime = 4s;
constexpr double kLeastRamp = 0.1;
constexpr auto kOverdueAfter = 30s;
constexpr std::uint64_t kOverdueCalls = 20;  // at least so many calls between two explorations
constexpr double kSlow = 2;                  // times its usual latency
constexpr double kRoomyErrorRate = 0.1;      // below it, a region has room for the load of others
constexpr auto kMissingModelFor = 10min;
constexpr nanoseconds kConnectGrace = 30ms;

const char* reason_of(resilience::Trip trip) {
    using enum resilience::Trip;
    switch (trip) {
        case none: return "";
        case transport_in_a_row: return "opened: connections failed in a row";
        case gateway_in_a_row: return "opened: the gateway answered 502, 503 or 504 in a row";
        case any_in_a_row: return "opened: attempts failed in a row";
        case failure_rate: return "opened: too many attempts of the last seconds failed";
        case silent: return "opened: probes go unanswered and nothing else comes either";
        case trial_failed: return "opened again: a trial failed";
        case forced: return "set by hand";
    }
    return "";
}

/// Sorts as far as it must.
std::optional<double> median_of(std::vector<double>& values) {
    if (values.empty()) return std::nullopt;
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::ranges::nth_element(values, middle);
    return *middle;
}

double in_ms(std::chrono::nanoseconds span) { return std::chrono::duration<double, std::milli>(span).count(); }

FailureKind kind_of(Charge charge) {
    switch (charge) {
        case Charge::gateway: return FailureKind::gateway;
        case Charge::server: return FailureKind::server;
        case Charge::timeout: return FailureKind::timeout;
        case Charge::transport:
        case Charge::success:
        case Charge::none: break;
    }
    return FailureKind::transport;
}

}  // namespace

RegionHealthTracker::RegionHealthTracker(std::span<const Region> regions, const HealthOptions& health,
                                         const BreakerOptions& breaker, std::uint64_t seed)
    : health_(health), breaker_(breaker), random_(seed), models_(1) {
    regions_.reserve(regions.size());
    for (const auto& region : regions) {
        auto& state = regions_.emplace_back(breaker_);
        state.weight = region.weight;
        state.latency_stream = state.latency_plain = kColdStart;
        total_weight_ += region.weight;
    }
}

int RegionHealthTracker::model_id(std::string_view model) {
    if (model.empty()) return 0;
    for (std::size_t i = 1; i < models_.size(); ++i) {
        if (models_[i].name == model) return static_cast<int>(i);
    }
    if (models_.size() > kMaxModels) return 0;
    models_.emplace_back().name = model;
    return static_cast<int>(models_.size()) - 1;
}

RegionHealthTracker::ModelInRegion& RegionHealthTracker::in_region(std::size_t region, int model) {
    auto& models = regions_[region].models;
    const auto index = static_cast<std::size_t>(model);
    if (models.size() <= index) models.resize(index + 1);
    return models[index];
}

const RegionHealthTracker::ModelInRegion* RegionHealthTracker::if_in_region(std::size_t region, int model) const {
    const auto& models = regions_[region].models;
    const auto index = static_cast<std::size_t>(model);
    return index < models.size() ? &models[index] : nullptr;
}

// ---- attempts ----

Ticket RegionHealthTracker::on_dispatch(std::size_t region, int model, Awaited awaited, time_point now) {
    auto& r = regions_[region];
    ++r.in_flight;
    ++r.waiting;
    r.waiting_since += in_ms(now.time_since_epoch());
    r.last_dispatch = now;
    r.dispatched_at_call = ++calls_;
    last_call_at_ = now;
    Ticket ticket{.region = region, .model = model, .awaited = awaited, .at = now};
    ticket.trial = r.breaker.on_dispatch(now);
    if (const auto& breaker = in_region(region, model).breaker) ticket.model_trial = breaker->on_dispatch(now);
    note(region, now);
    return ticket;
}

void RegionHealthTracker::on_alive(std::size_t region, time_point now) {
    auto& r = regions_[region];
    r.alive_at = now;
    r.failed_last = false;
    if (r.known && r.misses == 0) return;
    r.known = true;
    r.misses = 0;
    note(region, now);
}

void RegionHealthTracker::on_rtt(std::size_t region, nanoseconds sample, time_point now) {
    regions_[region].rtt.add(sample);
    regions_[region].rtt_at = now;
}

void RegionHealthTracker::on_connect_time(std::size_t region, nanoseconds sample) {
    auto& time = regions_[region].connect_time;
    time.add(time.known() ? std::min(sample, 2 * time.srtt()) : sample);
}

std::optional<nanoseconds> RegionHealthTracker::connect_late_after(std::size_t region) const {
    const auto& time = regions_[region].connect_time;
    if (!time.known()) return std::nullopt;
    return std::min(time.late_after(kConnectGrace), time.srtt() * 3 / 2 + kConnectGrace);
}

bool RegionHealthTracker::wants_rtt(std::size_t region, time_point now) const {
    return now - regions_[region].rtt_at > 1s;
}

void RegionHealthTracker::on_first_content(Ticket& ticket, time_point now) {
    if (ticket.answered) return;
    wait_is_over(ticket);
    ticket.answered = true;
    if (ticket.awaited == Awaited::stream) add_latency(ticket, in_ms(now - ticket.at), true, now);
    succeed(ticket, now);
    note(ticket.region, now);
}

void RegionHealthTracker::on_late(Ticket& ticket, time_point now) {
    if (ticket.answered || std::exchange(ticket.late, true)) return;
    // While the region is closed to calls already, what was sent before tells nothing new.
    if (!ticket.trial && regions_[ticket.region].breaker.state(now) != BreakerState::closed) return;
    fail(ticket, Charge::transport, now);
    note(ticket.region, now);
}

void RegionHealthTracker::on_outcome(Ticket& ticket, Charge charge, time_point now) {
    --regions_[ticket.region].in_flight;
    wait_is_over(ticket);
    if (charge == Charge::success) {
        if (!ticket.answered) {
            if (ticket.awaited == Awaited::plain) add_latency(ticket, in_ms(now - ticket.at), true, now);
            succeed(ticket, now);
        }
    } else if (is_failure(charge)) {
        // One that was charged for silence already is not charged again for how it ends.
        if (ticket.late) {
            drop(ticket);
        } else {
            fail(ticket, charge, now);
        }
    } else {
        drop(ticket);
        // Given up while it waited: it would have taken at least so long.
        const double waited = in_ms(now - ticket.at);
        if (!ticket.answered && !ticket.late && ticket.awaited != Awaited::other &&
            waited > expected(ticket.region, ticket.model, ticket.awaited)) {
            add_latency(ticket, waited, false, now);
        }
    }
    note(ticket.region, now);
}

void RegionHealthTracker::wait_is_over(const Ticket& ticket) {
    if (ticket.answered) return;
    auto& r = regions_[ticket.region];
    --r.waiting;
    r.waiting_since = r.waiting == 0 ? 0 : r.waiting_since - in_ms(ticket.at.time_since_epoch());
}

void RegionHealthTracker::succeed(Ticket& ticket, time_point now) {
    auto& r = regions_[ticket.region];
    count(r, false, now);
    const bool was_open = r.breaker.state(now) != BreakerState::closed;
    r.breaker.on_success(std::exchange(ticket.trial, false), now);
    if (was_open && r.breaker.state(now) == BreakerState::closed) {
        r.recovered_at = now;
        r.down = false;
    }
    if (const auto& breaker = in_region(ticket.region, ticket.model).breaker) {
        breaker->on_success(std::exchange(ticket.model_trial, false), now);
    }
    ++r.good_calls;
    hit(r, now);
}

void RegionHealthTracker::fail(Ticket& ticket, Charge charge, time_point now) {
    auto& r = regions_[ticket.region];
    r.good_calls = 0;
    const bool trial = std::exchange(ticket.trial, false);
    const bool model_trial = std::exchange(ticket.model_trial, false);
    if (charge == Charge::timeout) {
        // Its own latency, capped like any sample, says that it is slow; the region is not blamed for one model.
        if (!ticket.answered) {
            add_latency(ticket, 5 * expected(ticket.region, ticket.model, ticket.awaited) + 200, false, now);
        }
        if (trial) r.breaker.on_failure(FailureKind::timeout, true, true, random_.uniform(), now);
    } else {
        count(r, true, now);
        if (r.breaker.on_failure(kind_of(charge), trial, true, random_.uniform(), now)) opened(ticket.region, now);
        r.failed_last = charge == Charge::transport;
        r.hits = 0;
        r.next_probe = std::min(r.next_probe,
                                now + std::chrono::duration_cast<nanoseconds>(health_.unhealthy_interval * jitter()));
    }
    auto& m = in_region(ticket.region, ticket.model);
    if (charge == Charge::transport) {
        if (m.breaker) m.breaker->on_dropped(model_trial);
        return;
    }
    if (!m.breaker) m.breaker = std::make_unique<resilience::CircuitBreaker>(breaker_);
    const bool may_open = charge != Charge::timeout || soft_failures_may_open(ticket.region, now);
    m.breaker->on_failure(kind_of(charge), model_trial, may_open, random_.uniform(), now);
}

void RegionHealthTracker::drop(Ticket& ticket) {
    regions_[ticket.region].breaker.on_dropped(std::exchange(ticket.trial, false));
    if (const auto& breaker = in_region(ticket.region, ticket.model).breaker) {
        breaker->on_dropped(std::exchange(ticket.model_trial, false));
    }
}

void RegionHealthTracker::count(RegionState& r, bool failed, time_point now) {
    const std::chrono::duration<double> idle = now - r.error_rate_at;
    r.error_rate = 0.9 * r.error_rate * std::exp(-std::max(0.0, idle.count()) / 10.0) + (failed ? 0.1 : 0.0);
    r.error_rate_at = now;
}

/// Timeouts may be the fault of everything at once: they do not close the last half of the weight.
bool RegionHealthTracker::soft_failures_may_open(std::size_t region, time_point now) const {
    if (trouble_) return false;
    double closed = 0;
    for (std::size_t i = 0; i < regions_.size(); ++i) {
        if (i != region && regions_[i].breaker.state(now) == BreakerState::closed) closed += regions_[i].weight;
    }
    return closed >= total_weight_ / 2;
}

void RegionHealthTracker::opened(std::size_t region, time_point) {
    auto& r = regions_[region];
    r.down = true;
    r.recovering = false;
    r.hits = r.good_calls = 0;
    if (r.breaker.opened_by_transport()) notices_.dead.push_back(region);
}

/// An answered call or a good probe.
void RegionHealthTracker::hit(RegionState& r, time_point now) {
    r.known = true;
    r.misses = 0;
    ++r.hits;
    if (r.hits >= 2) {
        r.breaker.on_live_probes(now);
        if (std::exchange(r.down, false)) {
            r.recovering = true;
            if (r.breaker.state(now) == BreakerState::closed) r.recovered_at = now;
        }
    }
    // An idle client makes no calls to prove it with: the ramp's time will do.
    const bool ramp_over = r.recovered_at != time_point{} && now - r.recovered_at >= kRampTime;
    if (r.recovering && (r.good_calls >= 3 || ramp_over)) r.recovering = false;
}

void RegionHealthTracker::add_latency(const Ticket& ticket, double ms, bool served, time_point now) {
    const bool stream = ticket.awaited == Awaited::stream;
    if (ticket.awaited == Awaited::other) return;
    auto& r = regions_[ticket.region];
    auto& own = in_region(ticket.region, ticket.model);
    auto& model = models_[static_cast<std::size_t>(ticket.model)];
    auto& average = stream ? r.stream : r.plain;
    average.add(ms, now);
    (stream ? r.latency_stream : r.latency_plain) = average.value();
    (stream ? own.stream : own.plain).add(ms, now);
    (stream ? model.stream : model.plain).add(ms, now);
    (stream ? all_stream_ : all_plain_).add(ms, now);
    if (served) (stream ? model.stream_quantiles : model.plain_quantiles).add(ms);
}

void RegionHealthTracker::limit_until(std::size_t region, int model, time_point until) {
    auto& end = in_region(region, model).limited_until;
    end = std::max(end, until);
}

void RegionHealthTracker::on_model_missing(std::size_t region, int model, time_point now) {
    if (model != 0) in_region(region, model).missing_until = now + kMissingModelFor;
}

// ---- by hand ----

void RegionHealthTracker::set_draining(std::size_t region, bool draining, time_point now) {
    regions_[region].draining = draining;
    note(region, now);
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
    note(region, now);
}

// ---- what changes with time ----

bool RegionHealthTracker::refresh(time_point now) {
    if (now < refreshed_at_ + kRefreshEvery) return false;
    const std::chrono::duration<double> passed =
        std::min<std::chrono::duration<double>>(now - refreshed_at_, std::chrono::seconds{60});
    refreshed_at_ = now;
    refresh_latencies(Awaited::stream, now);
    refresh_latencies(Awaited::plain, now);
    double troubled = 0;
    best_latency_ = 0;
    for (std::size_t i = 0; i < regions_.size(); ++i) {
        auto& r = regions_[i];
        const auto& average = r.stream.known() ? r.stream : r.plain;
        r.slow = false;
        if (average.known()) {
            if (best_latency_ == 0 || average.value() < best_latency_) best_latency_ = average.value();
            if (r.usual == 0 && average.samples() >= kEnoughSamples) r.usual = average.value();
            // Habit follows slowly upwards, so that a slow minute is seen as one.
            const double tau = average.value() > r.usual ? 300 : 30;
            if (r.usual > 0) r.usual += (average.value() - r.usual) * (1 - std::exp(-passed.count() / tau));
            r.slow = r.usual > 0 && average.value() > kSlow * r.usual;
        }
        if (r.slow || r.down || r.breaker.state(now) != BreakerState::closed) troubled += r.weight;
        note(i, now);
    }
    trouble_ = troubled > total_weight_ / 2;
    return true;
}

void RegionHealthTracker::refresh_latencies(Awaited awaited, time_point now) {
    const bool stream = awaited == Awaited::stream;
    scratch_.clear();
    for (const auto& r : regions_) {
        const auto& average = stream ? r.stream : r.plain;
        if (average.known()) scratch_.push_back(average.value());
    }
    const double median = median_of(scratch_).value_or(kColdStart);
    scratch_.clear();
    for (const auto& r : regions_) {
        if (r.rtt.known() && (stream ? r.stream : r.plain).known()) scratch_.push_back(in_ms(r.rtt.srtt()));
    }
    const double median_rtt = median_of(scratch_).value_or(0);
    for (auto& r : regions_) {
        auto& average = stream ? r.stream : r.plain;
        auto& latency = stream ? r.latency_stream : r.latency_plain;
        // A region without a past is taken to serve like the others from where it is: a near one is tried soon, a far
        // one is not flooded. Two round trips, since its first calls open connections.
        latency = median;
        if (r.rtt.known()) latency = std::max(median / 2, median + 2 * (in_ms(r.rtt.srtt()) - median_rtt));
        if (average.known()) {
            average.drift(median, now);
            latency = average.value();
        }
        for (auto& model : r.models) {
            auto& own = stream ? model.stream : model.plain;
            if (own.known()) own.drift(median, now);
        }
    }
}

// ---- questions ----

double RegionHealthTracker::expected(std::size_t region, int model, Awaited awaited) const {
    // Where nothing is known of one kind of answer, the other kind tells which region is faster.
    const bool stream = awaited == Awaited::plain ? !all_plain_.known() && all_stream_.known()
                                                  : all_stream_.known() || !all_plain_.known();
    if (const auto* own = if_in_region(region, model)) {
        const auto& average = stream ? own->stream : own->plain;
        if (average.samples() >= kEnoughSamples) return average.value();
    }
    const auto& r = regions_[region];
    const auto& m = models_[static_cast<std::size_t>(model)];
    const auto& of_model = stream ? m.stream : m.plain;
    const auto& of_all = stream ? all_stream_ : all_plain_;
    const double latency = stream ? r.latency_stream : r.latency_plain;
    if (of_model.samples() < kEnoughSamples || of_all.value() <= 0) return latency;
    return latency * std::clamp(of_model.value() / of_all.value(), 0.1, 10.0);
}

RegionView RegionHealthTracker::view(std::size_t region, int model, Awaited awaited, time_point now) const {
    const auto& r = regions_[region];
    RegionView view;
    view.latency = expected(region, model, awaited);
    view.error_rate = error_rate(region, now);
    view.waiting = r.waiting;
    if (r.waiting > 0) view.mean_wait = in_ms(now.time_since_epoch()) - r.waiting_since / r.waiting;
    view.ramp = ramp(r, now);
    view.usable = usable(region, model, now);
    view.on_trial = r.breaker.state(now) == BreakerState::half_open;
    // A due trial goes out with the next call; nobody else would find out.
    view.overdue =
        view.on_trial || ((r.known || !health_.enabled) && r.misses == 0 && now - r.last_dispatch > kOverdueAfter &&
                          calls_ - r.dispatched_at_call >= kOverdueCalls);
    return view;
}

double RegionHealthTracker::ramp(const RegionState& r, time_point now) const {
    if (r.recovered_at == time_point{}) return 1;
    const std::chrono::duration<double> since = now - r.recovered_at;
    return std::clamp(since / kRampTime, kLeastRamp, 1.0);
}

bool RegionHealthTracker::breakers_admit(std::size_t region, int model, time_point now) const {
    // With a single region there is nothing better to do than to ask it.
    if (regions_.size() == 1) return !forced_open(region);
    if (!regions_[region].breaker.admits(now)) return false;
    const auto* own = if_in_region(region, model);
    return own == nullptr || !own->breaker || own->breaker->admits(now);
}

bool RegionHealthTracker::has_model(std::size_t region, int model, time_point now) const {
    const auto* own = if_in_region(region, model);
    return own == nullptr || own->missing_until <= now;
}

bool RegionHealthTracker::usable(std::size_t region, int model, time_point now) const {
    return !draining(region) && limited_until(region, model) <= now && has_model(region, model, now) &&
           breakers_admit(region, model, now);
}

std::optional<RegionHealthTracker::time_point> RegionHealthTracker::usable_at(std::size_t region, int model,
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

bool RegionHealthTracker::healthy(std::size_t region, int model, time_point now) const {
    const auto& r = regions_[region];
    if (r.draining || r.down || r.misses > 0 || r.failed_last) return false;
    if (r.breaker.state(now) != BreakerState::closed || error_rate(region, now) >= kRoomyErrorRate) return false;
    const auto* own = if_in_region(region, model);
    return own == nullptr || !own->breaker || own->breaker->state(now) == BreakerState::closed;
}

bool RegionHealthTracker::in_good_shape(std::size_t region, int model, time_point now) const {
    return regions_[region].known && healthy(region, model, now) && !regions_[region].slow;
}

RegionHealthTracker::time_point RegionHealthTracker::limited_until(std::size_t region, int model) const {
    const auto* own = if_in_region(region, model);
    return own == nullptr ? time_point{} : own->limited_until;
}

double RegionHealthTracker::error_rate(std::size_t region, time_point now) const {
    const auto& r = regions_[region];
    if (r.error_rate < 1e-4) return 0;
    const std::chrono::duration<double> idle = now - r.error_rate_at;
    return r.error_rate * std::exp(-std::max(0.0, idle.count()) / 10.0);
}

const Quantiles& RegionHealthTracker::quantiles(int model, Awaited awaited) const {
    const auto& m = models_[static_cast<std::size_t>(model)];
    return awaited == Awaited::stream ? m.stream_quantiles : m.plain_quantiles;
}

// ---- for display ----

Liveness RegionHealthTracker::liveness(const RegionState& r, time_point now) const {
    if (r.draining) return Liveness::draining;
    switch (r.breaker.state(now)) {
        case BreakerState::open: return Liveness::down;
        case BreakerState::half_open: return Liveness::recovering;
        case BreakerState::closed: break;
    }
    if (r.down) return Liveness::down;
    if (r.recovering) return Liveness::recovering;
    if (r.misses > 0 || r.failed_last) return Liveness::suspect;
    return r.known ? Liveness::healthy : Liveness::unknown;
}

const char* RegionHealthTracker::liveness_reason(const RegionState& r, time_point now) const {
    switch (liveness(r, now)) {
        case Liveness::unknown: return "not heard of yet";
        case Liveness::healthy: return r.slow ? "answers, far slower than usual" : "answers";
        case Liveness::suspect: return r.misses > 0 ? "a probe went unanswered" : "the last attempt failed";
        case Liveness::down: return r.misses >= 2 ? "probes go unanswered" : "attempts fail";
        case Liveness::recovering: return "answers again; traffic comes back step by step";
        case Liveness::draining: return "drained by hand";
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
    facts.ramp = ramp(r, now);
    facts.latency = (r.stream.known() ? r.stream : r.plain).value();
    facts.best_latency = best_latency_;
    if (r.stream.known()) facts.first_token = nanoseconds(static_cast<std::int64_t>(r.stream.value() * 1e6));
    if (r.rtt.known()) facts.rtt = r.rtt.srtt();
    facts.probe = r.last_probe;
    for (const auto& model : r.models) facts.limited_until = std::max(facts.limited_until, model.limited_until);
    facts.open_until = r.breaker.opens_trial_at(now).value_or(time_point{});
    facts.liveness_reason = liveness_reason(r, now);
    facts.breaker_reason = facts.breaker == BreakerState::closed ? "" : reason_of(r.breaker.trip());
    return facts;
}

void RegionHealthTracker::note(std::size_t region, time_point now) {
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
