// Functions to run at given times. Pure: the time is an argument.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include <holysheep/clock.hpp>

namespace holysheep::runtime {

/// A binary heap of timers that can be cancelled by id. Timers of the same time run in the order of their creation.
/// Not thread-safe.
class TimerQueue {
  public:
    using time_point = Clock::time_point;
    using TimerId = Clock::TimerId;

    TimerId add(time_point when, std::function<void()> function);
    /// Returns false if the timer ran or was cancelled.
    bool cancel(TimerId id);
    std::optional<time_point> next() const;
    /// Removes and returns the earliest timer if it is due; the caller runs it.
    std::function<void()> take_due(time_point now);
    std::size_t size() const { return heap_.size(); }

  private:
    struct Slot {
        time_point when{};
        std::uint64_t order = 0;
        std::uint32_t generation = 0;
        std::size_t heap_index = 0;
        std::function<void()> function;
    };
    bool earlier(std::uint32_t a, std::uint32_t b) const;
    void place(std::size_t heap_index, std::uint32_t slot);
    void sift_up(std::size_t heap_index);
    void sift_down(std::size_t heap_index);
    std::function<void()> remove(std::size_t heap_index);

    std::vector<Slot> slots_;
    std::vector<std::uint32_t> free_;
    std::vector<std::uint32_t> heap_;
    std::uint64_t created_ = 0;
};

}  // namespace holysheep::runtime
