// Orders all events of a simulation by time.
// clients, network, gateways → [EventQueue] → the next event
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

namespace holysheep::sim {

/// Time since the beginning of the simulation.
using Time = std::chrono::nanoseconds;
inline constexpr Time kNever = Time::max();

inline double seconds(Time time) { return std::chrono::duration<double>(time).count(); }
inline double in_ms(Time time) { return seconds(time) * 1'000; }
inline Time from_seconds(double value) {
    return std::chrono::duration_cast<Time>(std::chrono::duration<double>(value));
}

/// A binary heap of functions. Events of the same moment run in the order of their creation. Not thread-safe: one
/// simulation runs on one thread.
class EventQueue {
  public:
    using EventId = std::uint64_t;
    using Function = std::function<void()>;

    EventQueue() = default;
    EventQueue(const EventQueue&) = delete;
    EventQueue& operator=(const EventQueue&) = delete;

    Time now() const { return now_; }
    /// A moment in the past is treated as now; `kNever` gives 0 and drops the function. Ids are never 0.
    EventId at(Time when, Function function);
    void cancel(EventId id);
    /// Runs the function at the current time: after the current event, or at once when no event is running. A client's
    /// constructor and destructor need the latter because they post a function and wait for it.
    void post(Function function);
    /// Runs all events up to and including `end`; time is `end` afterwards.
    void run_until(Time end);

  private:
    struct Entry {
        Time when{};
        std::uint64_t order = 0;
        EventId id = 0;
    };
    struct Slot {
        std::uint32_t generation = 1;
        Function function;
    };
    static bool later(const Entry& a, const Entry& b);
    Function take(EventId id);
    void run_posted();

    Time now_{0};
    std::uint64_t order_ = 0;
    bool running_ = false;
    std::vector<Entry> heap_;  // entries of cancelled events stay until they reach the top
    std::vector<Slot> slots_;
    std::vector<std::uint32_t> free_;
    std::deque<Function> posted_;
};

}  // namespace holysheep::sim
