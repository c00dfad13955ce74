// Tracks the state of each region across calls: whether it answers, how fast it serves, and whether a call may use it.
// attempts, probes → [RegionHealthTracker] → plans, CallMachine, Prober, Stats
//
// Liveness follows from received bytes and their absence. Only breakers, pauses (quotas) and draining block calls. The
// two are independent: a region that answers 429 is alive.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <holysheep/clock.hpp>
#include <holysheep/options.hpp>
#include <holysheep/transport.hpp>

#include "health/latency.hpp"
#include "health/probe_trust.hpp"
#include "resilience/circuit_breaker.hpp"
#include "resilience/random.hpp"
#include "values/model_id.hpp"
#include "values/region_facts.hpp"

namespace holysheep::health {

using values::ModelId;

inline constexpr std::chrono::duration<double> kRampTime{4};   ///< until a recovered region has its full traffic
inline constexpr std::chrono::seconds kOverdueAfter{30};       ///< without a call: explore the region
inline constexpr std::chrono::milliseconds kCanaryEvery{500};  ///< longest interval, while no region is usable
inline constexpr Latency kColdStart{300};  ///< expected time to the first content without any samples

/// The effect of an attempt on the health of its region. `none`: a client error, cancelled, overtaken. `throttled`: a
/// quota. `overload`: refused for load; the region is full if it serves other requests, else it counts as failed.
enum class FailureClass { none, success, throttled, overload, transport, gateway, server, timeout };
inline bool is_failure(FailureClass outcome) { return outcome >= FailureClass::overload; }

/// What the attempt waits for: content of a stream, a whole answer, or a response whose duration is not comparable.
enum class Awaited { stream, plain, other };

/// An attempt in flight. Created by `on_dispatch`, ended by exactly one `on_outcome`.
struct AttemptToken {
    std::size_t region = 0;
    ModelId model = 0;
    Awaited awaited = Awaited::other;
    bool trial = false, model_trial = false;  // holds the trial permit of the breaker
    bool answered = false;                    // its first content arrived
    bool late = false;                        // already counted as failed, because of silence
    bool watched = false;                     // probe its region if it falls silent
    /// Sent although a breaker blocks calls: to the only region (implied), or to test a region, or only one of its
    /// models.
    enum class Canary : std::uint8_t { no, implied, region, model } canary = Canary::no;
    bool is_canary() const { return canary == Canary::region || canary == Canary::model; }
    Clock::time_point at{};
};

/// The state of one region, as input for the choice of regions.
struct RegionView {
    Latency latency{};      ///< expected time to the first content (or the whole answer)
    Latency mean_wait{};    ///< mean time that waiting attempts have waited so far
    double error_rate = 0;  ///< share of failures and refusals
    double ramp = 1;
    int waiting = 0;  ///< attempts without content yet
    bool usable = false;
    bool on_trial = false;  ///< half-open: the next attempt is a trial
    bool overdue = false;   ///< alive, but without a call for long
};

/// Changes since the last `take_notices`.
struct Notices {
    std::vector<std::size_t> changed;  ///< liveness, breaker or draining
    std::vector<std::size_t> dead;     ///< waiting calls should use another region
    std::vector<std::size_t> back;     ///< calls that wait for a usable region should try these
};

/// I/O thread only; the time is an argument of every event.
class RegionHealthTracker {
  public:
    using time_point = Clock::time_point;
    RegionHealthTracker(std::span<const Region> regions, const HealthOptions& health, const BreakerOptions& breaker,
                        std::uint64_t seed);
    RegionHealthTracker(const RegionHealthTracker&) = delete;
    RegionHealthTracker& operator=(const RegionHealthTracker&) = delete;

    std::size_t size() const { return regions_.size(); }
    /// The id of a model's name; 0 for "". The state of a model begins with its first answer or its first own failure
    /// (a pause, a 5xx, a timeout, "not found"), and is dropped once 64 other models were used since. Models that never
    /// answered are dropped first.
    ModelId model_id(std::string_view name) const { return values::model_id(name, secret_); }

