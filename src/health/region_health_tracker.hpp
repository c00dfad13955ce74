// What the client remembers of each region between calls: does it live, how fast does it serve, may a call go there?
// attempts, probes → [RegionHealthTracker] → plans, CallMachine, Prober, Stats
//
// Liveness is derived from proof of life (any byte) and its absence; only breakers, quota clocks and draining keep
// calls away. Two facts never mix: a region that answers 429 is alive.
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

inline constexpr std::chrono::duration<double> kRampTime{4};   ///< until a region that recovered has all its traffic
inline constexpr std::chrono::seconds kOverdueAfter{30};       ///< without a call: explored
inline constexpr std::chrono::milliseconds kCanaryEvery{500};  ///< at most, while no region is usable
inline constexpr double kColdStart = 300;  ///< ms: what a first answer is taken to take while nothing is known

/// How an attempt bears on its region's health. `none`: the caller's fault, a cancel, a lost race. `throttled`: a
/// quota. `overload`: refused for load, which says that the region is full where it serves others, else that it is
/// dead.
enum class FailureClass { none, success, throttled, overload, transport, gateway, server, timeout };
inline bool is_failure(FailureClass outcome) { return outcome >= FailureClass::overload; }

/// What is awaited: content of a stream, a whole answer, or something whose duration tells nothing.
enum class Awaited { stream, plain, other };

/// An attempt that is out. Made by `on_dispatch`; exactly one `on_outcome` takes it back.
struct AttemptToken {
    std::size_t region = 0;
    ModelId model = 0;
    Awaited awaited = Awaited::other;
    bool trial = false, model_trial = false;  // half-open permits that it holds
    bool answered = false;                    // its first content came
    bool late = false;                        // charged already, for a sign of life that did not come
    bool watched = false;                     // its region is asked for one when it falls silent
    /// Sent although a breaker keeps calls away: to the only region (implied), or to find out about a region, or about
    /// the model in it where the region itself is well.
    enum class Canary : std::uint8_t { no, implied, region, model } canary = Canary::no;
    bool is_canary() const { return canary == Canary::region || canary == Canary::model; }
    Clock::time_point at{};
};

/// What a plan needs to know of one region.
struct RegionView {
    double latency = 0;     ///< ms, expected until the first content (or the whole answer)
    double mean_wait = 0;   ///< ms, how long the attempts that wait have waited so far
    double error_rate = 0;  ///< of failures and refusals
    double ramp = 1;
    int waiting = 0;  ///< attempts without content yet
    bool usable = false;
    bool on_trial = false;  ///< half-open: an attempt there is a trial
    bool overdue = false;   ///< alive, but not asked for long
};

/// What changed since somebody last looked.
struct Notices {
    std::vector<std::size_t> changed;  ///< liveness, breaker or draining
    std::vector<std::size_t> dead;     ///< who waits for these should look elsewhere
    std::vector<std::size_t> back;     ///< who waits because no region was usable should look at these
};

/// On the I/O thread; time comes in with every event.
class RegionHealthTracker {
  public:
    using time_point = Clock::time_point;
    RegionHealthTracker(std::span<const Region> regions, const HealthOptions& health, const BreakerOptions& breaker,
                        std::uint64_t seed);
    RegionHealthTracker(const RegionHealthTracker&) = delete;
    RegionHealthTracker& operator=(const RegionHealthTracker&) = delete;

    std::size_t size() const { return regions_.size(); }
    /// What stands for a model's name here; 0 for "". What is remembered of a model begins with its first answer, or
    /// with its first failure of its own (a pause, a 5xx, a timeout, "not found"), and ends when 64 others were used
    /// since then. Names that never answered are forgotten first.
    ModelId model_id(std::string_view name) const { return values::model_id(name, secret_); }

