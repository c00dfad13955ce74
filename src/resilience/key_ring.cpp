// Tracks refusals and pauses of keys. A refusal applies in all regions, a pause to one model in one region.
#include "resilience/key_ring.hpp"

#include <algorithm>

namespace holysheep::resilience {

namespace {

constexpr auto kRefusedFor = std::chrono::minutes{10};
constexpr auto kQuotaValidFor = std::chrono::minutes{1};
constexpr double kLowQuotaShare = 0.1;
constexpr std::size_t kMaxQuotas = 1'000;

}  // namespace

const KeyRing::Quota* KeyRing::quota(const Where& where) const {
    const auto found = quotas_.find(where);
    return found == quotas_.end() ? nullptr : &found->second;
}

KeyRing::Quota& KeyRing::quota_for(const Where& where, time_point now) {
    const auto valid_until = [](const auto& entry) {
        return std::max(entry.second.limited_until, entry.second.recorded_at + kQuotaValidFor);
    };
    if (quotas_.size() >= kMaxQuotas && !quotas_.contains(where)) {
        std::erase_if(quotas_, [&](const auto& entry) { return valid_until(entry) <= now; });
        if (quotas_.size() >= kMaxQuotas) quotas_.erase(std::ranges::min_element(quotas_, {}, valid_until));
    }
    return quotas_[where];
}

void KeyRing::limit(std::size_t key, std::size_t region, ModelId model, time_point until, time_point now) {
    auto& end = quota_for({key, region, model}, now).limited_until;
    end = std::max(end, until);
}

void KeyRing::record_remaining(std::size_t key, std::size_t region, ModelId model, double share, time_point now) {
    auto& quota = quota_for({key, region, model}, now);
    quota.remaining = share;
    quota.recorded_at = now;
}

std::optional<KeyRing::Refusal> KeyRing::refusal(std::size_t key, time_point now) const {
    const auto& refusal = refusals_[key];
    if (!refusal || now >= refusal->since + kRefusedFor) return std::nullopt;
    return refusal;
}

std::optional<std::size_t> KeyRing::pick(std::size_t region, ModelId model, time_point now) const {
    std::optional<std::size_t> best;
    double best_left = -1;
    for (std::size_t key = 0; key < refusals_.size(); ++key) {
        if (refusal(key, now)) continue;
        const auto* known = quota({key, region, model});
        if (known != nullptr && known->limited_until > now) continue;
        const bool low =
            known != nullptr && known->remaining < kLowQuotaShare && now < known->recorded_at + kQuotaValidFor;
        const double left = low ? known->remaining : 1;
        if (left <= best_left) continue;
        best = key;
        best_left = left;
    }
    return best;
}

KeyRing::time_point KeyRing::usable_at(std::size_t region, ModelId model, time_point now) const {
    auto soonest = time_point::max();
    for (std::size_t key = 0; key < refusals_.size(); ++key) {
        auto when = now;
        if (const auto refused = refusal(key, now)) when = refused->since + kRefusedFor;
        if (const auto* known = quota({key, region, model})) when = std::max(when, known->limited_until);
        soonest = std::min(soonest, when);
    }
    return soonest;
}

std::size_t KeyRing::least_bad() const {
    std::size_t oldest = 0;
    for (std::size_t key = 1; key < refusals_.size(); ++key) {
        if (!refusals_[key]) return key;
        if (refusals_[oldest] && refusals_[key]->since < refusals_[oldest]->since) oldest = key;
    }
    return oldest;
}

}  // namespace holysheep::resilience
