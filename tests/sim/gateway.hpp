// One region's servers: a fixed number of slots, one first-come-first-served queue, and service times that drift.
// network → [Gateway] → first content, pieces, end → network
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "event_queue.hpp"
#include "fault_schedule.hpp"
#include "random_stream.hpp"
#include "simulation_plan.hpp"

namespace holysheep::sim {

/// A token bucket that holds the tokens of one second.
struct TokenBucket {
    double tokens = 0;
    std::optional<Time> filled{};
    bool take(double per_second, Time now);
};

class Gateway {
  public:
    using JobId = std::uint64_t;
    /// `ready` is the end of a job that only waited for its turn in the queue.
    enum class Step { first_content, piece, finished, cut, ready };
    using Listener = std::function<void(Step)>;

    struct Work {
        Time prefill{}, hold{};
        bool cut = false;        ///< the answer is cut half-way
        bool turn_only = false;  ///< waits for its turn in the queue, but takes no service time
    };

    Gateway(EventQueue& queue, const SimulationPlan& plan, const FaultSchedule& faults, std::size_t region,
            std::uint64_t seed);
    Gateway(const Gateway&) = delete;
    Gateway& operator=(const Gateway&) = delete;

    JobId submit(Work work, Listener listener);
    /// The gateway notices that the client has closed the connection, and frees the slot. Returns the wasted service
    /// time in seconds, or nothing for a job that is over or never began.
    std::optional<double> abandon(JobId job);
    /// Drops all jobs at once, queued and running; sends no notification.
    void die();
    bool full() const { return busy_ >= slots_now(); }
    /// Whether the quota, if there is one, has room for one more request.
    bool admits(Time now);
    /// Starts queued jobs if slots have become free.
    void refill();

    int busy() const { return busy_; }
    std::size_t waiting() const { return waiting_; }
    /// The recent mean time from a request's arrival to its first content.
    Time recent_latency() const { return from_seconds(recent_latency_); }

  private:
    struct Job {
        Work work;
        Listener listener;
        Time arrived{};
        std::optional<Time> started{};
        EventQueue::EventId next = 0;
        int pieces_left = 0;
        Time between{};
    };

    /// When frozen work may resume; now if nothing is frozen.
    Time freeze_end() const;
    int slots_now() const;
    double slow_down(Time when);
    void start(JobId id, Job& job);
    void schedule_step(JobId id, Time after, Step step);
    void run_step(JobId id, Step step);
    void release(JobId id);

    EventQueue& queue_;
    const FaultSchedule& faults_;
    const std::size_t region_;
    const int slots_;
    RandomStream slow_down_random_;
    std::vector<double> slow_down_steps_;
    std::unordered_map<JobId, Job> jobs_;
    std::deque<JobId> pending_;  // ids of abandoned jobs stay until they reach the front
    JobId last_ = 0;
    int busy_ = 0;
    std::size_t waiting_ = 0;
    double recent_latency_;
    TokenBucket quota_{};
};

}  // namespace holysheep::sim
