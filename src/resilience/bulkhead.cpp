// Who leaves tells the first in the queue that wants that region and may go there.
#include "resilience/bulkhead.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace holysheep::resilience {

namespace {

constexpr Bulkhead::Order kFront{Bulkhead::time_point::min(), 0};
constexpr std::size_t kManyLanes = 32, kMostLanes = 256;  // in a region: from where on idle ones are forgotten
constexpr int kNearFront = 4;
constexpr double kNoLimit = 1e6;
constexpr int kMostSeen = 1'000;  // of the queue: those behind look again by themselves

std::optional<int> in_requests(double limit) {
    if (limit > kNoLimit) return std::nullopt;
    return std::max(1, static_cast<int>(std::lround(limit)));
}

}  // namespace

// ---- lanes ----

const Bulkhead::InLane* Bulkhead::find(std::size_t region, const Lane& lane) const {
    const auto& lanes = regions_[region].lanes;
    const auto found = std::ranges::find(lanes, lane, &InLane::lane);
    return found == lanes.end() ? nullptr : &*found;
}

Bulkhead::InLane* Bulkhead::find(std::size_t region, const Lane& lane) {
    return const_cast<InLane*>(std::as_const(*this).find(region, lane));
}

Bulkhead::InLane& Bulkhead::lane_in(std::size_t region, const Lane& lane) {
    if (auto* known = find(region, lane)) return *known;
    auto& lanes = regions_[region].lanes;
    if (lanes.size() >= kMostLanes) {
        const auto idle = std::ranges::find(lanes, 0, &InLane::in_flight);
        if (idle != lanes.end()) lanes.erase(idle);
    }
    return lanes.emplace_back(InLane{.lane = lane, .limit = {}});
}

void Bulkhead::forget(std::size_t region, const Lane& lane) {
    auto& lanes = regions_[region].lanes;
    if (lanes.size() <= kManyLanes) return;
    std::erase_if(lanes, [&](const InLane& known) {
        return known.lane == lane && known.in_flight == 0 && known.limit.forgettable(now_);
    });
}

// ---- places ----

bool Bulkhead::has_room(std::size_t region, const Lane& lane, time_point now) {
    now_ = now;
    if (!below_most(region)) return false;
    const auto* known = adaptive_ ? find(region, lane) : nullptr;
    return known == nullptr || known->limit.admits(known->in_flight, now);
}

bool Bulkhead::has_room_for(std::size_t region, const Lane& lane, const Order& order, time_point now) {
    if (!has_room(region, lane, now)) return false;
    int seen = 0;
    for (const auto& [before, waiter] : queue_) {
        if (before >= order || ++seen > kMostSeen) return true;
        const bool wants = std::ranges::any_of(
            waiter.wishes, [&](const Wish& wish) { return wish.region == region && wish.lane == lane; });
        if (wants && !waiter.skipped) return false;
    }
    return true;
}

std::optional<int> Bulkhead::load_limit(std::size_t region, const Lane& lane, time_point now) const {
    const auto* known = adaptive_ ? find(region, lane) : nullptr;
    return in_requests(known == nullptr ? HUGE_VAL : known->limit.limit(now));
}

std::optional<int> Bulkhead::load_limit(std::size_t region, time_point now) const {
    double lowest = HUGE_VAL;
    if (adaptive_) {
        for (const auto& lane : regions_[region].lanes) lowest = std::min(lowest, lane.limit.limit(now));
    }
    return in_requests(lowest);
}

bool Bulkhead::serves(std::size_t region, const Lane& lane, time_point since) const {
    const auto* known = find(region, lane);
    return known != nullptr && known->limit.served_since(since);
}

bool Bulkhead::refuses(const Wish& wish, time_point now) const {
    const auto* known = adaptive_ ? find(wish.region, wish.lane) : nullptr;
    return below_most(wish.region) && known != nullptr && !known->limit.admits(known->in_flight, now);
}

int Bulkhead::in_flight(std::size_t region, const Lane& lane) const {
    const auto* known = find(region, lane);
    return known == nullptr ? 0 : known->in_flight;
}

