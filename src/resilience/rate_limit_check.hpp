// What is wrong with the options of a rate limit, whoever was given them: a client, or a limiter to be shared.
// RateLimitOptions → [problems_of] → RateLimiter, ClientOptions
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <holysheep/rate_limiter.hpp>

namespace holysheep::resilience {

/// Each with the option's name and what helps.
std::vector<std::pair<std::string, std::string>> problems_of(const RateLimitOptions& options);

}  // namespace holysheep::resilience
