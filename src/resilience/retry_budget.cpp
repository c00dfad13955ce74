// Implements the token bucket. By default, retries may amount to 20 % of successes, as in Finagle and Envoy.
#include "resilience/retry_budget.hpp"

namespace holysheep::resilience {

bool RetryBudget::try_take() {
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
}

}  // namespace holysheep::resilience
