// Keeps the 500s of a call until it is clear whether the region or the request caused them. Some servers send a 500
// for input that they cannot parse, so the region is charged only once the same model has answered the request, or when
// the call ends without a different result.
// CallDriver → [SuspectedFaults] → RegionHealthTracker
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "health/region_health_tracker.hpp"

namespace holysheep::execution {

class SuspectedFaults {
  public:
    void add(const health::AttemptToken& attempt) { suspects_.push_back(attempt); }

    /// `model` answered, so the request did not cause its earlier failures: charges them to their regions. Another
    /// model's answer says nothing about the rest.
    void charge(values::ModelId model, health::RegionHealthTracker& regions, Clock::time_point now) {
        for (const auto& suspect : std::exchange(suspects_, {})) {
            if (suspect.model != model) continue;
            regions.on_fault(suspect.region, suspect.model, health::FailureClass::server, now);
        }
    }

    /// The call ends without an answer: charges the region if no second one has failed alike.
    void charge_only_region(health::RegionHealthTracker& regions, Clock::time_point now) {
        if (suspects_.empty()) return;
        const auto& first = suspects_.front();
        const bool alone =
            std::ranges::all_of(suspects_, [&](const auto& suspect) { return suspect.region == first.region; });
        if (alone) charge(first.model, regions, now);
    }

  private:
    std::vector<health::AttemptToken> suspects_;
};

}  // namespace holysheep::execution
