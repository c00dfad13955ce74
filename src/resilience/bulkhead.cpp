// Who leaves tells the first in the queue that wants that region.
#include "resilience/bulkhead.hpp"

#include <algorithm>

namespace holysheep::resilience {

namespace {

constexpr Bulkhead::Order kFront{Bulkhead::time_point::min(), 0};

}  // namespace

Bulkhead::Seat Bulkhead::join(std::vector<std::size_t> regions, time_point since, int priority, Guest guest,
                              std::function<void()> on_room) {
    Seat seat;
    const bool full = queue_.size() >= static_cast<std::size_t>(std::max(most_waiting_, 0));
    if (full && guest == Guest::fresh) return seat;
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
        if (bulkhead->has_room(region)) bulkhead->tell_next(region, kFront);
    }
}

void Bulkhead::Seat::pass_on() {
    for (const auto region : bulkhead_->queue_[key_].regions) {
        if (bulkhead_->has_room(region)) bulkhead_->tell_next(region, key_);
    }
}

void Bulkhead::on_leave(std::size_t region) {
    --in_flight_[region];
    tell_next(region, kFront);
}

void Bulkhead::tell_next(std::size_t region, const Order& behind) {
    const auto next = std::find_if(queue_.upper_bound(behind), queue_.end(), [&](const auto& entry) {
        const auto& regions = entry.second.regions;
        return std::ranges::find(regions, region) != regions.end();
    });
    if (next != queue_.end()) next->second.on_room();
}

}  // namespace holysheep::resilience
