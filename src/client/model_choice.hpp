// Chooses the model of a request and its fallbacks, by rules and options.
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
    std::string rule{};  ///< name of the rule that matched; "" if the request's own model is used
    ModelTraits traits{};
    std::vector<call::FallbackModel> fallbacks{};
};

/// `named`: the model in `extra_json`, which overrides all rules; "" if none. Returns `invalid_request` if a rule
/// throws.
Result<ModelChoice> choose_model(const ChatRequest& request, const std::string& named, const CallOptions& call,
                                 const ClientOptions& client, const ModelCatalogue& catalogue);

}  // namespace holysheep::client
