// Twenty percent of successes may be spent on retries, the share that Finagle and Envoy use too.
#include "resilience/retry_budget.hpp"

namespace holysheep::resilience {

bool RetryBudget::try_take() {
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
}

}  // namespace holysheep::resilience
