// Each timer stores its own due time, so that a jump can reschedule it.
#include "sim_clock.hpp"

#include <utility>

namespace holysheep::sim {

// Starts at one hour, so that times before the start can be represented.
SimClock::SimClock(EventQueue& queue) : queue_(queue), origin_(std::chrono::hours(1)) {}

SimClock::~SimClock() {
    for (const auto& timer : timers_) queue_.cancel(timer.event);
}

Clock::time_point SimClock::now() const { return origin_ + queue_.now(); }

Clock::TimerId SimClock::call_at(time_point when, std::function<void()> function) {
    if (free_.empty()) {
        free_.push_back(static_cast<std::uint32_t>(timers_.size()));
        timers_.emplace_back();
    }
    const auto slot = free_.back();
    free_.pop_back();
    auto& timer = timers_[slot];
    timer.when = when;
    timer.function = std::move(function);
    ++timer.generation;
    schedule(slot);
    return (TimerId{timer.generation} << 32U) | slot;
}

void SimClock::schedule(std::uint32_t slot) {
    const auto when = timers_[slot].when;
    // Far beyond the end of any simulation, and safe to add to.
    const auto latest = now() + std::chrono::hours(24);
    timers_[slot].event = queue_.at((when < latest ? when : latest) - origin_, [this, slot] { fire(slot); });
}

void SimClock::fire(std::uint32_t slot) { release(slot)(); }

std::function<void()> SimClock::release(std::uint32_t slot) {
    timers_[slot].event = 0;
    free_.push_back(slot);
    return std::exchange(timers_[slot].function, {});
}

void SimClock::cancel(TimerId timer) {
    const auto slot = static_cast<std::uint32_t>(timer);
    if (slot >= timers_.size() || timers_[slot].event == 0) return;
    if (timers_[slot].generation != static_cast<std::uint32_t>(timer >> 32U)) return;
    queue_.cancel(timers_[slot].event);
    release(slot);
}

void SimClock::post(std::function<void()> function) { queue_.post(std::move(function)); }

void SimClock::jump(Time by) {
    origin_ += by;
    for (std::uint32_t slot = 0; slot < timers_.size(); ++slot) {
        if (timers_[slot].event == 0) continue;
        queue_.cancel(timers_[slot].event);
        schedule(slot);
    }
}

}  // namespace holysheep::sim