    // ---- attempts ----
    /// `canary`: no region was usable, and this attempt finds out about that one (see `canary_at`).
    AttemptToken on_dispatch(std::size_t region, ModelId model, Awaited awaited, time_point now, bool canary = false);
    /// Any byte came from there, but the head of an answer that is yet to come.
    void on_alive(std::size_t region, time_point now);
    /// Such a head came. Whatever stands in front of a gateway can send it: the path lives, but a probe that goes
    /// unanswered meanwhile is believed.
    void on_early_head(std::size_t region, time_point now);
    /// What a connection showed: the timings of a new one, and what the transport knows of its path.
    void on_connection(std::size_t region, const AttemptTimings* fresh, const std::optional<PathEvidence>& path,
                       time_point now);
    /// The network's round trip, as TCP saw it; `variation` where the sample is an average.
    void on_rtt(std::size_t region, nanoseconds sample, time_point now, nanoseconds variation = {});
    /// Whether the last sample is old, or too few were taken.
    bool wants_rtt(std::size_t region, time_point now) const;
    /// How long a new connection took until it could be used: name, TCP and TLS.
    /// A sample counts as twice the average at most: a lost packet makes a handshake late, not the region far.
    void on_connect_time(std::size_t region, nanoseconds sample);
    /// How long one of its addresses has before the next one is tried beside it (RFC 8305): 200 ms, and once the round
    /// trip is known, half the time after which its handshake is late, between 10 and 50 ms.
    milliseconds connection_attempt_delay(std::size_t region) const;
    /// When a connection there is late: srtt + max(4·rttvar, 30 ms) of connecting, at most 1.5·srtt + 30 ms. Unset
    /// before the first.
    std::optional<nanoseconds> connect_late_after(std::size_t region) const;
    void on_first_content(AttemptToken& token, time_point now);
    /// A stream of the model went on after a silence of `gap`, or was given up after it.
    void on_content_gap(ModelId model, nanoseconds gap);
    /// The attempt's request went out: until its answer is whole, its region is asked for a sign of life whenever
    /// nothing came from there for `sign_of_life`. One question is out per region, however many attempts wait. True
    /// when `next_probe_at` may be earlier now.
    bool watch(AttemptToken& token, time_point now);
    /// A sign of life is overdue although the attempt still waits: charged now, once. `by_probe`: it was a probe that
    /// went unanswered.
    void on_late(AttemptToken& token, time_point now, bool by_probe = false);
    void on_outcome(AttemptToken& token, FailureClass outcome, time_point now);
    /// An attempt that ended without a outcome was the region's fault after all.
    void on_fault(std::size_t region, ModelId model, FailureClass outcome, time_point now);
    /// Quota, per model: a region that asked for a pause gets it. A later, shorter hint never ends an earlier one.
    void limit_until(std::size_t region, ModelId model, time_point until);
    /// Little is left of a quota: each dispatch begins a pause of `spacing`, until `reset`.
    void pace(std::size_t region, ModelId model, nanoseconds spacing, time_point reset);
    /// The region does not have this model: not asked for it for a minute, then twice as long each time, up to ten
    /// minutes.
    void on_model_missing(std::size_t region, ModelId model, time_point now);

    // ---- by hand ----
    void set_draining(std::size_t region, bool draining, time_point now);
    /// Keeps the breaker open or closed; nullopt lets it go.
    void force_breaker(std::size_t region, std::optional<BreakerState> state, time_point now);

    // ---- probes ----
    struct ProbeResult {
        bool answered = false;   ///< with any status, or a connection where that was all that was asked for
        bool good = false;       ///< and not with a 5xx
        bool throttled = false;  ///< it answered 429
        bool unsent = false;     ///< no socket was to be had, or the proxy failed: nothing is known
        bool bare = false;       ///< a connection was all that was asked for
        bool refused = false;    ///< it could not connect, or lost its connection: no answer, but no silence either
        nanoseconds took{-1};    ///< from the request's dispatch on a ready connection; negative: not measured
    };
    /// Begins the schedule: each region's first probe comes within the unhealthy interval.
    void start_probes(time_point now);
    /// The next time at which `take_due_probe` may say yes.
    std::optional<time_point> next_probe_at() const;
    /// Whether the region should be probed now; if traffic has proved life meanwhile, or one is out, its turn moves on.
    bool take_due_probe(std::size_t region, time_point now);
    /// A probe outside the schedule. False when one is out already.
    bool take_probe(std::size_t region, time_point now);
    void on_probe_end(std::size_t region, const ProbeResult& result, time_point now);
    /// A probe that was counted as missed was answered after all: the region lives, and probes take longer now.
    void on_late_probe(std::size_t region, nanoseconds took, time_point now);
    /// How long a probe may take on a ready connection.
    nanoseconds probe_timeout(std::size_t region) const;
    /// How long a probe may take until its connection is ready.
    nanoseconds probe_connect_timeout(std::size_t region) const;
    /// Whether the probe that goes out now should only connect: the region counts probes against a quota, or answers
    /// calls but no probes.
    bool probe_only_connects(std::size_t region, time_point now);
    /// Two probes in a row went unanswered, in silence, and nothing else came from there for `sign_of_life`. A region
    /// that refuses connections may finish the streams that it has.
    bool found_dead(std::size_t region, time_point now) const;
    /// The same, where the second probe went out as soon as the first was late: sooner, and wrong where the network
    /// fails for a moment.
    bool seems_dead(std::size_t region, time_point now) const;

