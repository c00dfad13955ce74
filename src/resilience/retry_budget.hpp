// Prevents retries from prolonging an outage: a token bucket that successes fill and repeated attempts empty.
// CallMachine → [RetryBudget] → may another attempt be sent?
#pragma once

#include <algorithm>

#include <holysheep/options.hpp>

namespace holysheep::resilience {

/// Shared by the calls of a client; I/O thread only. Starts full, so that a new client can retry.
class RetryBudget {
  public:
    RetryBudget(double ratio, int capacity) : ratio_(ratio), capacity_(capacity), tokens_(capacity) {}

    void earn() { tokens_ = std::min(capacity_, tokens_ + ratio_); }
    /// Takes one token. Returns false if there is none; then the attempt must not be sent.
    bool try_take();
    double tokens() const { return tokens_; }

  private:
    double ratio_, capacity_, tokens_;
};

}  // namespace holysheep::resilience
