// Writes the ledger as JSON and as a table, and reads its JSON.
#include <holysheep/cost_ledger.hpp>

#include <algorithm>
#include <iomanip>
#include <ostream>
#include <set>
#include <sstream>
#include <utility>

#include <nlohmann/json.hpp>

#include "accounting/price_fields.hpp"
#include "accounting/token_counts.hpp"
#include "values/printable.hpp"
#include "values/saturating.hpp"

namespace holysheep {
inline namespace v0 {
namespace {

using accounting::price_list_error;
using accounting::PriceFields;

constexpr std::pair<const char*, std::int64_t CostLine::*> kTokens[] = {
    {"prompt_tokens", &CostLine::prompt_tokens},
    {"cached_input_tokens", &CostLine::cached_input_tokens},
    {"cache_write_tokens", &CostLine::cache_write_tokens},
    {"completion_tokens", &CostLine::completion_tokens},
    {"reasoning_tokens", &CostLine::reasoning_tokens},
    {"estimated_prompt_tokens", &CostLine::estimated_prompt_tokens},
    {"estimated_completion_tokens", &CostLine::estimated_completion_tokens}};

constexpr std::pair<const char*, std::uint64_t CostLine::*> kCounts[] = {
    {"calls", &CostLine::calls}, {"attempts", &CostLine::attempts}, {"unknown_cost", &CostLine::unknown_cost}};

Result<CostLine> read_line(const nlohmann::json& entry, const std::string& where) {
    if (!entry.is_object()) return price_list_error(where + " is no object");
    PriceFields fields(entry, where);
    const auto currency = fields.text("currency");
    CostLine line{.model = fields.text("model"),
                  .region = fields.text("region"),
                  .key = static_cast<int>(std::min<std::int64_t>(fields.count("key"), 1'000'000)),
                  .label = fields.text("label")};
    for (const auto& [name, count] : kCounts) line.*count = static_cast<std::uint64_t>(fields.count(name));
    for (const auto& [name, tokens] : kTokens) line.*tokens = fields.count(name);
    line.cost = fields.money("cost", currency).value_or(Money{0, currency});
    line.estimated_cost = fields.money("estimated_cost", currency).value_or(Money{0, currency});
    if (line.model.empty()) fields.complain("model", "is missing");
    if (currency.empty()) fields.complain("currency", "is missing");
    if (fields.problem()) return *fields.problem();
    return line;
}

}  // namespace

CostLine CostLedger::total(std::string_view currency) const {
    CostLine sum{.cost = {0, std::string(currency)}, .estimated_cost = {0, std::string(currency)}};
    for (const auto& line : lines) {
        if (line.cost.currency != currency) continue;
        for (const auto& [name, count] : kCounts) sum.*count += line.*count;
        for (const auto& [name, tokens] : kTokens) values::add_saturating(sum.*tokens, line.*tokens);
        accounting::add_to(sum.cost, line.cost);
        accounting::add_to(sum.estimated_cost, line.estimated_cost);
    }
    return sum;
}

std::string CostLedger::to_json() const {
    nlohmann::ordered_json json{{"lines", nlohmann::ordered_json::array()}};
    for (const auto& line : lines) {
        nlohmann::ordered_json entry{
            {"model", line.model}, {"region", line.region}, {"key", line.key}, {"label", line.label}};
        for (const auto& [name, count] : kCounts) entry[name] = line.*count;
        for (const auto& [name, tokens] : kTokens) entry[name] = line.*tokens;
        entry["currency"] = line.cost.currency;
        entry["cost"] = line.cost.amount();
        entry["estimated_cost"] = line.estimated_cost.amount();
        json["lines"].push_back(std::move(entry));
    }
    return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<CostLedger> CostLedger::from_json(std::string_view text, std::string_view name) {
    const auto json = nlohmann::json::parse(text, nullptr, false);
    const auto lines = json.is_object() ? json.find("lines") : json.end();
    if (lines == json.end() || !lines->is_array()) {
        return price_list_error(std::string(name) + " is no ledger: save what CostLedger::to_json() wrote");
    }
    CostLedger ledger;
    for (const auto& entry : *lines) {
        auto line = read_line(entry, std::string(name) + ": line " + std::to_string(ledger.lines.size() + 1));
        if (!line) return std::move(line).error();
        ledger.lines.push_back(std::move(*line));
    }
    return ledger;
}

std::ostream& operator<<(std::ostream& stream, const CostLedger& ledger) {
    std::ostringstream out;  // does not change the format flags of the caller's stream
    const auto row = [&](const std::string& model, const std::string& region, const std::string& key,
                         const std::string& label, const auto&... figures) {
        const auto cell = [&](const std::string& text, std::size_t width) {
            const auto shown = values::clipped(text);
            const auto used = values::columns(shown);
            out << shown << std::string(used < width ? width - used : 0, ' ') << ' ';
        };
        cell(model, 24);
        cell(region, 14);
        cell(key, 3);
        cell(label, 14);
        out << std::right;
        bool first = true;
        ((out << (std::exchange(first, false) ? "" : " ") << std::setw(12) << figures), ...);
        out << '\n';
    };
    const auto figures = [&](const std::string& key, const CostLine& line) {
        row(line.model, line.region, key, line.label, line.calls, line.attempts, line.prompt_tokens,
            line.cached_input_tokens, line.completion_tokens, line.cost.amount(), line.estimated_cost.amount(),
            line.unknown_cost, values::clipped(line.cost.currency));
    };
    row("model", "region", "key", "label", "calls", "attempts", "prompt", "cached", "completion", "cost", "estimated",
        "unknown", "currency");
    std::set<std::string> currencies;
    for (const auto& line : ledger.lines) {
        figures(std::to_string(line.key), line);
        currencies.insert(line.cost.currency);
    }
    for (const auto& currency : currencies) {
        auto total = ledger.total(currency);
        total.model = "total";
        figures("", total);
    }
    return stream << out.str();
}

}  // namespace v0
}  // namespace holysheep
