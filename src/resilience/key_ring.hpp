// Chooses among the keys of a client: skips keys that the gateway refused, and those whose quota is used up.
// answers → [KeyRing] → call::Admission
#pragma once

#include <compare>
#include <cstddef>
#include <map>
#include <optional>
#include <vector>

#include <holysheep/clock.hpp>
#include <holysheep/error_code.hpp>

#include "values/model_id.hpp"

namespace holysheep::resilience {

using values::ModelId;

/// I/O thread only; time is an argument. Keys and regions are indices.
class KeyRing {
  public:
    using time_point = Clock::time_point;
    explicit KeyRing(std::size_t keys) : refusals_(keys) {}

    struct Refusal {
        ErrorCode why;
        time_point since;
    };

    /// The gateway refused the account itself (unknown key, no money): skip the key for ten minutes, in all regions.
    void refuse(std::size_t key, ErrorCode why, time_point now) { refusals_[key] = Refusal{why, now}; }
    void accept(std::size_t key) { refusals_[key].reset(); }
    /// The gateway asked for a pause, for this model in this region.
    void limit(std::size_t key, std::size_t region, ModelId model, time_point until, time_point now);
    /// Records the remaining share of the quota, 0..1; it is valid for a minute.
    void record_remaining(std::size_t key, std::size_t region, ModelId model, double share, time_point now);

    /// The first key, in the configured order, that is neither refused nor paused. Keys with less than a tenth of their
    /// quota come last, those with the largest share first.
    std::optional<std::size_t> pick(std::size_t region, ModelId model, time_point now) const;
    /// When the first key becomes usable again.
    time_point usable_at(std::size_t region, ModelId model, time_point now) const;
    /// If every key is refused, the one that was refused first: trying it is better than failing without a request.
    std::size_t least_bad() const;
    /// Why the key is currently skipped; unset if it is not.
    std::optional<Refusal> refusal(std::size_t key, time_point now) const;
    std::size_t size() const { return refusals_.size(); }
    std::size_t recorded_quotas() const { return quotas_.size(); }

  private:
    struct Where {
        std::size_t key, region;
        ModelId model;
        auto operator<=>(const Where&) const = default;
    };
    struct Quota {
        time_point limited_until{};
        double remaining = 1;
        time_point recorded_at{};
    };
    const Quota* quota(const Where& where) const;
    /// Finds or adds the entry. Callers may name any number of models, so the entry that expires first is dropped.
    Quota& quota_for(const Where& where, time_point now);

    std::vector<std::optional<Refusal>> refusals_;
    std::map<Where, Quota> quotas_;
};

}  // namespace holysheep::resilience
