// Learns how many requests a region accepts at a time, from its refusals because of load (429, 503, 529). Such a region
// is full, not dead: it gets fewer requests, but not none. outcomes of attempts → [LoadLimit] → Bulkhead: may another
// request be sent?; RegionHealthTracker: how long to pause?
//
// While at most 36 % of the last requests are refused, the limit stays: another region serves those at no cost, and a
// gateway that refuses a share of its requests, however few they are, gains nothing from a lower limit. (Google's
// clients send up to twice the accepted load for the same reason: "Site Reliability Engineering", chapter 21.) Above
// that share, a refusal lowers the limit below the number in flight at that time, by up to 15 %. From there it grows
// along the cubic function of RFC 9438 (CUBIC for TCP): fast up to the point of the refusal, slowly around it, fast
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

/// The limit of one region, model and account. Pure: time and randomness are arguments.
class LoadLimit {
  public:
    using time_point = Clock::time_point;
    using nanoseconds = std::chrono::nanoseconds;

    /// Infinite until a refusal first lowers it, and again a minute after it was last lowered.
    double limit(time_point now) const;
    bool admits(int in_flight, time_point now) const { return in_flight < limit(now) - 0.5 || in_flight < 1; }

    struct Refusal {
        time_point sent{};       ///< when the request was sent
        int others = 0;          ///< requests in flight at that time
        bool throttled = false;  ///< 429: a quota, rather than a lack of capacity
        bool dead = false;     ///< the region serves no request at all, so the refusal says nothing about its capacity
        bool used_up = false;  ///< its headers report an exhausted quota
        std::optional<milliseconds> hint{};  ///< Retry-After; ignored if not positive
    };
    /// Returns how long to pause the region; 0 if not at all. The hint applies if the quota is exhausted, if the region
    /// never served a request, or if it has refused everything for at least the time of the hint. Otherwise a 429
    /// pauses it for 0.2 to 0.5 s, doubled by each consecutive one, up to 5 s and to the time since the last answer.
    /// `random` is uniform in [0, 1).
    nanoseconds on_refusal(const Refusal& refusal, double random, time_point now);
    /// An answer began.
    void on_success(time_point now);
    bool served_since(time_point when) const { return served_at_ >= when; }
    /// Whether the state equals a new LoadLimit, so that it may be dropped.
    bool forgettable(time_point now) const;

  private:
    static constexpr double kUnlimited = std::numeric_limits<double>::infinity();
    void lower(const Refusal& refusal, time_point now);
    void count(bool refused, time_point now);
    nanoseconds pause_after(const Refusal& refusal, double random, time_point now) const;

    double w_max_ = kUnlimited;  // Wmax
    double beta_ = 1;
    time_point grows_from_{}, lowered_at_{};
    double refused_share_ = 0;  // among the last outcomes
    int counted_ = 0;
    int in_a_row_ = 0;  // refusals since the last answer; one burst counts once
    time_point refused_since_{}, refused_at_{}, served_at_{time_point::min()};
};

}  // namespace holysheep::resilience
