// Manages permits and the queue. A released permit notifies the first queued call that targets the region and has room
// there.
#include "resilience/bulkhead.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace holysheep::resilience {

namespace {

constexpr Bulkhead::QueueKey kFront{Bulkhead::time_point::min(), 0};
constexpr std::size_t kManyKeys = 32, kMaxKeys = 256;  // per region; idle keys are dropped above these
constexpr int kNearFront = 4;
constexpr double kNoLimit = 1e6;
constexpr int kMaxScanned = 1'000;  // entries of the queue; later ones poll on their own

std::optional<int> in_requests(double limit) {
    if (limit > kNoLimit) return std::nullopt;
    return std::max(1, static_cast<int>(std::lround(limit)));
}

}  // namespace

// ---- keys ----

const Bulkhead::KeyState* Bulkhead::find(std::size_t region, const LimiterKey& key) const {
    const auto& keys = regions_[region].keys;
    const auto found = std::ranges::find(keys, key, &KeyState::key);
    return found == keys.end() ? nullptr : &*found;
}

Bulkhead::KeyState* Bulkhead::find(std::size_t region, const LimiterKey& key) {
    return const_cast<KeyState*>(std::as_const(*this).find(region, key));
}

Bulkhead::KeyState& Bulkhead::state_of(std::size_t region, const LimiterKey& key) {
    if (auto* known = find(region, key)) return *known;
    auto& keys = regions_[region].keys;
    if (keys.size() >= kMaxKeys) {
        const auto idle = std::ranges::find(keys, 0, &KeyState::in_flight);
        if (idle != keys.end()) keys.erase(idle);
    }
    return keys.emplace_back(KeyState{.key = key, .limit = {}});
}

void Bulkhead::forget(std::size_t region, const LimiterKey& key) {
    auto& keys = regions_[region].keys;
    if (keys.size() <= kManyKeys) return;
    std::erase_if(keys, [&](const KeyState& known) {
        return known.key == key && known.in_flight == 0 && known.limit.forgettable(now_);
    });
}

// ---- permits ----

bool Bulkhead::has_room(std::size_t region, const LimiterKey& key, time_point now) {
    now_ = now;
    if (!below_cap(region)) return false;
    const auto* known = adaptive_ ? find(region, key) : nullptr;
    return known == nullptr || known->limit.admits(known->in_flight, now);
}

bool Bulkhead::has_room_for(std::size_t region, const LimiterKey& key, const QueueKey& position, time_point now) {
    if (!has_room(region, key, now)) return false;
    int seen = 0;
    for (const auto& [ahead, entry] : queue_) {
        if (ahead >= position || ++seen > kMaxScanned) return true;
        const bool wants = std::ranges::any_of(
            entry.targets, [&](const Target& target) { return target.region == region && target.key == key; });
        if (wants && !entry.skipped) return false;
    }
    return true;
}

std::optional<int> Bulkhead::load_limit(std::size_t region, const LimiterKey& key, time_point now) const {
    const auto* known = adaptive_ ? find(region, key) : nullptr;
    return in_requests(known == nullptr ? HUGE_VAL : known->limit.limit(now));
}

std::optional<int> Bulkhead::load_limit(std::size_t region, time_point now) const {
    double lowest = HUGE_VAL;
    if (adaptive_) {
        for (const auto& key : regions_[region].keys) lowest = std::min(lowest, key.limit.limit(now));
    }
    return in_requests(lowest);
}

bool Bulkhead::serves(std::size_t region, const LimiterKey& key, time_point since) const {
    const auto* known = find(region, key);
    return known != nullptr && known->limit.served_since(since);
}

bool Bulkhead::at_load_limit(const Target& target, time_point now) const {
    const auto* known = adaptive_ ? find(target.region, target.key) : nullptr;
    return below_cap(target.region) && known != nullptr && !known->limit.admits(known->in_flight, now);
}

int Bulkhead::in_flight(std::size_t region, const LimiterKey& key) const {
    const auto* known = find(region, key);
    return known == nullptr ? 0 : known->in_flight;
}

