// Prepares a call from the caller's arguments: checks the options, chooses the model, encodes the body, estimates the
// size.
// ChatRequest, RawRequest, CallOptions → [Client::Impl::prepare_*] → CallPlan
#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include <holysheep/cost.hpp>

#include "accounting/prompt_estimate.hpp"
#include "client/call_check.hpp"
#include "client/client_impl.hpp"
#include "client/model_choice.hpp"
#include "client/text_check.hpp"
#include "routing/region_filter.hpp"
#include "wire/chat_encoder.hpp"

namespace holysheep {
inline namespace v0 {

namespace {

// A bound above any real answer; the gateway may refuse larger requested lengths.
constexpr std::int64_t kMaxAnswerTokens = 1'000'000'000'000;
constexpr int kMaxChoices = 1'000;

std::int64_t choices_of(const ChatRequest& request) { return std::clamp(request.n.value_or(1), 1, kMaxChoices); }

/// The maximum tokens of all choices together; unset if the request does not limit them.
std::optional<std::int64_t> longest_answer(const ChatRequest& request, const ModelTraits& model) {
    const auto longest = request.max_completion_tokens ? request.max_completion_tokens : request.max_tokens;
    if (!longest) return std::nullopt;
    const auto bound = model.max_output > 0 ? std::min(model.max_output, kMaxAnswerTokens) : kMaxAnswerTokens;
    return std::clamp<std::int64_t>(*longest, 0, bound) * choices_of(request);
}

/// The tokens to expect per choice, if the request does not limit them.
std::int64_t usual_answer(const ModelTraits& model) {
    return model.max_output > 0 ? std::min(model.max_output, execution::kUnknownAnswer) : execution::kUnknownAnswer;
}

/// The host with its port, because another port may belong to another server.
std::string_view host_of_region(const execution::Target& target) {
    std::string_view url = target.base_url;
    if (const auto scheme = url.find("://"); scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
    return url.substr(0, url.find('/'));
}

}  // namespace

client::CallPlan Client::Impl::make_plan(const CallOptions& options, bool stream, const ModelTraits& traits) {
    client::CallPlan plan;
    plan.started = clock_->now();
    plan.policy =
        call::make_policy(options.retry.value_or(options_.retry), options.timeouts.value_or(options_.timeouts),
                          options.deadline, stream, plan.started, traits);
    plan.policy.has_retry_policy = retry_policy_ != nullptr;
    plan.policy.cost_safe = options.cost_safe;
    if (stream) plan.policy.recovery = options.stream_recovery;
    plan.policy.keys_differ = keys_differ_;
    plan.policy.seed = resilience::Random(next_seed_.fetch_add(1, std::memory_order_relaxed)).next();
    if (!options.regions.empty() || !options.exclude_regions.empty()) {
        plan.chosen_regions = routing::allowed_regions(options_.regions, {options.regions, options.exclude_regions});
    }
    plan.regions = all_regions_;
    plan.session = options.session;
    if (options_.health.enabled) plan.policy.sign_of_life = options_.health.sign_of_life;
    plan.policy.hedge = options.hedge.value_or(options_.hedging.enabled) && !options.cost_safe;
    plan.policy.hedge_min_delay = options_.hedging.min_delay;
    plan.exchange.headers = options.headers;
    if (!options.headers.empty()) {
        const auto& allowed = plan.chosen_regions.empty() ? all_regions_ : plan.chosen_regions;
        plan.exchange.several_hosts = std::ranges::any_of(allowed, [&](std::size_t region) {
            return host_of_region(targets_[region]) != host_of_region(targets_[allowed.front()]);
        });
    }
    plan.exchange.label = options.label;
    plan.exchange.idempotency_key = options.idempotency_key;
    plan.exchange.skip_malformed_chunks = options.skip_malformed_chunks;
    plan.exchange.priority = static_cast<int>(options.priority);
    plan.exchange.fail_fast = options.fail_fast;
    plan.policy.spare_keys = std::max(0, static_cast<int>(options_.keys.size()) - 1) + (options_.key_source ? 1 : 0);
    return plan;
}

Result<std::shared_ptr<client::ActiveCall>> Client::Impl::prepare_chat(const ChatRequest& request,
                                                                       const CallOptions& options, bool stream) {
    if (auto error = refuse_use()) return std::move(*error);
    if (auto error = client::check_call(options, options_)) return std::move(*error);
    if (!options.replace_invalid_utf8) {
        if (auto error = client::check_text(request)) return std::move(*error);
    }
    const auto catalogue = catalogue_.get();
    auto model_in_extra_json = wire::model_in_extra(request, options.extra_json);
    if (!model_in_extra_json) return std::move(model_in_extra_json).error();
    auto choice = client::choose_model(request, *model_in_extra_json, options, options_, *catalogue);
    if (!choice) return std::move(choice).error();
    // A rule may name the model where the caller named none.
    auto encoded = wire::encode_chat(request, stream, options.extra_json, choice->model);
    if (!encoded) return std::move(encoded).error();
    auto plan = make_plan(options, stream, choice->traits);
    if (plan.policy.recovery == StreamRecovery::continue_prefix) {
        if (auto error = client::check_continuation(request, choice->model, options, choice->traits))
            return std::move(*error);
        execution::Continuation continuation{request, options.extra_json};
        if (continuation.request.model.empty()) continuation.request.model = choice->model;
        plan.exchange.continuation = std::make_shared<const execution::Continuation>(std::move(continuation));
    }
    plan.exchange.kind = stream ? execution::ExchangeKind::chat_stream : execution::ExchangeKind::chat;
    const auto prompt_tokens = accounting::estimated_tokens(request, options.extra_json, encoded->body.size());
    if (prompt_tokens > options_.hedging.max_prompt_tokens) plan.policy.hedge = false;
    plan.exchange.chat = std::move(*encoded);
    plan.exchange.model_as_it_is = !model_in_extra_json->empty();
    plan.exchange.model = model_in_extra_json->empty() ? request.model : std::move(*model_in_extra_json);
    plan.exchange.model_rule = std::move(choice->rule);
    plan.policy.model = std::move(choice->model);
    plan.policy.context_window = choice->traits.context_window;
    plan.policy.fallbacks = std::move(choice->fallbacks);
    plan.exchange.rate_limited = true;
    plan.exchange.size.prompt_tokens = prompt_tokens;
    plan.exchange.size.answer_tokens = longest_answer(request, choice->traits);
    const auto answer_tokens =
        plan.exchange.size.answer_tokens.value_or(choices_of(request) * usual_answer(choice->traits));
    const auto cost = [&](const ModelPrice* price) {
        return price == nullptr ? std::nullopt : cost_of(prompt_tokens, answer_tokens, *price);
    };
    plan.policy.cost = cost(choice->traits.price ? &*choice->traits.price : nullptr);
    for (auto& fallback : plan.policy.fallbacks) fallback.cost = cost(catalogue->price(fallback.name));
    return std::make_shared<client::ActiveCall>(registry_, std::move(plan));
}

Result<std::shared_ptr<client::ActiveCall>> Client::Impl::prepare_raw(RawRequest request, const CallOptions& options) {
    if (auto error = refuse_use()) return std::move(*error);
    if (auto error = client::check_call(options, options_)) return std::move(*error);
    if (auto error = client::check_raw(request)) return std::move(*error);
    auto plan = make_plan(options, false);
    plan.exchange.kind = execution::ExchangeKind::raw;
    // Requests to a model count; reading lists does not.
    plan.exchange.rate_limited = request.method != "GET" && request.method != "HEAD";
    plan.exchange.size.prompt_tokens =
        accounting::estimated_tokens(request.body_json.size(), accounting::media_in(request.body_json));
    plan.policy.hedge = false;  // the effect of the request is unknown
    plan.exchange.raw_body = std::move(request.body_json);
    plan.exchange.raw = std::make_unique<RawRequest>(std::move(request));
    return std::make_shared<client::ActiveCall>(registry_, std::move(plan));
}

}  // namespace v0
}  // namespace holysheep