    // ---- attempts ----
    /// `canary`: no region was usable, and this attempt tests this one (see `canary_at`).
    AttemptToken on_dispatch(std::size_t region, ModelId model, Awaited awaited, time_point now, bool canary = false);
    /// Any byte arrived, except an early head.
    void on_alive(std::size_t region, time_point now);
    /// The head of an answer arrived before its body is ready. A proxy in front of the gateway can send it, so it
    /// proves only that the path works; an unanswered probe still counts.
    void on_early_head(std::size_t region, time_point now);
    /// Measurements of a connection: the timings of a new one, and what the transport knows about its path.
    void on_connection(std::size_t region, const AttemptTimings* fresh, const std::optional<PathEvidence>& path,
                       time_point now);
    /// A round trip of the network, as measured by TCP; `variation` if the sample is an average.
    void on_rtt(std::size_t region, nanoseconds sample, time_point now, nanoseconds variation = {});
    /// Whether the last sample is old, or there are too few.
    bool wants_rtt(std::size_t region, time_point now) const;
    /// The duration of a new connection: DNS, TCP and TLS. A sample counts as at most twice the average, because a lost
    /// packet delays a handshake without making the region farther.
    void on_connect_time(std::size_t region, nanoseconds sample);
    /// How long to wait for one address before also trying the next (RFC 8305): 200 ms; once the round trip is known,
    /// half the time after which the handshake is late, within 10 and 50 ms.
    milliseconds connection_attempt_delay(std::size_t region) const;
    /// When a connection is late: srtt + max(4·rttvar, 30 ms) of connection times, at most 1.5·srtt + 30 ms. Unset
    /// before the first connection.
    std::optional<nanoseconds> connect_late_after(std::size_t region) const;
    void on_first_content(AttemptToken& token, time_point now);
    /// A stream of the model continued after a silence of `gap`, or was abandoned after it.
    void on_content_gap(ModelId model, nanoseconds gap);
    /// The request was sent. Until its answer is complete, the region is probed whenever it was silent for
    /// `sign_of_life`, with one probe at a time, however many attempts wait. Returns true if `next_probe_at` may have
    /// become earlier.
    bool watch(AttemptToken& token, time_point now);
    /// The region is silent while the attempt waits: counts it as failed, once. `by_probe`: a probe was not answered.
    void on_late(AttemptToken& token, time_point now, bool by_probe = false);
    void on_outcome(AttemptToken& token, FailureClass outcome, time_point now);
    /// An attempt that ended as `none` turned out to be a failure of the region.
    void on_fault(std::size_t region, ModelId model, FailureClass outcome, time_point now);
    /// Pauses a model in a region (quota). A later, shorter hint does not shorten the pause.
    void limit_until(std::size_t region, ModelId model, time_point until);
    /// The quota is nearly used up: until `reset`, each dispatch starts a pause of `spacing`.
    void pace(std::size_t region, ModelId model, nanoseconds spacing, time_point reset);
    /// The region does not have this model: skip it there for a minute, doubled each time, up to ten minutes.
    void on_model_missing(std::size_t region, ModelId model, time_point now);

    // ---- manual control ----
    void set_draining(std::size_t region, bool draining, time_point now);
    /// Forces the breaker open or closed; nullopt ends that.
    void force_breaker(std::size_t region, std::optional<BreakerState> state, time_point now);

    // ---- probes ----
    struct ProbeResult {
        bool answered = false;   ///< with any status; for a bare probe: it connected
        bool good = false;       ///< answered, and not with a 5xx
        bool throttled = false;  ///< answered with 429
        bool unsent = false;     ///< no socket, or the proxy failed: no information
        bool bare = false;       ///< it only connected
        bool refused = false;    ///< connection refused or lost: no answer, but not silence
        nanoseconds took{-1};    ///< from sending on a ready connection; negative: not measured
    };
    /// Starts the schedule: the first probe of each region is due within the unhealthy interval.
    void start_probes(time_point now);
    /// The next time at which `take_due_probe` may return true.
    std::optional<time_point> next_probe_at() const;
    /// Whether to probe the region now. If traffic shows that it answers, or a probe is in flight, the next one is
    /// postponed.
    bool take_due_probe(std::size_t region, time_point now);
    /// A probe outside the schedule. Returns false if one is in flight.
    bool take_probe(std::size_t region, time_point now);
    void on_probe_end(std::size_t region, const ProbeResult& result, time_point now);
    /// A probe that was counted as missed was answered later: the region answers, and probes take longer now.
    void on_late_probe(std::size_t region, nanoseconds took, time_point now);
    /// How long a probe may take on a ready connection.
    nanoseconds probe_timeout(std::size_t region) const;
    /// How long a probe may take until its connection is ready.
    nanoseconds probe_connect_timeout(std::size_t region) const;
    /// Whether the next probe should only connect, because the region counts probes against a quota, or answers calls
    /// but no probes.
    bool probe_only_connects(std::size_t region, time_point now);
    /// Two consecutive probes were not answered, and no byte arrived for `sign_of_life`. (A region that refuses
    /// connections does not qualify: it may complete its streams.)
    bool found_dead(std::size_t region, time_point now) const;
    /// The same, with a second probe as soon as the first is late: detects a failure earlier, but may mistake a short
    /// network failure for a dead region.
    bool seems_dead(std::size_t region, time_point now) const;

