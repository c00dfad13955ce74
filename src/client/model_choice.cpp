// Applies the rules, then adds the fallback models, each with its properties from the catalogue.
#include "client/model_choice.hpp"

#include <algorithm>
#include <exception>

namespace holysheep::client {

namespace {

std::string name_of(const std::vector<ModelRule>& rules, std::size_t i) {
    return rules[i].name.empty() ? "model_rules[" + std::to_string(i) + "]" : rules[i].name;
}

Error threw(const std::vector<ModelRule>& rules, std::size_t i, const std::string& what) {
    return {.code = ErrorCode::invalid_request, .message = "the rule \"" + name_of(rules, i) + "\" threw" + what};
}

}  // namespace

Result<ModelChoice> choose_model(const ChatRequest& request, const std::string& named, const CallOptions& call,
                                 const ClientOptions& client, const ModelCatalogue& catalogue) {
    ModelChoice choice{.model = named.empty() ? request.model : named};
    const auto& rules = client.model_rules;
    for (std::size_t i = 0; i < rules.size() && named.empty(); ++i) {
        try {
            if (!rules[i].when(request)) continue;
        } catch (const std::exception& error) {
            return threw(rules, i, std::string(": ") + error.what());
        } catch (...) {
            return threw(rules, i, "");
        }
        if (rules[i].model != request.model) choice.rule = "rule: " + name_of(rules, i);
        choice.model = rules[i].model;
        break;
    }
    if (const auto* known = catalogue.find(choice.model)) choice.traits = *known;
    for (const auto& name : call.fallback_models.empty() ? client.fallback_models : call.fallback_models) {
        if (name.empty() || name == choice.model) continue;
        const auto* known = catalogue.find(name);
        call::FallbackModel fallback{.name = name};
        if (known != nullptr) {
            fallback.context_window = known->context_window;
            fallback.prefill = known->prefill;
        }
        choice.fallbacks.push_back(std::move(fallback));
        // One timeout for all models, so it must suit the slowest.
        if (known != nullptr) choice.traits.reasoning = choice.traits.reasoning || known->reasoning;
    }
    return choice;
}

}  // namespace holysheep::client
