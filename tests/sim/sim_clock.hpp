// The time of one client process: the simulation's time, plus an offset that a suspended machine gains when it wakes
// up.
// EventQueue → [SimClock] → the client's timers and posted functions
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <holysheep/clock.hpp>

#include "event_queue.hpp"

namespace holysheep::sim {

class SimClock final : public Clock {
  public:
    /// The queue must outlive the clock.
    explicit SimClock(EventQueue& queue);
    ~SimClock() override;

    time_point now() const override;
    TimerId call_at(time_point when, std::function<void()> function) override;
    void cancel(TimerId timer) override;
    void post(std::function<void()> function) override;

    /// Moves this process's time forward. Timers that became due run at once, late, as they do after a suspend.
    void jump(Time by);

  private:
    struct Timer {
        time_point when{};
        std::uint32_t generation = 0;
        EventQueue::EventId event = 0;  // 0: free
        std::function<void()> function;
    };
    void schedule(std::uint32_t slot);
    void fire(std::uint32_t slot);
    std::function<void()> release(std::uint32_t slot);

    EventQueue& queue_;
    time_point origin_;
    std::vector<Timer> timers_;
    std::vector<std::uint32_t> free_;
};

}  // namespace holysheep::sim
