// Stops sending to what keeps failing, and finds out with single trials when it works again. One for each region, one
// for each model of a region that has failed. Pure: time and randomness are arguments.
// outcomes of attempts → [CircuitBreaker] → may another one go there?
//
//   closed ──trip──→ open ──open time is over, or enough good probes──→ half-open ──enough good trials──→ closed
//                      ↑                                                   │                               ↑
//                      ├──────────────── a trial failed, 2^k longer ───────┘                               │
//                      └── a canary, sent because no other region was usable ── one success ───────────────┘
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include <holysheep/clock.hpp>
#include <holysheep/options.hpp>
#include <holysheep/region_health.hpp>

namespace holysheep::resilience {

/// What a breaker counts. Answers that are the caller's fault, throttling, cancels and lost races are none of these.
enum class FailureKind : std::uint8_t {
    transport,  ///< refused, reset, TLS, DNS, no sign of life: certain evidence
    gateway,    ///< 502, 503, 504, 52x
    server,     ///< 500, or an answer that makes no sense
    timeout     ///< no answer within our own clock: it may be the model's slowness
};

/// Why a breaker is open.
enum class Trip : std::uint8_t {
    none,
    transport_in_a_row,
    gateway_in_a_row,
    any_in_a_row,
    failure_rate,
    silent,
    trial_failed,
    forced
};

class CircuitBreaker {
  public:
    using time_point = Clock::time_point;
    /// `options` must outlive it.
    explicit CircuitBreaker(const BreakerOptions& options) : options_(&options) {}

    BreakerState state(time_point now) const;
    /// Whether an attempt may go out: closed, or half-open and no trial is out. Always while disabled.
    bool admits(time_point now) const;
    /// When the open time ends; unset unless it is open, and while it is forced open.
    std::optional<time_point> opens_trial_at(time_point now) const;
    /// Why it is open or half-open.
    Trip trip() const { return trip_; }
    /// While closed: failures without a success between.
    int failures_in_a_row() const { return any_in_a_row_; }
    /// Since when it has not been closed.
    time_point opened_at() const { return opened_at_; }
    /// Whether it opened last for certain evidence: `transport_in_a_row`, `silent`, or a trial that failed by
    /// transport.
    bool opened_by_transport() const { return by_transport_; }

    /// An attempt goes out, admitted or not. True: it holds the one trial permit, and whoever ends the attempt gives
    /// that back with exactly one of the three functions below. Outcomes of other attempts count only while closed.
    /// `canary`: no region was usable, so the attempt is made whatever the open time; it is the trial if none is out.
    bool on_dispatch(time_point now, bool canary = false);
    void on_success(bool trial, time_point now);
    /// An attempt that went out while this was not closed, beyond the trials, succeeded: closed at once, unless forced.
    void on_canary_success(bool trial, time_point now);
    /// What the other regions say about a failure of this one.
    struct Others {
        bool may_open = true;  ///< false: counted, but it stays closed (so many are in trouble that it says little)
        bool usable = true;    ///< false: this is the last way out, and its open time does not grow beyond a second
    };
    /// `random` in [0,1) spreads the open time. True when this failure opened it.
    bool on_failure(FailureKind kind, bool trial, Others others, double random, time_point now);
    /// Neither good nor bad: cancelled, lost, throttled.
    void on_dropped(bool trial);

    /// Probes went unanswered and nothing else came from there either. True when that opened it; it does so from closed
    /// only.
    bool on_silence(double random, time_point now);
    /// Enough probes in a row were good: half-open at once if it had opened by transport and no trial has failed since
    /// such an early exit. True when that changed something.
    bool on_live_probes(time_point now);

    /// Open or closed until the next force or, with nullopt, from now on by itself again (beginning closed;
    /// `half_open`: beginning with trials). All that was counted is forgotten. A trial that is out counts no more, but
    /// no other goes out before it is back.
    void force(std::optional<BreakerState> state, time_point now);

  private:
    static constexpr int kBuckets = 10;
    struct Bucket {
        std::uint32_t ok = 0, failed = 0;
    };
    enum class State : std::uint8_t { closed, open, half_open };

    /// Whether outcomes of attempts that are no trials count: those that come while it is open tell old news.
    bool counts() const;
    /// True when the trial's outcome still means something.
    bool take_back_trial();
    Trip trip_due() const;
    void open(Trip trip, bool by_transport, bool others_usable, double random, time_point now);
    void close(time_point now);
    void roll(time_point now);

    const BreakerOptions* options_;
    std::array<Bucket, kBuckets> window_{};  // a ring, each of window / 10
    time_point bucket_end_{};                // of the newest
    time_point until_ = time_point::min(), closed_since_{}, opened_at_{};
    int openings_ = 0, good_trials_ = 0;
    int transport_in_a_row_ = 0, gateway_in_a_row_ = 0, any_in_a_row_ = 0;
    Trip trip_ = Trip::none;
    std::optional<BreakerState> forced_{};  // open or closed
    State state_ = State::closed;
    std::uint8_t newest_ = 0;
    bool by_transport_ = false, early_exit_ = false, early_exit_spoilt_ = false;
    bool trial_out_ = false, trial_stale_ = false;  // stale: the state was forced since it went out
};

}  // namespace holysheep::resilience
