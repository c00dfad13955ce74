// Sends probes when the tracker wants them, in time or for a sign of life that calls wait for, and when the user asks.
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

/// What the prober is given and whom it tells.
struct ProberHooks {
    /// The request that asks a region for a sign of life; `deep`: by one token of a completion.
    std::function<HttpRequest(std::size_t region, bool deep)> request;
    /// The tracker has heard of it; `nullptr`: of the late answer of a probe that was counted as missed.
    std::function<void(std::size_t region, const RegionHealthTracker::ProbeResult* result)> on_end;
    std::function<void(int change)> on_work;  ///< probes that begin (1) and end (-1)
};

/// On the I/O thread. All regions are probed at once, on the connections of the calls; one probe per region is out.
class Prober {
  public:
    Prober(RegionHealthTracker& regions, Clock& clock, Transport& transport, const HealthOptions& options,
           ProberHooks hooks);
    ~Prober();
    Prober(const Prober&) = delete;
    Prober& operator=(const Prober&) = delete;

    /// Begins the schedule.
    void start();
    /// The tracker may want a probe earlier than it did.
    void rearm();
    /// An attempt waits for that region: it is asked for a sign of life now, if it was silent for long, else later.
    void on_watch(std::size_t region);
    /// Probes these regions, or joins the probes that are out; `done` runs when each has answered or missed its time,
    /// after `timeout` at the latest. A region that is not waited for any longer is not blamed for that.
    void probe_all(std::span<const std::size_t> regions, milliseconds timeout, std::function<void()> done);
    /// Drops what is out; nothing more is sent.
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
    void tell(std::size_t region, const RegionHealthTracker::ProbeResult& result);
    void end_round(std::uint64_t number);
    void finish_rounds();
    bool may_go_deep(std::size_t region);

    RegionHealthTracker& regions_;
    Clock& clock_;
    Transport& transport_;
    const HealthOptions options_;
    ProberHooks hooks_;
    std::vector<std::unique_ptr<Probe>> probes_;  // by region; null: none is out
    std::vector<std::unique_ptr<Probe>> late_;    // missed already, listened to until the timeout
    std::vector<Clock::time_point> deep_at_;
    std::vector<Round> rounds_;
    std::uint64_t last_round_ = 0;
    Clock::TimerId timer_ = 0;
    Clock::time_point timer_at_{}, hour_began_{};
    std::int64_t tokens_this_hour_ = 0;
    bool closed_ = false, started_ = false;
};

}  // namespace holysheep::health
