// Who leaves tells the first in the queue that wants that region.
#include "resilience/bulkhead.hpp"

#include <algorithm>

namespace holysheep::resilience {

Bulkhead::Seat Bulkhead::join(std::vector<std::size_t> regions, time_point since, int priority,
                              std::function<void()> on_room) {
    Seat seat;
    if (queue_.size() >= static_cast<std::size_t>(std::max(most_waiting_, 0))) return seat;
    seat.bulkhead_ = this;
    seat.key_ = {since + priority * std::chrono::seconds{5}, ++next_ticket_};
    queue_.emplace(seat.key_, Waiter{std::move(regions), std::move(on_room)});
    return seat;
}

void Bulkhead::Seat::leave() {
    auto* bulkhead = std::exchange(bulkhead_, nullptr);
    if (bulkhead == nullptr) return;
    const auto regions = std::move(bulkhead->queue_[key_].regions);
    bulkhead->queue_.erase(key_);
    // It may have been told of room that it does not take.
    for (const auto region : regions) {
        if (bulkhead->has_room(region)) bulkhead->tell_first(region);
    }
}

void Bulkhead::on_leave(std::size_t region) {
    --in_flight_[region];
    tell_first(region);
}

void Bulkhead::tell_first(std::size_t region) {
    for (auto& [key, waiter] : queue_) {
        if (std::ranges::find(waiter.regions, region) == waiter.regions.end()) continue;
        waiter.on_room();
        return;
    }
}

}  // namespace holysheep::resilience
