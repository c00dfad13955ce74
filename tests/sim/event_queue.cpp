// Runs events in order of time; virtual time jumps from one event to the next.
#include "event_queue.hpp"

#include <algorithm>
#include <utility>

namespace holysheep::sim {

bool EventQueue::later(const Entry& a, const Entry& b) {
    return a.when != b.when ? a.when > b.when : a.order > b.order;
}

EventQueue::EventId EventQueue::at(Time when, Function function) {
    if (when == kNever) return 0;
    if (free_.empty()) {
        free_.push_back(static_cast<std::uint32_t>(slots_.size()));
        slots_.emplace_back();
    }
    const auto slot = free_.back();
    free_.pop_back();
    slots_[slot].function = std::move(function);
    const EventId id = (EventId{slots_[slot].generation} << 32U) | slot;
    heap_.push_back({std::max(when, now_), ++order_, id});
    std::push_heap(heap_.begin(), heap_.end(), later);
    return id;
}

void EventQueue::cancel(EventId id) { take(id); }

EventQueue::Function EventQueue::take(EventId id) {
    const auto slot = static_cast<std::uint32_t>(id);
    if (id == 0 || slots_[slot].generation != static_cast<std::uint32_t>(id >> 32U)) return {};
    if (++slots_[slot].generation == 0) slots_[slot].generation = 1;
    free_.push_back(slot);
    return std::exchange(slots_[slot].function, {});
}

void EventQueue::post(Function function) {
    posted_.push_back(std::move(function));
    if (running_) return;
    running_ = true;
    run_posted();
    running_ = false;
}

void EventQueue::run_posted() {
    while (!posted_.empty()) {
        const auto function = std::move(posted_.front());
        posted_.pop_front();
        function();
    }
}

void EventQueue::run_until(Time end) {
    running_ = true;
    while (!heap_.empty() && heap_.front().when <= end) {
        std::pop_heap(heap_.begin(), heap_.end(), later);
        const auto entry = heap_.back();
        heap_.pop_back();
        const auto function = take(entry.id);
        if (!function) continue;
        now_ = entry.when;
        function();
        run_posted();
    }
    now_ = std::max(now_, end);
    running_ = false;
}

}  // namespace holysheep::sim
