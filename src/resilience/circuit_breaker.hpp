// Stops sending to what keeps failing, and finds out with single trials when it works again. One for each region, one
// for each model of a region that has failed. Pure: time and randomness are arguments.
// outcomes of attempts → [CircuitBreaker] → may another one go there?
//
//   closed ──trip──→ open ──open time is over, or enough good probes──→ half-open ──enough good trials──→ closed
//                      ↑                                                   │
//                      └──────────────── a trial failed, 2^k longer ───────┘
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include <holysheep/clock.hpp>
#include <holysheep/options.hpp>
#include <holysheep/region_health.hpp>

namespace holysheep::resilience {

/// What a breaker counts. Answers that are the caller's fault, throttling, cancels and lost races are none of these.
enum class FailureKind {
    transport,  ///< refused, reset, TLS, DNS, no sign of life: certain evidence
    gateway,    ///< 502, 503, 504, 52x
    server,     ///< 500, or an answer that makes no sense
    timeout     ///< no answer within our own clock: it may be the model's slowness
};

/// Why a breaker is open.
enum class Trip { none, transport_in_a_row, gateway_in_a_row, any_in_a_row, failure_rate, silent, trial_failed, forced };

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
    /// Whether it opened for certain evidence (`transport` or `silent`), or a trial failed so since.
    bool opened_by_transport() const { return by_transport_; }

    /// An attempt goes out. True: it holds the one trial permit, and whoever ends the attempt gives that back with
    /// exactly one of the three functions below.
    bool on_dispatch(time_point now);
    void on_success(bool trial, time_point now);
    /// `may_open` false: counted, but it stays closed (so many others are in trouble that it says little about this
    /// one). `random` in [0,1) spreads the open time. True when this failure opened it.
    bool on_failure(FailureKind kind, bool trial, bool may_open, double random, time_point now);
    /// Neither good nor bad: cancelled, lost, throttled.
    void on_dropped(bool trial);

    /// Probes went unanswered and nothing else came from there either. True when that opened it.
    bool on_silence(double random, time_point now);
    /// Enough probes in a row were good: half-open at once if it had opened by transport and no trial has failed since
    /// such an early exit. True when that changed something.
    bool on_live_probes(time_point now);

    /// Open or closed until the next force or, with nullopt, from now on by itself again (beginning closed).
    void force(std::optional<BreakerState> state, time_point now);

  private:
    static constexpr int kBuckets = 10;
    struct Bucket {
        std::uint32_t ok = 0, failed = 0;
    };
    bool open(Trip trip, bool by_transport, double random, time_point now);
    void close(time_point now);
    void roll(time_point now);

    const BreakerOptions* options_;
    std::array<Bucket, kBuckets> window_{};  // of window / 10 each
    time_point window_end_{};
    time_point until_{}, closed_since_{};
    enum class State : std::uint8_t { closed, open, half_open } state_ = State::closed;
    Trip trip_ = Trip::none;
    std::optional<BreakerState> forced_{};
    bool by_transport_ = false, trial_out_ = false, early_exit_ = false, early_exit_spoilt_ = false;
    int openings_ = 0, good_trials_ = 0;
    int transport_in_a_row_ = 0, gateway_in_a_row_ = 0, any_in_a_row_ = 0;
};

}  // namespace holysheep::resilience
