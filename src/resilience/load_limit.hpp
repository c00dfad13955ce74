// How many requests one region takes at a time, learned from what it refuses for load (429, 503, 529). Such a region is
// full, not dead: it is sent less, not nothing.
// outcomes of attempts → [LoadLimit] → Bulkhead: may another one go there now?; RegionHealthTracker: how long a pause?
//
// While little more than a third of the last requests are refused, nothing changes: another region serves those at no
// cost, and a gateway that refuses a part of what it is sent, however little that is, gains nothing from a lower limit
// (the same reason for which Google's clients send up to twice what is accepted: "Site Reliability Engineering",
// chapter 21). Beyond it, a refusal lowers the limit below what was in flight then, by up to 15 %; from there it grows
// along the cubic function of RFC 9438 (CUBIC for TCP): fast back to where the refusal came, slowly around it, fast
// beyond:
//
//     W(t) = 0.4·(t − K)³ + Wmax,   K = ∛(Wmax·(1 − β)/0.4),   t in seconds since the refusal
//     β = 1 − 0.15·(share − 0.36)/share
#pragma once

#include <limits>
#include <optional>

#include <holysheep/clock.hpp>
#include <holysheep/options.hpp>

namespace holysheep::resilience {

/// Of one region, model and account. Pure: time and randomness are arguments.
class LoadLimit {
  public:
    using time_point = Clock::time_point;
    using nanoseconds = std::chrono::nanoseconds;

    /// Infinite until the first refusal, and again a minute after the last one.
    double limit(time_point now) const;
    bool admits(int in_flight, time_point now) const { return in_flight < limit(now) - 0.5 || in_flight < 1; }

    struct Refusal {
        time_point sent{};                   ///< when the request went out
        int others = 0;                      ///< in flight then
        bool throttled = false;              ///< 429: a quota, rather than want of room
        bool dead = false;                   ///< nobody is served there: that says nothing about how many may be
        bool used_up = false;                ///< its headers say that nothing is left of the quota
        std::optional<milliseconds> hint{};  ///< Retry-After; 0 and less say nothing
    };
    /// The pause that the region needs, 0 if none. The hint, where nothing is left of the quota, nothing was ever
    /// served, or all was refused for as long as it says; else 0.2 to 0.5 s after a 429, doubled by each further one in
    /// a row, up to 5 s and to the time since the last answer. `random` is uniform in [0, 1).
    nanoseconds on_refusal(const Refusal& refusal, double random, time_point now);
    /// An answer began.
    void on_success(time_point now);
    bool served_since(time_point when) const { return served_at_ >= when; }
    /// Nothing is worth remembering.
    bool forgettable(time_point now) const;

  private:
    static constexpr double kUnlimited = std::numeric_limits<double>::infinity();
    void lower(const Refusal& refusal, time_point now);
    void count(bool refused, time_point now);
    nanoseconds pause_after(const Refusal& refusal, double random, time_point now) const;

    double most_ = kUnlimited;  // Wmax
    double beta_ = 1;
    time_point grows_from_{}, lowered_at_{};
    double refused_share_ = 0;  // of the last outcomes
    int counted_ = 0;
    int in_a_row_ = 0;  // refusals since the last answer; those of one burst count once
    time_point refused_since_{}, refused_at_{}, served_at_{time_point::min()};
};

}  // namespace holysheep::resilience