Bulkhead::Place Bulkhead::enter(std::size_t region, const Lane& lane, time_point now) {
    now_ = now;
    auto& entered = lane_in(region, lane);
    Place place;
    place.bulkhead_ = this;
    place.region_ = region;
    place.lane_ = lane;
    place.entered_ = now;
    place.others_ = entered.in_flight++;
    ++regions_[region].in_flight;
    return place;
}

void Bulkhead::Place::served(time_point now) {
    if (bulkhead_ == nullptr) return;
    bulkhead_->now_ = now;
    bulkhead_->lane_in(region_, lane_).limit.on_success(now);
    bulkhead_->tell_next(region_, kFront);
}

std::chrono::nanoseconds Bulkhead::Place::refused(LoadLimit::Refusal refusal, time_point now) {
    if (bulkhead_ == nullptr) return {};
    bulkhead_->now_ = now;
    refusal.sent = entered_;
    refusal.others = others_;
    return bulkhead_->lane_in(region_, lane_).limit.on_refusal(refusal, bulkhead_->random_.uniform(), now);
}

void Bulkhead::on_leave(std::size_t region, const Lane& lane) {
    --regions_[region].in_flight;
    --lane_in(region, lane).in_flight;
    tell_next(region, kFront);
    forget(region, lane);
}

// ---- the queue ----

Bulkhead::Seat Bulkhead::join(std::vector<Wish> wishes, time_point since, int priority, Guest guest,
                              std::function<void()> on_room) {
    Seat seat;
    const bool full = queue_.size() >= static_cast<std::size_t>(std::max(most_waiting_, 0));
    if (full && guest == Guest::fresh) return seat;
    seat.bulkhead_ = this;
    seat.key_ = {age(since, priority), ++next_ticket_};
    queue_.emplace(seat.key_, Waiter{std::move(wishes), std::move(on_room)});
    return seat;
}

void Bulkhead::Seat::leave() {
    auto* bulkhead = std::exchange(bulkhead_, nullptr);
    if (bulkhead == nullptr) return;
    const auto wishes = std::move(bulkhead->queue_[key_].wishes);
    bulkhead->queue_.erase(key_);
    // It may have been told of room that it does not take.
    for (const auto& wish : wishes) bulkhead->tell_next(wish.region, kFront);
}

void Bulkhead::Seat::pass_on(std::vector<Wish> wishes) {
    auto& waiter = bulkhead_->queue_[key_];
    waiter.wishes.swap(wishes);
    waiter.skipped = false;
    if (!std::exchange(waiter.told, false)) return;
    for (const auto& wish : wishes) {
        if (!bulkhead_->has_room(wish, bulkhead_->now_)) continue;
        waiter.skipped = true;
        bulkhead_->tell_next(wish.region, key_);
    }
}

bool Bulkhead::Seat::near_front() const {
    const auto& wishes = bulkhead_->queue_[key_].wishes;
    const auto shares = [&](const Wish& wish) { return std::ranges::find(wishes, wish) != wishes.end(); };
    int before = 0;
    int seen = 0;
    for (auto at = bulkhead_->queue_.begin(); at != bulkhead_->queue_.end() && at->first < key_; ++at) {
        if (std::ranges::any_of(at->second.wishes, shares)) ++before;
        if (before >= kNearFront || ++seen >= kMostSeen) return false;
    }
    return true;
}

void Bulkhead::tell_next(std::size_t region, const Order& behind) {
    if (!below_most(region)) return;
    int seen = 0;
    std::optional<Lane> full;  // mostly there is one
    for (auto next = queue_.upper_bound(behind); next != queue_.end() && seen < kMostSeen; ++next, ++seen) {
        auto& waiter = next->second;
        const auto wish = std::ranges::find(waiter.wishes, region, &Wish::region);
        if (waiter.told || wish == waiter.wishes.end() || full == wish->lane) continue;
        if (!has_room(*wish, now_)) {
            full = wish->lane;
            continue;
        }
        waiter.told = true;
        waiter.skipped = false;
        waiter.on_room();
        return;
    }
}

}  // namespace holysheep::resilience