    // ---- queries ----
    /// Updates the state that changes with time; call it before planning. Does nothing and returns false less than 100
    /// ms after the last update.
    bool refresh(time_point now);
    RegionView view(std::size_t region, ModelId model, Awaited awaited, time_point now) const;
    /// Whether an attempt may be sent now: not draining, no pause, admitted by the breakers, has the model.
    bool usable(std::size_t region, ModelId model, time_point now) const;
    bool draining(std::size_t region) const { return regions_[region].draining; }
    bool forced_open(std::size_t region) const { return regions_[region].breaker.trip() == resilience::Trip::forced; }
    bool breakers_admit(std::size_t region, ModelId model, time_point now) const;
    bool breakers_closed(std::size_t region, ModelId model, time_point now) const;
    /// When it may become usable without a probe: the end of a pause or of an open time. Unset if unknown (forced open,
    /// a trial is in flight, draining).
    std::optional<time_point> usable_at(std::size_t region, ModelId model, time_point now) const;
    /// No sign of a problem: it can take the load of other regions.
    bool healthy(std::size_t region, ModelId model, time_point now) const;
    /// Whether the region had no call for so long that the next one is an exploration.
    bool unasked_for_long(std::size_t region, time_point now) const {
        return now - regions_[region].last_dispatch > kOverdueAfter;
    }
    /// Healthy, and at most twice as slow as usual.
    bool in_good_shape(std::size_t region, ModelId model, time_point now) const;
    /// More than half of the weight fails or is far slower than usual, so the cause is not a single region.
    bool general_trouble() const { return trouble_; }
    /// Whether the breaker of the model admits an attempt; applies to a single region, too.
    bool model_breaker_admits(std::size_t region, ModelId model, time_point now) const;
    bool has_model(std::size_t region, ModelId model, time_point now) const;
    int in_flight(std::size_t region) const { return regions_[region].in_flight; }
    /// The end of the pause; the epoch if there is none.
    time_point limited_until(std::size_t region, ModelId model) const;
    /// e ← 0.9·e + 0.1·[failed], decaying with τ = 10 s without attempts, so that a region that failed once is not
    /// avoided for ever.
    double error_rate(std::size_t region, time_point now) const;
    /// When the last byte arrived, except early heads; the epoch if none has.
    time_point alive_at(std::size_t region) const { return regions_[region].alive_at; }
    const RttEstimate& rtt(std::size_t region) const { return regions_[region].rtt; }
    /// Time to the first content of streams, or to the whole plain answer, of a model in all regions.
    const Quantiles& quantiles(ModelId model, Awaited awaited) const;
    /// The gaps within its streams, in all regions.
    const ContentGaps& content_gaps(ModelId model) const { return about(model).gaps; }
    values::RegionFacts facts(std::size_t region, time_point now) const;

    /// While no region is usable: when the next canary may be sent there. All calls together send one every 300 to 500
    /// ms, and one as soon as a probe is answered again; the first success closes the breaker. If only models of the
    /// region fail, each of them has canaries of its own.
    time_point canary_at(std::size_t region, ModelId model, time_point now) const {
        return std::max(now, canaries(region, model, now).next);
    }
    /// When the current canary was sent; unset if none is in flight.
    std::optional<time_point> canary_out_since(std::size_t region, ModelId model, time_point now) const {
        const auto& sent = canaries(region, model, now);
        return sent.out > 0 ? std::optional(sent.since) : std::nullopt;
    }
    /// Whether the last attempt failed; the breaker may still be closed.
    bool failing(std::size_t region) const { return regions_[region].breaker.failures_in_a_row() > 0; }
    /// Whether the region served other requests when it last refused a call because of load.
    bool full(std::size_t region) const { return regions_[region].full; }
    /// When a breaker began to block calls; unset if none does.
    std::optional<time_point> blocked_since(std::size_t region, ModelId model, time_point now) const;

    bool has_notices() const { return !notices_.changed.empty() || !notices_.dead.empty() || !notices_.back.empty(); }
    Notices take_notices();

