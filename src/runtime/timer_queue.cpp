// A heap of reusable slots, so that starting and cancelling timers does not allocate.
#include "runtime/timer_queue.hpp"

#include <utility>

namespace holysheep::runtime {

namespace {
// An id contains generation and slot, so a stale id never refers to a later timer in the same slot.
std::uint64_t make_id(std::uint32_t slot, std::uint32_t generation) {
    return (std::uint64_t{generation} << 32U) | (std::uint64_t{slot} + 1);
}
}  // namespace

TimerQueue::TimerId TimerQueue::add(time_point when, std::function<void()> function) {
    std::uint32_t slot = 0;
    if (free_.empty()) {
        slot = static_cast<std::uint32_t>(slots_.size());
        slots_.emplace_back();
    } else {
        slot = free_.back();
        free_.pop_back();
    }
    auto& s = slots_[slot];
    s.when = when;
    s.order = created_++;
    s.function = std::move(function);
    heap_.push_back(slot);
    place(heap_.size() - 1, slot);
    sift_up(heap_.size() - 1);
    return make_id(slot, s.generation);
}

bool TimerQueue::cancel(TimerId id) {
    const auto slot = static_cast<std::uint32_t>((id & 0xFFFF'FFFFU) - 1);
    if (id == 0 || slot >= slots_.size() || make_id(slot, slots_[slot].generation) != id) return false;
    remove(slots_[slot].heap_index);
    return true;
}

std::optional<TimerQueue::time_point> TimerQueue::next() const {
    if (heap_.empty()) return std::nullopt;
    return slots_[heap_.front()].when;
}

std::function<void()> TimerQueue::take_due(time_point now) {
    if (heap_.empty() || slots_[heap_.front()].when > now) return {};
    return remove(0);
}

bool TimerQueue::earlier(std::uint32_t a, std::uint32_t b) const {
    const auto& x = slots_[a];
    const auto& y = slots_[b];
    return x.when != y.when ? x.when < y.when : x.order < y.order;
}

void TimerQueue::place(std::size_t heap_index, std::uint32_t slot) {
    heap_[heap_index] = slot;
    slots_[slot].heap_index = heap_index;
}

void TimerQueue::sift_up(std::size_t i) {
    const auto slot = heap_[i];
    while (i > 0 && earlier(slot, heap_[(i - 1) / 2])) {
        place(i, heap_[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    place(i, slot);
}

void TimerQueue::sift_down(std::size_t i) {
    const auto slot = heap_[i];
    while (2 * i + 1 < heap_.size()) {
        auto child = 2 * i + 1;
        if (child + 1 < heap_.size() && earlier(heap_[child + 1], heap_[child])) ++child;
        if (!earlier(heap_[child], slot)) break;
        place(i, heap_[child]);
        i = child;
    }
    place(i, slot);
}

std::function<void()> TimerQueue::remove(std::size_t heap_index) {
    const auto slot = heap_[heap_index];
    const auto last = heap_.back();
    heap_.pop_back();
    if (heap_index < heap_.size()) {
        place(heap_index, last);
        sift_up(heap_index);
        sift_down(slots_[last].heap_index);
    }
    auto function = std::move(slots_[slot].function);
    slots_[slot].function = nullptr;
    ++slots_[slot].generation;
    free_.push_back(slot);
    return function;
}

}  // namespace holysheep::runtime