Bulkhead::Permit Bulkhead::acquire(std::size_t region, const LimiterKey& key, time_point now) {
    now_ = now;
    auto& state = state_of(region, key);
    Permit permit;
    permit.bulkhead_ = this;
    permit.region_ = region;
    permit.key_ = key;
    permit.acquired_at_ = now;
    permit.others_ = state.in_flight++;
    ++regions_[region].in_flight;
    return permit;
}

void Bulkhead::Permit::on_success(time_point now) {
    if (bulkhead_ == nullptr) return;
    bulkhead_->now_ = now;
    bulkhead_->state_of(region_, key_).limit.on_success(now);
    bulkhead_->notify_next(region_, kFront);
}

std::chrono::nanoseconds Bulkhead::Permit::on_refusal(LoadLimit::Refusal refusal, time_point now) {
    if (bulkhead_ == nullptr) return {};
    bulkhead_->now_ = now;
    refusal.sent = acquired_at_;
    refusal.others = others_;
    return bulkhead_->state_of(region_, key_).limit.on_refusal(refusal, bulkhead_->random_.uniform(), now);
}

void Bulkhead::on_release(std::size_t region, const LimiterKey& key) {
    --regions_[region].in_flight;
    --state_of(region, key).in_flight;
    notify_next(region, kFront);
    forget(region, key);
}

// ---- the queue ----

Bulkhead::Waiter Bulkhead::join(std::vector<Target> targets, time_point since, int priority, QueueCap cap,
                                std::function<void()> on_room) {
    Waiter waiter;
    const bool full = queue_.size() >= static_cast<std::size_t>(std::max(max_queue_, 0));
    if (full && cap == QueueCap::enforced) return waiter;
    waiter.bulkhead_ = this;
    waiter.key_ = {age(since, priority), ++next_number_};
    queue_.emplace(waiter.key_, QueueEntry{std::move(targets), std::move(on_room)});
    return waiter;
}

void Bulkhead::Waiter::leave() {
    auto* bulkhead = std::exchange(bulkhead_, nullptr);
    if (bulkhead == nullptr) return;
    const auto targets = std::move(bulkhead->queue_[key_].targets);
    bulkhead->queue_.erase(key_);
    // This call may have been notified of room that it does not use.
    for (const auto& target : targets) bulkhead->notify_next(target.region, kFront);
}

void Bulkhead::Waiter::skip(std::vector<Target> targets) {
    auto& entry = bulkhead_->queue_[key_];
    entry.targets.swap(targets);
    entry.skipped = false;
    if (!std::exchange(entry.notified, false)) return;
    for (const auto& target : targets) {
        if (!bulkhead_->has_room(target, bulkhead_->now_)) continue;
        entry.skipped = true;
        bulkhead_->notify_next(target.region, key_);
    }
}

bool Bulkhead::Waiter::near_front() const {
    const auto& targets = bulkhead_->queue_[key_].targets;
    const auto shares = [&](const Target& target) { return std::ranges::find(targets, target) != targets.end(); };
    int ahead = 0;
    int seen = 0;
    for (auto at = bulkhead_->queue_.begin(); at != bulkhead_->queue_.end() && at->first < key_; ++at) {
        if (std::ranges::any_of(at->second.targets, shares)) ++ahead;
        if (ahead >= kNearFront || ++seen >= kMaxScanned) return false;
    }
    return true;
}

void Bulkhead::notify_next(std::size_t region, const QueueKey& behind) {
    if (!below_cap(region)) return;
    int seen = 0;
    std::optional<LimiterKey> full;  // the full key; usually there is only one
    for (auto next = queue_.upper_bound(behind); next != queue_.end() && seen < kMaxScanned; ++next, ++seen) {
        auto& entry = next->second;
        const auto target = std::ranges::find(entry.targets, region, &Target::region);
        if (entry.notified || target == entry.targets.end() || full == target->key) continue;
        if (!has_room(*target, now_)) {
            full = target->key;
            continue;
        }
        entry.notified = true;
        entry.skipped = false;
        entry.on_room();
        return;
    }
}

}  // namespace holysheep::resilience
