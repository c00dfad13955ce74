// Adds attempts to the ledger with one look-up and a few additions each.
#include "accounting/ledger.hpp"

#include <algorithm>
#include <tuple>

#include "accounting/token_counts.hpp"
#include "values/saturating.hpp"

namespace holysheep::accounting {
namespace {

constexpr std::string_view kOther = "other";

void add(std::int64_t& sum, std::int64_t tokens) {
    if (tokens > 0) values::add_saturating(sum, tokens);
}

}  // namespace

std::size_t Ledger::Hash::operator()(const Account& account) const {
    auto hash = static_cast<std::uint64_t>(account.key);
    for (const auto text : {account.model, account.region, account.label, account.currency}) {
        hash = hash * 0x9E3779B97F4A7C15U + std::hash<std::string_view>{}(text);
    }
    return static_cast<std::size_t>(hash ^ (hash >> 32U));
}

std::string_view Ledger::bounded(Names& names, std::string_view name) {
    if (names.contains(name)) return name;
    if (names.size() >= kMaxNames) return kOther;
    names.emplace(name);
    return name;
}

CostLine& Ledger::line(const Account& account) {
    if (const auto found = index_.find(account); found != index_.end()) return *found->second;
    auto wanted = account;
    wanted.label = bounded(labels_, account.label);
    wanted.model = bounded(models_, account.model);
    if (lines_.size() >= kMaxLines) wanted.label = wanted.model = kOther;
    if (const auto found = index_.find(wanted); found != index_.end()) return *found->second;
    const std::string currency(wanted.currency);
    auto& line = lines_.emplace_back(CostLine{.model = std::string(wanted.model),
                                              .region = std::string(wanted.region),
                                              .key = wanted.key,
                                              .label = std::string(wanted.label),
                                              .cost = {0, currency},
                                              .estimated_cost = {0, currency}});
    index_.emplace(Account{line.model, line.region, line.label, line.key, line.cost.currency}, &line);
    return line;
}

void Ledger::add(const Account& account, const Entry& entry) {
    std::lock_guard lock(mutex_);
    auto& to = line(account);
    ++to.attempts;
    if (entry.counted != nullptr) {
        const auto& usage = *entry.counted;
        accounting::add(to.prompt_tokens, usage.prompt_tokens);
        accounting::add(to.cached_input_tokens, usage.cached_input_tokens);
        accounting::add(to.cache_write_tokens, usage.cache_write_tokens);
        accounting::add(to.completion_tokens, usage.billed_output_tokens());
        accounting::add(to.reasoning_tokens, usage.reasoning_tokens);
    } else {
        accounting::add(to.estimated_prompt_tokens, entry.estimated_prompt_tokens);
        accounting::add(to.estimated_completion_tokens, entry.estimated_completion_tokens);
    }
    if (entry.cost == nullptr || !add_to(entry.cost_is_estimate ? to.estimated_cost : to.cost, *entry.cost)) {
        ++to.unknown_cost;
    }
}

void Ledger::add_call(const Account& account) {
    std::lock_guard lock(mutex_);
    ++line(account).calls;
}

CostLedger Ledger::snapshot() const {
    constexpr std::size_t kAtOnce = 32;
    CostLedger ledger;
    for (bool more = true; more;) {
        std::lock_guard lock(mutex_);
        if (ledger.lines.empty()) ledger.lines.reserve(lines_.size());
        const auto end = std::min(lines_.size(), ledger.lines.size() + kAtOnce);
        while (ledger.lines.size() < end) ledger.lines.push_back(lines_[ledger.lines.size()]);
        more = end < lines_.size();
    }
    const auto place = [](const CostLine& line) {
        return std::tie(line.model, line.region, line.key, line.label, line.cost.currency);
    };
    std::ranges::sort(ledger.lines, {}, place);
    return ledger;
}

}  // namespace holysheep::accounting
