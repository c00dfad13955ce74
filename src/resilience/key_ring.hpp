// Several accounts of one client: which key is tried next, and which are no longer worth it.
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

/// On the I/O thread; time comes in. Keys and regions are numbers.
class KeyRing {
  public:
    using time_point = Clock::time_point;
    explicit KeyRing(std::size_t keys) : refusals_(keys) {}

    struct Refusal {
        ErrorCode why;
        time_point since;
    };

    /// The gateway refused the account itself (no such key, no money): it is left out for ten minutes, everywhere.
    void refuse(std::size_t key, ErrorCode why, time_point now) { refusals_[key] = Refusal{why, now}; }
    void accept(std::size_t key) { refusals_[key].reset(); }
    /// Asked for a pause, for this model there.
    void limit(std::size_t key, std::size_t region, ModelId model, time_point until, time_point now);
    /// The share of its quota that is left, 0..1; it counts for a minute.
    void record_remaining(std::size_t key, std::size_t region, ModelId model, double share, time_point now);

    /// The first key in the order given that is neither refused nor paused; those with less than a tenth of their quota
    /// come after the others, the fullest first.
    std::optional<std::size_t> pick(std::size_t region, ModelId model, time_point now) const;
    /// When the first of them is usable again.
    time_point usable_at(std::size_t region, ModelId model, time_point now) const;
    /// With every key refused, the one that was refused first is asked again: better than to fail unasked.
    std::size_t least_bad() const;
    /// Why it is left out at present.
    std::optional<Refusal> refusal(std::size_t key, time_point now) const;
    std::size_t size() const { return refusals_.size(); }
    std::size_t noted_quotas() const { return quotas_.size(); }

  private:
    struct Where {
        std::size_t key, region;
        ModelId model;
        auto operator<=>(const Where&) const = default;
    };
    struct Quota {
        time_point limited_until{};
        double remaining = 1;
        time_point noted{};
    };
    const Quota* quota(const Where& where) const;
    /// Makes room for it: models have any names. What ends soonest goes.
    Quota& noted(const Where& where, time_point now);

    std::vector<std::optional<Refusal>> refusals_;
    std::map<Where, Quota> quotas_;
};

}  // namespace holysheep::resilience
