// Sends probes: on the schedule of the tracker, for silent regions with waiting calls, and on request of the user.
// RegionHealthTracker → [Prober] → Transport → RegionHealthTracker
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <holysheep/clock.hpp>
#include <holysheep/options.hpp>
#include <holysheep/transport.hpp>

#include "health/region_health_tracker.hpp"

namespace holysheep::health {

/// Dependencies of the prober.
struct ProberHooks {
    /// Builds the probe request; `deep`: a completion of one token.
    std::function<HttpRequest(std::size_t region, bool deep)> request;
    /// A probe ended, after the tracker was informed. `nullptr`: the late answer of a probe that was counted as missed.
    std::function<void(std::size_t region, const RegionHealthTracker::ProbeResult* result)> on_end;
    std::function<void(int change)> on_work;  ///< a probe began (1) or ended (-1)
};

/// I/O thread only. Regions are probed in parallel, on the connections of the calls, one probe per region at a time.
class Prober {
  public:
    Prober(RegionHealthTracker& regions, Clock& clock, Transport& transport, const HealthOptions& options,
           ProberHooks hooks);
    ~Prober();
    Prober(const Prober&) = delete;
    Prober& operator=(const Prober&) = delete;

    /// Starts the schedule.
    void start();
    /// Call when `RegionHealthTracker::next_probe_at` may have become earlier.
    void rearm();
    /// An attempt waits for the region: probes it now if it has been silent for long, else later.
    void on_watch(std::size_t region);
    /// Probes these regions, or waits for the probes in flight. `done` runs when all have ended, after `timeout` at the
    /// latest. The end of `timeout` does not count as a failure of a region.
    void probe_all(std::span<const std::size_t> regions, milliseconds timeout, std::function<void()> done);
    /// Cancels all probes and sends no more.
    void shut_down();

  private:
    class Probe;
    struct Round {
        std::uint64_t number = 0;
        Clock::TimerId timer = 0;
        std::vector<bool> waits_for;
        std::size_t left = 0;
        std::function<void()> done;
    };
    void on_timer();
    void send(std::size_t region);
    void ended(std::size_t region, const RegionHealthTracker::ProbeResult& result);
    void missed(std::size_t region);
    void late_ended(const Probe& probe);
    void report(std::size_t region, const RegionHealthTracker::ProbeResult& result);
    void end_round(std::uint64_t number);
    void finish_rounds();
    bool may_go_deep(std::size_t region);

    RegionHealthTracker& regions_;
    Clock& clock_;
    Transport& transport_;
    const HealthOptions options_;
    ProberHooks hooks_;
    std::vector<std::unique_ptr<Probe>> probes_;  // in flight, by region; null: none
    std::vector<std::unique_ptr<Probe>> late_;    // counted as missed; may still answer until the timeout
    std::vector<Clock::time_point> deep_at_;
    std::vector<Round> rounds_;
    std::uint64_t last_round_ = 0;
    Clock::TimerId timer_ = 0;
    Clock::time_point timer_at_{}, hour_began_{};
    std::int64_t tokens_this_hour_ = 0;
    bool closed_ = false, started_ = false;
};

}  // namespace holysheep::health
