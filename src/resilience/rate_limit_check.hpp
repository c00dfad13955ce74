// Validates the options of a rate limit, for a client and for a shared limiter.
// RateLimitOptions → [problems_of] → RateLimiter, ClientOptions
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <holysheep/rate_limiter.hpp>

namespace holysheep::resilience {

/// Pairs of an option's name and a text that states the problem and its remedy.
std::vector<std::pair<std::string, std::string>> problems_of(const RateLimitOptions& options);

}  // namespace holysheep::resilience
