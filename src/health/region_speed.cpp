// Tracks the latency of regions: adds samples, ages them, and predicts the latency of the next attempt.
#include <algorithm>
#include <cmath>

#include "health/region_health_tracker.hpp"

namespace holysheep::health {

namespace {

using namespace std::chrono_literals;

// Samples from which a model's own average is used; below, the region's average is scaled.
constexpr std::uint32_t kEnoughSamples = 20;
constexpr auto kRefreshEvery = 100ms;
constexpr double kMinRamp = 0.1;
constexpr std::uint64_t kOverdueCalls = 20;  // calls between two explorations, at least
constexpr double kSlow = 2;                  // a region is slow from this multiple of its usual latency
constexpr nanoseconds kConnectGrace = 30ms;
using Seconds = std::chrono::duration<double>;

/// Reorders the values.
std::optional<Latency> median_of(std::vector<Latency>& values) {
    if (values.empty()) return std::nullopt;
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::ranges::nth_element(values, middle);
    return *middle;
}

}  // namespace

void RegionHealthTracker::on_connection(std::size_t region, const AttemptTimings* fresh,
                                        const std::optional<PathEvidence>& path, time_point now) {
    if (fresh != nullptr && fresh->connect) on_connect_time(region, fresh->tls.value_or(*fresh->connect));
    if (path && path->via_proxy) return;  // TCP ends at the proxy
    if (path && path->srtt.count() > 0) {
        // The sample is already smoothed, so its own variation counts. A new connection has none yet and uses half of
        // the round trip.
        on_rtt(region, path->srtt, now, fresh != nullptr ? nanoseconds{} : path->rttvar);
    } else if (fresh != nullptr && fresh->connect) {
        on_rtt(region, *fresh->connect - fresh->dns.value_or(nanoseconds{}), now);
    }
}

void RegionHealthTracker::on_rtt(std::size_t region, nanoseconds sample, time_point now, nanoseconds variation) {
    regions_[region].rtt.add(sample, variation);
    regions_[region].rtt_at = now;
}

void RegionHealthTracker::on_connect_time(std::size_t region, nanoseconds sample) {
    auto& time = regions_[region].connect_time;
    time.add(time.known() ? std::min(sample, 2 * time.srtt()) : sample);
}

milliseconds RegionHealthTracker::connection_attempt_delay(std::size_t region) const {
    // Early enough for the second address to answer before the connection counts as late.
    const auto& rtt = regions_[region].rtt;
    if (!rtt.known()) return 200ms;
    return std::clamp(std::chrono::duration_cast<milliseconds>(rtt.late_after(kConnectGrace) / 2), 10ms, 50ms);
}

std::optional<nanoseconds> RegionHealthTracker::connect_late_after(std::size_t region) const {
    const auto& time = regions_[region].connect_time;
    if (!time.known()) return std::nullopt;
    return std::min(time.late_after(kConnectGrace), time.srtt() * 3 / 2 + kConnectGrace);
}

bool RegionHealthTracker::wants_rtt(std::size_t region, time_point now) const {
    const auto& r = regions_[region];
    return r.rtt.samples() < kSettledRtt || now - r.rtt_at > 1s;
}

void RegionHealthTracker::add_latency(const AttemptToken& token, Latency sample, bool served, time_point now) {
    const bool stream = token.awaited == Awaited::stream;
    if (token.awaited == Awaited::other) return;
    auto& r = regions_[token.region];
    auto& average = stream ? r.stream : r.plain;
    average.add(sample, now);
    (stream ? r.latency_stream : r.latency_plain) = average.value();
    (stream ? all_stream_ : all_plain_).add(sample, now);
    if (served && stream) r.first_token.add(sample);
    // A model gets a slot only once it has answered.
    if (!served && slot_of(token.model) == kNoSlot) return;
    auto& own = in_region(token.region, token.model);
    auto& model = models_[slot_of(token.model)];
    (stream ? own.stream : own.plain).add(sample, now);
    (stream ? model.stream : model.plain).add(sample, now);
    if (!served) return;
    model.served = true;
    (stream ? model.stream_quantiles : model.plain_quantiles).add(sample);
}

bool RegionHealthTracker::refresh(time_point now) {
    if (now < refreshed_at_ + kRefreshEvery) return false;
    const std::chrono::duration<double> passed =
        std::min<std::chrono::duration<double>>(now - refreshed_at_, std::chrono::seconds{60});
    refreshed_at_ = now;
    refresh_latencies(Awaited::stream, now);
    refresh_latencies(Awaited::plain, now);
    double troubled = 0;
    best_latency_ = {};
    for (std::size_t i = 0; i < regions_.size(); ++i) {
        auto& r = regions_[i];
        const auto& average = r.stream.known() ? r.stream : r.plain;
        r.slow = false;
        if (average.known()) {
            if (best_latency_ == Latency{} || average.value() < best_latency_) best_latency_ = average.value();
            if (r.usual == Latency{} && average.samples() >= kEnoughSamples) r.usual = average.value();
            // The usual latency rises slowly, so that a slow minute is detected.
            const double tau = average.value() > r.usual ? 300 : 30;
            if (r.usual > Latency{}) r.usual += (average.value() - r.usual) * (1 - std::exp(-passed.count() / tau));
            r.slow = r.usual > Latency{} && average.value() > kSlow * r.usual;
        }
        if (r.slow || r.down || r.breaker.state(now) != BreakerState::closed) troubled += r.weight;
        record_change(i, now);
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
    const Latency median = median_of(scratch_).value_or(kColdStart);
    scratch_.clear();
    for (const auto& r : regions_) {
        if (r.rtt.known() && (stream ? r.stream : r.plain).known()) scratch_.push_back(Latency(r.rtt.srtt()));
    }
    const Latency median_rtt = median_of(scratch_).value_or(Latency{});
    for (auto& r : regions_) {
        auto& average = stream ? r.stream : r.plain;
        auto& latency = stream ? r.latency_stream : r.latency_plain;
        // A region without samples is expected to serve like the others, plus or minus the difference of the round
        // trips: a near one is tried soon, a far one is not flooded. Two round trips, because its first calls open
        // connections.
        latency = median;
        if (r.rtt.known()) latency = std::max(median / 2, median + 2 * (Latency(r.rtt.srtt()) - median_rtt));
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

Latency RegionHealthTracker::expected(std::size_t region, ModelId model, Awaited awaited) const {
    // If nothing is known about one kind of answer, the other kind shows which region is faster.
    const bool stream = awaited == Awaited::plain ? !all_plain_.known() && all_stream_.known()
                                                  : all_stream_.known() || !all_plain_.known();
    if (const auto* own = if_in_region(region, model)) {
        const auto& average = stream ? own->stream : own->plain;
        if (average.samples() >= kEnoughSamples) return average.value();
    }
    const auto& r = regions_[region];
    const auto& m = about(model);
    const auto& of_model = stream ? m.stream : m.plain;
    const auto& of_all = stream ? all_stream_ : all_plain_;
    const Latency latency = stream ? r.latency_stream : r.latency_plain;
    if (of_model.samples() < kEnoughSamples || of_all.value() <= Latency{}) return latency;
    return latency * std::clamp(of_model.value() / of_all.value(), 0.1, 10.0);
}

RegionView RegionHealthTracker::view(std::size_t region, ModelId model, Awaited awaited, time_point now) const {
    const auto& r = regions_[region];
    RegionView view;
    view.latency = expected(region, model, awaited);
    const Seconds since_refusal = now - r.refusal_rate_at;
    view.error_rate = error_rate(region, now) + r.refusal_rate * std::exp(-std::max(0.0, since_refusal.count()) / 10);
    view.waiting = r.waiting;
    if (r.waiting > 0) view.mean_wait = Latency(now.time_since_epoch()) - r.waiting_since / r.waiting;
    view.ramp = ramp(r, now);
    view.usable = usable(region, model, now);
    view.on_trial = r.breaker.state(now) == BreakerState::half_open;
    // A due trial is sent with the next call; nothing else would detect the recovery.
    view.overdue =
        view.on_trial || ((r.known || !health_.enabled) && r.misses == 0 && now - r.last_dispatch > kOverdueAfter &&
                          calls_ - explored_at_call_ >= kOverdueCalls);
    return view;
}

double RegionHealthTracker::ramp(const RegionState& r, time_point now) const {
    if (r.recovered_at == time_point{}) return 1;
    const std::chrono::duration<double> since = now - r.recovered_at;
    return std::clamp(since / kRampTime, kMinRamp, 1.0);
}

const Quantiles& RegionHealthTracker::quantiles(ModelId model, Awaited awaited) const {
    const auto& m = about(model);
    return awaited == Awaited::stream ? m.stream_quantiles : m.plain_quantiles;
}

}  // namespace holysheep::health