    // ---- questions ----
    /// Looks again at what changes with time alone; before a plan. False, and nothing is done, less than 100 ms after
    /// the last time.
    bool refresh(time_point now);
    RegionView view(std::size_t region, ModelId model, Awaited awaited, time_point now) const;
    /// Whether an attempt may go there now: not draining, no pause, breakers admit, has the model.
    bool usable(std::size_t region, ModelId model, time_point now) const;
    bool draining(std::size_t region) const { return regions_[region].draining; }
    bool forced_open(std::size_t region) const { return regions_[region].breaker.trip() == resilience::Trip::forced; }
    bool breakers_admit(std::size_t region, ModelId model, time_point now) const;
    bool breakers_closed(std::size_t region, ModelId model, time_point now) const;
    /// The earliest moment at which it may become usable by itself: the end of a pause or of an open time. Unset when
    /// that is not known (forced open, a trial is out, draining).
    std::optional<time_point> usable_at(std::size_t region, ModelId model, time_point now) const;
    /// Nothing speaks against it: load may be moved there freely.
    bool healthy(std::size_t region, ModelId model, time_point now) const;
    /// No call went there for so long that one is an exploration.
    bool unasked_for_long(std::size_t region, time_point now) const {
        return now - regions_[region].last_dispatch > kOverdueAfter;
    }
    /// Healthy, and not slower than twice its own habit.
    bool in_good_shape(std::size_t region, ModelId model, time_point now) const;
    /// More than half of the weight is failing or far slower than usual: then slowness is no region's fault.
    bool general_trouble() const { return trouble_; }
    /// Whether the model's own breaker does; it counts for a single region, too.
    bool model_breaker_admits(std::size_t region, ModelId model, time_point now) const;
    bool has_model(std::size_t region, ModelId model, time_point now) const;
    int in_flight(std::size_t region) const { return regions_[region].in_flight; }
    /// The epoch when it is not limited.
    time_point limited_until(std::size_t region, ModelId model) const;
    /// e ← 0.9·e + 0.1·[failed], fading with τ = 10 s while nothing is tried, so that a region that failed once is not
    /// avoided for ever.
    double error_rate(std::size_t region, time_point now) const;
    /// The last byte from there, early heads aside; the epoch if there was none.
    time_point alive_at(std::size_t region) const { return regions_[region].alive_at; }
    const RttEstimate& rtt(std::size_t region) const { return regions_[region].rtt; }
    /// Time to the first content of streams, or of whole plain answers, of a model in all regions.
    const Quantiles& quantiles(ModelId model, Awaited awaited) const;
    /// The silences within its streams, in all regions.
    const ContentGaps& content_gaps(ModelId model) const { return about(model).gaps; }
    values::RegionFacts facts(std::size_t region, time_point now) const;

