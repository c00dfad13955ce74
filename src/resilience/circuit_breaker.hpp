// Stops sending to a target that keeps failing, and detects by single trials when it works again. There is one breaker
// per region, and one per model of a region once the model has failed there. Pure: time and randomness are arguments.
// outcomes of attempts → [CircuitBreaker] → may another attempt be sent?
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

/// The failures that a breaker counts. Client errors, throttling, cancellation and lost races are not among them.
enum class FailureKind : std::uint8_t {
    transport,  ///< refused, reset, TLS, DNS, no sign of life: certain evidence
    gateway,    ///< 502, 503, 504, 52x
    server,     ///< 500, or a malformed answer
    timeout     ///< no answer within our own limit: the model may be slow
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

/// I/O thread only.
class CircuitBreaker {
  public:
    using time_point = Clock::time_point;
    /// `options` must outlive this object.
    explicit CircuitBreaker(const BreakerOptions& options) : options_(&options) {}

    BreakerState state(time_point now) const;
    /// Whether an attempt may be sent: closed, or half-open without a trial in flight. Always true while disabled.
    bool admits(time_point now) const;
    /// When the open time ends; unset if the breaker is not open, or is forced open.
    std::optional<time_point> opens_trial_at(time_point now) const;
    /// Why it is open or half-open.
    Trip trip() const { return trip_; }
    /// While closed: consecutive failures.
    int failures_in_a_row() const { return any_in_a_row_; }
    /// When it last left the closed state.
    time_point opened_at() const { return opened_at_; }
    /// Whether it last opened on certain evidence: `transport_in_a_row`, `silent`, or a trial with a transport failure.
    bool opened_by_transport() const { return by_transport_; }

    /// An attempt is sent, admitted or not. Returns true if it holds the one trial permit; then exactly one of the four
    /// functions below must release it, with `trial` set. Outcomes of other attempts count only while closed.
    /// `canary`: no region was usable, so the attempt ignores the open time; it becomes the trial if none is in flight.
    bool on_dispatch(time_point now, bool canary = false);
    void on_success(bool trial, time_point now);
    /// A canary succeeded: closes at once, unless forced.
    void on_canary_success(bool trial, time_point now);
    /// The state of the other regions at the time of a failure.
    struct Others {
        bool may_open = true;  ///< false: count, but stay closed (so many regions fail that the cause is elsewhere)
        bool usable = true;    ///< false: this is the last region, so its open time stays within a second
    };
    /// `random` in [0,1) spreads the open time. Returns true if this failure opened the breaker.
    bool on_failure(FailureKind kind, bool trial, Others others, double random, time_point now);
    /// Neither success nor failure: cancelled, overtaken, throttled.
    void on_dropped(bool trial);

    /// Probes were not answered, and no other byte arrived. Opens a closed breaker; returns true if it did.
    bool on_silence(double random, time_point now);
    /// Enough consecutive probes succeeded: becomes half-open at once, if it opened by transport failures and no trial
    /// has failed since an earlier such exit. Returns true if the state changed.
    bool on_live_probes(time_point now);

    /// `open` or `closed` holds until the next call; nullopt ends the override, starting closed, `half_open` likewise,
    /// starting with trials. Resets all counters. The outcome of a trial in flight is ignored, but no other trial
    /// starts before it ends.
    void force(std::optional<BreakerState> state, time_point now);

  private:
    static constexpr int kBuckets = 10;
    struct Bucket {
        std::uint32_t ok = 0, failed = 0;
    };
    enum class State : std::uint8_t { closed, open, half_open };

    /// Whether outcomes of ordinary attempts count. While open they do not, because the attempts were sent earlier.
    bool counts() const;
    /// Releases the trial permit. Returns true if the outcome of the trial still counts.
    bool release_trial();
    Trip trip_due() const;
    void open(Trip trip, bool by_transport, bool others_usable, double random, time_point now);
    void close(time_point now);
    void roll(time_point now);

    const BreakerOptions* options_;
    std::array<Bucket, kBuckets> window_{};  // a ring of buckets, each covering window / 10
    time_point bucket_end_{};                // of the newest bucket
    time_point until_ = time_point::min(), closed_since_{}, opened_at_{};
    int openings_ = 0, good_trials_ = 0;
    int transport_in_a_row_ = 0, gateway_in_a_row_ = 0, any_in_a_row_ = 0;
    Trip trip_ = Trip::none;
    std::optional<BreakerState> forced_{};  // open or closed
    State state_ = State::closed;
    std::uint8_t newest_ = 0;
    bool by_transport_ = false, early_exit_ = false, early_exit_failed_ = false;
    bool trial_out_ = false, trial_stale_ = false;  // stale: the state was forced since the trial was sent
};

}  // namespace holysheep::resilience
