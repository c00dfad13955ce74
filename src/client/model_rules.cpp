// Implements the built-in model rules.
#include <holysheep/model_rules.hpp>

#include <algorithm>
#include <utility>

#include "accounting/prompt_estimate.hpp"

namespace holysheep {
inline namespace v0 {

namespace {

std::size_t text_of(const ContentPart& part) {
    struct Count {
        std::size_t operator()(const TextPart& p) const { return p.text.size(); }
        std::size_t operator()(const ImagePart&) const { return 0; }
        std::size_t operator()(const AudioPart&) const { return 0; }
        std::size_t operator()(const FilePart&) const { return 0; }
        std::size_t operator()(const RawPart& p) const { return p.json.size() - accounting::media_in(p.json).bytes; }
        std::size_t operator()(const RefusalPart& p) const { return p.refusal.size(); }
    };
    return std::visit(Count{}, part);
}

/// The price of one prompt token and one answer token together, for comparing models.
double price_of(const ModelPrice& price) {
    return static_cast<double>(price.input.nano + price.output.nano) / static_cast<double>(price.per_tokens);
}

}  // namespace

std::int64_t estimated_prompt_tokens(const ChatRequest& request) {
    std::size_t bytes = 0;
    for (const auto& message : request.messages) {
        bytes += message.content.size() + message.reasoning.size();
        for (const auto& part : message.parts) bytes += text_of(part);
        for (const auto& call : message.tool_calls) bytes += call.name.size() + call.arguments.size();
    }
    for (const auto& tool : request.tools) {
        bytes += tool.name.size() + tool.description.size() + tool.parameters_json.size();
    }
    return accounting::estimated_tokens(bytes) + accounting::media_in(request).tokens;
}

ModelRule when_prompt_at_most(std::int64_t tokens, std::string model) {
    return {.when = [tokens](const ChatRequest& request) { return estimated_prompt_tokens(request) <= tokens; },
            .model = std::move(model),
            .name = "prompt of at most " + std::to_string(tokens) + " tokens"};
}

std::vector<ModelRule> cheapest_that_fits(const std::vector<std::string>& models, const ModelCatalogue& catalogue) {
    std::vector<std::pair<double, ModelRule>> priced;
    for (const auto& model : models) {
        const auto* traits = catalogue.find(model);
        if (traits == nullptr || !traits->price) continue;
        const auto fits = [window = traits->context_window](const ChatRequest& request) {
            if (window == 0) return true;
            const auto answer = request.max_completion_tokens.value_or(request.max_tokens.value_or(0));
            return answer <= window - estimated_prompt_tokens(request);
        };
        priced.emplace_back(price_of(*traits->price),
                            ModelRule{.when = fits, .model = model, .name = "the cheapest that fits"});
    }
    std::ranges::stable_sort(priced, {}, &std::pair<double, ModelRule>::first);
    std::vector<ModelRule> rules;
    for (auto& [price, rule] : priced) rules.push_back(std::move(rule));
    return rules;
}

}  // namespace v0
}  // namespace holysheep