    /// While no region is usable: when the next canary may go out there. One each 300 to 500 ms, of all calls together,
    /// and one as soon as a probe is answered again; the first success closes the breaker. Where the region is well and
    /// models fail in it, each of them has its own.
    time_point canary_at(std::size_t region, ModelId model, time_point now) const {
        return std::max(now, canaries(region, model, now).next);
    }
    /// Since when one has been out and none has ended; unset: none is out.
    std::optional<time_point> canary_out_since(std::size_t region, ModelId model, time_point now) const {
        const auto& sent = canaries(region, model, now);
        return sent.out > 0 ? std::optional(sent.since) : std::nullopt;
    }
    /// No breaker keeps calls away, but the last attempt there failed.
    bool failing(std::size_t region) const { return regions_[region].breaker.failures_in_a_row() > 0; }
    /// The last time it refused a call for load, it served others.
    bool full(std::size_t region) const { return regions_[region].full; }
    /// Since when a breaker keeps calls away; unset: none does.
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
        nanoseconds spacing{}, missing_for{};                 // missing_for: the last such time
        std::unique_ptr<resilience::CircuitBreaker> breaker;  // once it has failed
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
        double usual = 0;  // its latency over minutes, ms; 0: not known
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
        double waiting_since = 0;  // sum over the attempts that wait, ms
        int in_flight = 0, waiting = 0, misses = 0, hits = 0, good_calls = 0;
        int watched = 0;     // attempts
        int unanswered = 0;  // probes in a row that met silence, with no other byte since
        bool draining = false, probe_out = false, probe_wanted = false, probe_repeats = false, known = false,
             failed_last = false;
        bool down = false, recovering = false, slow = false, full = false;
        Liveness shown = Liveness::unknown;
        BreakerState shown_breaker = BreakerState::closed;
        // refreshed:
        double latency_stream = 0, latency_plain = 0;
    };

    static constexpr std::size_t kNoSlot = static_cast<std::size_t>(-1);
    std::size_t slot_of(ModelId model) const;
    /// Gives it a slot, where it has none.
    std::size_t remember(ModelId model);
    /// What is known of it in all regions; nothing, where it has no slot.
    const Model& about(ModelId model) const;
    ModelInRegion& in_region(std::size_t region, ModelId model);
    const ModelInRegion* if_in_region(std::size_t region, ModelId model) const;
    ModelInRegion* if_in_region(std::size_t region, ModelId model);
    double expected(std::size_t region, ModelId model, Awaited awaited) const;
    const Canaries& canaries(std::size_t region, ModelId model, time_point now) const;
    /// Only the model's breaker keeps calls away.
    bool model_alone_blocked(std::size_t region, ModelId model, time_point now) const;
    AttemptToken::Canary canary_kind(std::size_t region, ModelId model, bool wanted, time_point now) const;
    void end_canary(AttemptToken& token, time_point now);
    bool others_usable(std::size_t region, ModelId model, time_point now) const;
    /// `served` false: it would have taken at least so long. That steers, but is no figure of an answer.
    void add_latency(const AttemptToken& token, double ms, bool served, time_point now);
    void wait_is_over(const AttemptToken& token);
    void succeed(AttemptToken& token, time_point now);
    void fail(AttemptToken& token, FailureClass outcome, time_point now);
    void release_trials(AttemptToken& token);
    void count(RegionState& r, bool failed, time_point now);
    bool serves_others(const AttemptToken& refused, time_point now) const;
    bool soft_failures_may_open(std::size_t region, ModelId model, time_point now) const;
    void opened(std::size_t region);
    void record_success(RegionState& r, time_point now);
    double ramp(const RegionState& r, time_point now) const;
    Liveness liveness(const RegionState& r, time_point now) const;
    const char* liveness_reason(const RegionState& r, time_point now) const;
    std::optional<time_point> life_due(const RegionState& r) const;
    milliseconds probe_period(const RegionState& r, time_point now) const;
    void schedule_probe(RegionState& r, time_point from, time_point now);
    void record_change(std::size_t region, time_point now);
    void refresh_latencies(Awaited awaited, time_point now);
    double jitter() { return 0.8 + 0.4 * random_.uniform(); }

    const HealthOptions health_;
    BreakerOptions breaker_;
    resilience::Random random_;
    const std::uint64_t secret_;
    std::vector<RegionState> regions_;
    std::vector<Model> models_;           // by slot; the first is for requests without a model
    std::vector<ModelId> ids_;            // of those
    mutable std::size_t last_found_ = 0;  // a call asks many times for the same one
    std::uint64_t uses_ = 0;
    LatencyAverage all_stream_, all_plain_;
    std::vector<double> scratch_;
    Notices notices_;
    time_point refreshed_at_{}, last_call_at_{};
    double total_weight_ = 0, best_latency_ = 0;
    std::uint64_t calls_ = 0, explored_at_call_ = 0;
    bool trouble_ = false;
};

}  // namespace holysheep::health