  private:
    struct Canaries {
        time_point next{}, since{};
        int out = 0;
    };
    struct ModelInRegion {
        LatencyAverage stream, plain;
        Canaries canaries;
        time_point limited_until{}, missing_until{}, paced_until{};
        nanoseconds spacing{}, missing_for{};                 // missing_for: the last duration
        std::unique_ptr<resilience::CircuitBreaker> breaker;  // created at the first failure
    };
    struct Model {
        ModelId id = 0;
        std::uint64_t used = 0;  // higher: more recently
        bool served = false;
        LatencyAverage stream, plain;
        Quantiles stream_quantiles, plain_quantiles;
        ContentGaps gaps;
    };
    struct RegionState {
        explicit RegionState(const BreakerOptions& options) : breaker(options) {}
        double weight = 1;
        resilience::CircuitBreaker breaker;
        RttEstimate rtt, connect_time, probe_time;
        LatencyAverage stream, plain;
        Quantiles first_token;
        Latency usual{};  // latency over minutes; 0: unknown
        double error_rate = 0, refusal_rate = 0;
        time_point error_rate_at{}, refusal_rate_at{}, refused_since{};
        int refused_in_a_row = 0;
        time_point alive_at{}, head_at{}, last_dispatch{}, recovered_at{}, next_probe{}, probe_sent{},
            probe_limited_until{}, rtt_at{};
        nanoseconds last_probe{-1};
        time_point watch_began{};
        ProbeTrust probe_trust;
        std::vector<ModelInRegion> models;  // by slot
        Canaries canaries;
        Latency waiting_since{};  // sum of the start times of waiting attempts, since the epoch
        int in_flight = 0, waiting = 0, misses = 0, hits = 0, good_calls = 0;
        int watched = 0;     // attempts
        int unanswered = 0;  // consecutive probes that met silence, without any byte since
        bool draining = false, probe_out = false, probe_wanted = false, probe_repeats = false, known = false,
             failed_last = false;
        bool down = false, recovering = false, slow = false, full = false;
        Liveness shown = Liveness::unknown;
        BreakerState shown_breaker = BreakerState::closed;
        Latency latency_stream{}, latency_plain{};  // set by `refresh`
    };

    static constexpr std::size_t kNoSlot = static_cast<std::size_t>(-1);
    std::size_t slot_of(ModelId model) const;
    /// Finds or assigns a slot.
    std::size_t remember(ModelId model);
    /// The state of the model across regions; an empty one without a slot.
    const Model& about(ModelId model) const;
    ModelInRegion& in_region(std::size_t region, ModelId model);
    const ModelInRegion* if_in_region(std::size_t region, ModelId model) const;
    ModelInRegion* if_in_region(std::size_t region, ModelId model);
    Latency expected(std::size_t region, ModelId model, Awaited awaited) const;
    const Canaries& canaries(std::size_t region, ModelId model, time_point now) const;
    /// Whether only the breaker of the model blocks calls.
    bool model_alone_blocked(std::size_t region, ModelId model, time_point now) const;
    AttemptToken::Canary canary_kind(std::size_t region, ModelId model, bool wanted, time_point now) const;
    void end_canary(AttemptToken& token, time_point now);
    bool others_usable(std::size_t region, ModelId model, time_point now) const;
    /// `served` false: the sample is a lower bound, from an abandoned attempt; it counts for the averages, not for
    /// quantiles.
    void add_latency(const AttemptToken& token, Latency sample, bool served, time_point now);
    void end_wait(const AttemptToken& token);
    void succeed(AttemptToken& token, time_point now);
    void fail(AttemptToken& token, FailureClass outcome, time_point now);
    void release_trials(AttemptToken& token);
    void count(RegionState& r, bool failed, time_point now);
    bool serves_others(const AttemptToken& refused, time_point now) const;
    bool soft_failures_may_open(std::size_t region, ModelId model, time_point now) const;
    void opened(std::size_t region);
    /// Records an answered call or a successful probe.
    void record_success(RegionState& r, time_point now);
    double ramp(const RegionState& r, time_point now) const;
    Liveness liveness(const RegionState& r, time_point now) const;
    const char* liveness_reason(const RegionState& r, time_point now) const;
    std::optional<time_point> life_due(const RegionState& r) const;
    milliseconds probe_period(const RegionState& r, time_point now) const;
    void schedule_probe(RegionState& r, time_point from, time_point now);
    /// Adds a notice if the displayed state differs.
    void record_change(std::size_t region, time_point now);
    void refresh_latencies(Awaited awaited, time_point now);
    double jitter() { return 0.8 + 0.4 * random_.uniform(); }

    const HealthOptions health_;
    BreakerOptions breaker_;
    resilience::Random random_;
    const std::uint64_t secret_;
    std::vector<RegionState> regions_;
    std::vector<Model> models_;           // by slot; slot 0: requests without a model
    std::vector<ModelId> ids_;            // ids of the models, by slot
    mutable std::size_t last_found_ = 0;  // cache: a call looks up the same model many times
    std::uint64_t uses_ = 0;
    LatencyAverage all_stream_, all_plain_;
    std::vector<Latency> scratch_;
    Notices notices_;
    time_point refreshed_at_{}, last_call_at_{};
    double total_weight_ = 0;
    Latency best_latency_{};
    std::uint64_t calls_ = 0, explored_at_call_ = 0;
    bool trouble_ = false;
};

}  // namespace holysheep::health
