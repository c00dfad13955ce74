// Keeps retries from feeding an outage: a token bucket that successes fill and repeated attempts empty.
// CallMachine → [RetryBudget] → may another attempt go out?
#pragma once

#include <algorithm>

#include <holysheep/options.hpp>

namespace holysheep::resilience {

/// One per client, shared by its calls; used on the I/O thread only. A new one is full, so that a fresh client can
/// retry.
class RetryBudget {
  public:
    RetryBudget(double ratio, int capacity) : ratio_(ratio), capacity_(capacity), tokens_(capacity) {}

    void earn() { tokens_ = std::min(capacity_, tokens_ + ratio_); }
    /// Takes one token; false when there is none, and then the attempt must not go out.
    bool try_take();
    double tokens() const { return tokens_; }

  private:
    double ratio_, capacity_, tokens_;
};

}  // namespace holysheep::resilience
