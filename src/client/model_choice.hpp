// Which model a request is sent to, and which ones after it: the rules, the fallbacks, what is known of each.
// ChatRequest, ClientOptions → [choose_model] → CallPolicy
#pragma once

#include <string>
#include <vector>

#include <holysheep/options.hpp>
#include <holysheep/result.hpp>

#include "call/policy.hpp"

namespace holysheep::client {

struct ModelChoice {
    std::string model{};
    std::string rule{};  ///< why it is not the request's own; "" where it is
    ModelTraits traits{};
    std::vector<call::FallbackModel> fallbacks{};
};

/// `named`: the model in the caller's own JSON, which no rule changes; "" without one. `invalid_request` when a rule
/// throws.
Result<ModelChoice> choose_model(const ChatRequest& request, const std::string& named, const CallOptions& call,
                                 const ClientOptions& client, const ModelCatalogue& catalogue);

}  // namespace holysheep::client
