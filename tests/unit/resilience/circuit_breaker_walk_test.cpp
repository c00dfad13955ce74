// Walks the breaker's state diagram at random for a long time and checks rules that must always hold.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "resilience/circuit_breaker.hpp"
#include "resilience/random.hpp"

namespace holysheep::resilience {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

/// The random history of one breaker and of the attempts that it admitted or refused.
class Walk {
  public:
    explicit Walk(std::uint64_t seed) : random_(seed) {
        while (states.size() < 20'000 && !testing::Test::HasFailure()) {
            step();
            check();
        }
    }

    /// Checks that it still admits calls at the end, once all trials are over.
    void expect_recovery() {
        breaker_.force(std::nullopt, now_);
        for (int i = 0; i < 3; ++i) breaker_.on_failure(FailureKind::transport, false, {}, 0.5, now_);
        ASSERT_EQ(breaker_.state(now_), BreakerState::open);
        now_ = *breaker_.opens_trial_at(now_);
        if (trials_ > 0) breaker_.on_success(true, now_);
        EXPECT_TRUE(breaker_.admits(now_));
    }

    std::vector<BreakerState> states;  // after each step

  private:
    bool chance(double p) { return random_.uniform() < p; }

    void step() {
        // The failure rate changes in phases, so that all states are reached: long healthy, long dead, and in between.
        if (chance(0.002)) failing_ = chance(0.3) ? 0.02 : random_.uniform() * 1.2;
        const double kind_of_step = random_.uniform();
        if (kind_of_step < 0.3) return dispatch();
        if (kind_of_step < 0.6) return plain_ > 0 ? end_plain() : void();
        if (kind_of_step < 0.8) return trials_ > 0 ? end_trial() : void();
        if (kind_of_step < 0.9) return pass(500ms);
        if (kind_of_step < 0.905) return pass(30s);
        if (kind_of_step < 0.92 && chance(failing_)) breaker_.on_silence(random_.uniform(), now_);
        if (kind_of_step > 0.97) breaker_.on_live_probes(now_);
        if (kind_of_step > 0.999) force();
    }

    void dispatch() {
        const bool admitted = breaker_.admits(now_);
        const BreakerState before = breaker_.state(now_);
        const bool trial = breaker_.on_dispatch(now_);
        EXPECT_EQ(trial, admitted && before == BreakerState::half_open);
        ++(trial ? trials_ : plain_);
    }
    void end_plain() {
        --plain_;
        chance(0.1) ? breaker_.on_dropped(false) : report(false);
    }
    void end_trial() {
        --trials_;
        chance(0.1) ? breaker_.on_dropped(true) : report(true);
        const BreakerState state = breaker_.state(now_);
        EXPECT_EQ(breaker_.admits(now_), state != BreakerState::open) << "the permit is lost";
    }
    void report(bool trial) {
        if (!chance(failing_)) return breaker_.on_success(trial, now_);
        const auto kind = static_cast<FailureKind>(random_.next() % 4);
        const bool may_open = chance(0.9);
        const bool opened = breaker_.on_failure(kind, trial, {.may_open = may_open}, random_.uniform(), now_);
        EXPECT_TRUE(!opened || breaker_.state(now_) == BreakerState::open);
    }
    void pass(milliseconds max_time) {
        now_ += std::chrono::duration_cast<nanoseconds>(random_.uniform() * std::chrono::duration<double>(max_time));
    }
    void force() {
        forced_.reset();
        if (chance(0.3)) forced_ = chance(0.5) ? BreakerState::open : BreakerState::closed;
        breaker_.force(!forced_ && chance(0.3) ? std::optional{BreakerState::half_open} : forced_, now_);
        end_.reset();
    }

    void check() {
        SCOPED_TRACE(testing::Message() << "step " << states.size());
        const BreakerState state = breaker_.state(now_);
        const bool may_admit = state == BreakerState::closed || (state == BreakerState::half_open && trials_ == 0);
        EXPECT_LE(trials_, 1);
        EXPECT_EQ(breaker_.admits(now_), may_admit);
        EXPECT_EQ(breaker_.trip() == Trip::none, state == BreakerState::closed);
        EXPECT_TRUE(!forced_ || state == *forced_);
        const auto end = breaker_.opens_trial_at(now_);
        EXPECT_EQ(end.has_value(), state == BreakerState::open && !forced_);
        if (end) {
            EXPECT_GT(*end, now_);
            EXPECT_LE(*end, now_ + 24s);
            EXPECT_TRUE(!end_ || *end >= *end_) << "the open time became shorter";
            end_ = end;
        }
        if (state == BreakerState::closed) end_.reset();
        states.push_back(state);
    }

    Random random_;
    BreakerOptions options_{};
    CircuitBreaker breaker_{options_};
    Clock::time_point now_ = Clock::time_point{} + 1h;
    double failing_ = 0.5;
    int trials_ = 0, plain_ = 0;  // attempts in progress
    std::optional<BreakerState> forced_{};
    std::optional<Clock::time_point> end_{};  // when the open time was last seen to end
};

TEST(CircuitBreakerWalk, KeepsItsInvariantsUnderRandomEvents) {
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        Walk walk(seed);
        walk.expect_recovery();
        for (const BreakerState state : {BreakerState::closed, BreakerState::open, BreakerState::half_open}) {
            EXPECT_GT(std::ranges::count(walk.states, state), 200) << "the walk must visit every state";
        }
        if (HasFailure()) return;
    }
}

TEST(CircuitBreakerWalk, TheSameSeedGivesTheSameStates) { EXPECT_EQ(Walk(7).states, Walk(7).states); }

}  // namespace
}  // namespace holysheep::resilience
