// Counts outcomes and moves between three states. The trial permit survives every change of state: its holder must
// release it, and the outcome of the trial counts only if the state was not forced meanwhile.
#include "resilience/circuit_breaker.hpp"

#include <algorithm>
#include <chrono>

namespace holysheep::resilience {

namespace {
using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr auto kOpeningsForgottenAfter = 60s;
constexpr milliseconds kMaxOpenTimeOfLastRegion = 1s;
constexpr milliseconds kDefaultMaxOpenTime = 20s;
constexpr milliseconds kMaxOpenTime = 24h;  // keeps sums of times within their type

nanoseconds open_time(const BreakerOptions& options, int openings, milliseconds longest, double random) {
    const auto first = std::clamp(options.open_for, milliseconds{1}, kMaxOpenTime);
    const auto cap = std::clamp(options.max_open_for.value_or(kDefaultMaxOpenTime), first, kMaxOpenTime);
    auto time = first;
    for (int k = 0; k < openings && time < cap; ++k) time *= 2;
    const std::chrono::duration<double, std::nano> spread = std::min({time, cap, longest}) * (0.8 + 0.4 * random);
    return std::chrono::round<nanoseconds>(spread);
}
}  // namespace

BreakerState CircuitBreaker::state(time_point now) const {
    if (!options_->enabled) return BreakerState::closed;
    if (forced_) return *forced_;
    switch (state_) {
        case State::closed: return BreakerState::closed;
        case State::open: return now < until_ ? BreakerState::open : BreakerState::half_open;
        case State::half_open: return BreakerState::half_open;
    }
    return BreakerState::closed;
}

bool CircuitBreaker::admits(time_point now) const {
    switch (state(now)) {
        case BreakerState::closed: return true;
        case BreakerState::open: return false;
        case BreakerState::half_open: return !trial_out_;
    }
    return true;
}

std::optional<CircuitBreaker::time_point> CircuitBreaker::opens_trial_at(time_point now) const {
    if (forced_ || state(now) != BreakerState::open) return std::nullopt;
    return until_;
}

bool CircuitBreaker::on_dispatch(time_point now, bool canary) {
    const auto shown = state(now);
    const bool due = shown == BreakerState::half_open || (canary && shown == BreakerState::open && !forced_);
    if (!due || trial_out_) return false;
    state_ = State::half_open;
    trial_out_ = true;
    return true;
}

void CircuitBreaker::on_success(bool trial, time_point now) {
    if (trial) {
        if (release_trial() && ++good_trials_ >= options_->half_open_successes) close(now);
        return;
    }
    if (!counts()) return;
    roll(now);
    ++window_[newest_].ok;
    transport_in_a_row_ = gateway_in_a_row_ = any_in_a_row_ = 0;
}

void CircuitBreaker::on_canary_success(bool trial, time_point now) {
    if (trial) release_trial();
    if (!forced_ && state_ != State::closed) close(now);
}

bool CircuitBreaker::on_failure(FailureKind kind, bool trial, Others others, double random, time_point now) {
    const bool transport = kind == FailureKind::transport;
    if (trial) {
        if (!release_trial()) return false;
        early_exit_failed_ = early_exit_failed_ || early_exit_;
        open(Trip::trial_failed, transport, others.usable, random, now);
        return true;
    }
    if (!counts()) return false;
    roll(now);
    ++window_[newest_].failed;
    transport_in_a_row_ = transport ? transport_in_a_row_ + 1 : 0;
    if (kind == FailureKind::gateway) ++gateway_in_a_row_;  // other failures in between do not reset this count
    ++any_in_a_row_;
    const Trip reason = others.may_open ? trip_due() : Trip::none;
    if (reason == Trip::none) return false;
    open(reason, reason == Trip::transport_in_a_row, others.usable, random, now);
    return true;
}

void CircuitBreaker::on_dropped(bool trial) {
    if (trial) release_trial();
}

bool CircuitBreaker::on_silence(double random, time_point now) {
    // Ignored while half-open: if missed probes could postpone trials, a region that answers calls but no probes would
    // never close again.
    if (!counts()) return false;
    open(Trip::silent, true, true, random, now);
    return true;
}

bool CircuitBreaker::on_live_probes(time_point now) {
    if (forced_ || state(now) != BreakerState::open || !by_transport_ || early_exit_failed_) return false;
    state_ = State::half_open;  // `until_` stays: a failed trial must not shorten the open time
    early_exit_ = true;
    return true;
}

void CircuitBreaker::force(std::optional<BreakerState> state, time_point now) {
    close(now);
    openings_ = 0;
    trial_stale_ = trial_out_;
    forced_ = state;
    if (state == BreakerState::half_open) {
        forced_.reset();
        state_ = State::half_open;
    }
    if (state && state != BreakerState::closed) trip_ = Trip::forced;
}

bool CircuitBreaker::counts() const { return options_->enabled && !forced_ && state_ == State::closed; }

bool CircuitBreaker::release_trial() {
    const bool valid = trial_out_ && !trial_stale_;
    trial_out_ = trial_stale_ = false;
    return valid;
}

Trip CircuitBreaker::trip_due() const {
    if (transport_in_a_row_ >= options_->transport_failures) return Trip::transport_in_a_row;
    if (gateway_in_a_row_ >= options_->gateway_failures) return Trip::gateway_in_a_row;
    if (any_in_a_row_ >= options_->failures) return Trip::any_in_a_row;
    double ok = 0;
    double failed = 0;
    for (const Bucket& bucket : window_) {
        ok += bucket.ok;
        failed += bucket.failed;
    }
    const bool enough = ok + failed >= options_->min_calls;
    return enough && failed >= options_->failure_rate * (ok + failed) ? Trip::failure_rate : Trip::none;
}

void CircuitBreaker::open(Trip trip, bool by_transport, bool others_usable, double random, time_point now) {
    if (state_ == State::closed) {
        if (now - closed_since_ >= kOpeningsForgottenAfter) openings_ = 0;
        opened_at_ = now;
    }
    const auto longest = others_usable ? kMaxOpenTime : kMaxOpenTimeOfLastRegion;
    until_ = std::max(until_, now + open_time(*options_, openings_, longest, random));
    if (others_usable) ++openings_;
    state_ = State::open;
    trip_ = trip;
    by_transport_ = by_transport;
    early_exit_ = false;
    good_trials_ = 0;
}

void CircuitBreaker::close(time_point now) {
    state_ = State::closed;
    closed_since_ = now;
    until_ = time_point::min();
    trip_ = Trip::none;
    by_transport_ = early_exit_ = early_exit_failed_ = false;
    good_trials_ = transport_in_a_row_ = gateway_in_a_row_ = any_in_a_row_ = 0;
    window_.fill({});
}

void CircuitBreaker::roll(time_point now) {
    if (now < bucket_end_) return;
    const nanoseconds width = std::max(options_->window, milliseconds{kBuckets}) / kBuckets;
    const auto steps = (now - bucket_end_) / width + 1;
    if (steps >= kBuckets) {
        window_.fill({});
        bucket_end_ = now + width;
        return;
    }
    for (auto step = steps; step > 0; --step) {
        newest_ = static_cast<std::uint8_t>((newest_ + 1) % kBuckets);
        window_[newest_] = {};
    }
    bucket_end_ += steps * width;
}

}  // namespace holysheep::resilience
