// Validates limits and keys before the first call.
#include <algorithm>
#include <chrono>
#include <string>

#include "client/options_check.hpp"
#include "resilience/rate_limit_check.hpp"
#include "values/duration_text.hpp"

namespace holysheep::client {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMaxKeys = 64;

void check_rate_limit(const ClientOptions& options, Problems& problems) {
    for (const auto& [option, problem] : resilience::problems_of(options.rate_limit)) problems.add(option, problem);
    const bool unlimited = options.rate_limit.requests == 0 && options.rate_limit.tokens_per_minute == 0;
    if (options.limiter && !unlimited) {
        problems.add("limiter", "rate_limit is set too; the shared limiter has its own options, so set one of them");
    }
}

void check_keys(const ClientOptions& options, Problems& problems) {
    const auto& keys = options.keys;
    if (keys.size() > kMaxKeys) problems.add("keys", "more than " + std::to_string(kMaxKeys) + " cannot be tried");
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const auto name = "keys[" + std::to_string(i) + "]";
        if (keys[i].empty()) problems.add(name, "it is empty");
        check_key(name, keys[i], problems);
        if (std::find(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(i), keys[i]) !=
            keys.begin() + static_cast<std::ptrdiff_t>(i)) {
            problems.add(name, "it is there twice: one account has one quota");
        }
    }
    if (options.key_source && !keys.empty()) {
        problems.add("key_source", "keys is set too; a client takes its keys from one of them");
    }
}

void check_budget(const BudgetOptions& budget, Problems& problems) {
    std::string currency;
    const auto ceiling = [&](const std::string& name, const Money& money) {
        if (money.nano <= 0) problems.add(name, "it must be above 0; leave it out to allow anything");
        if (currency.empty()) currency = money.currency;
        if (money.currency != currency) {
            problems.add(name,
                         "it is in " + money.currency + ", another ceiling in " + currency + "; use one currency");
        }
    };
    if (budget.ceiling) ceiling("budget.ceiling", *budget.ceiling);
    for (const auto& [label, money] : budget.labels) ceiling("budget.labels[\"" + label + "\"]", money);
    if (budget.per < 60ms || budget.per > 24h * 366) {
        problems.add("budget.per", values::milliseconds_text(budget.per) + " must be between 60 ms and a year");
    }
}

void check_models(const ClientOptions& options, Problems& problems) {
    const auto name = [&](const std::string& option, const std::string& model) {
        if (model.empty()) problems.add(option, "it names no model");
        if (has_control_characters(model)) problems.add(option, "the model's name has control characters");
    };
    for (std::size_t i = 0; i < options.fallback_models.size(); ++i) {
        name("fallback_models[" + std::to_string(i) + "]", options.fallback_models[i]);
    }
    for (std::size_t i = 0; i < options.model_rules.size(); ++i) {
        const auto option = "model_rules[" + std::to_string(i) + "]";
        name(option + ".model", options.model_rules[i].model);
        if (!options.model_rules[i].when) problems.add(option + ".when", "it is empty: the rule could never be asked");
    }
}

}  // namespace

void check_limits(const ClientOptions& options, Problems& problems) {
    check_rate_limit(options, problems);
    check_keys(options, problems);
    check_budget(options.budget, problems);
    check_models(options, problems);
    const auto& concurrency = options.concurrency;
    if (concurrency.max_per_region < 0) {
        problems.add("concurrency.max_per_region",
                     std::to_string(concurrency.max_per_region) + " must be 0 (no limit) or more");
    }
    if (concurrency.queue < 0) {
        problems.add("concurrency.queue", std::to_string(concurrency.queue) + " must be 0 (nobody waits) or more");
    } else if (concurrency.queue > 0 && concurrency.max_per_region <= 0) {
        problems.add("concurrency.queue", "without concurrency.max_per_region nobody ever waits");
    }
}

std::string problem_of_key(std::string& key) {
    const auto first = key.find_first_not_of(" \t\r\n");
    if (first == std::string::npos) return "the key is empty";
    key = key.substr(first, key.find_last_not_of(" \t\r\n") - first + 1);
    Problems problems;
    check_key("key_source", key, problems);
    return problems.empty() ? "" : problems.list().front();
}

}  // namespace holysheep::client
