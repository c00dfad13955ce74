// Prints the monthly cost of tokens on each model, or the savings from moving to another model. Sends no requests.
//   roi --tokens 10000000 [--input-share 0.7] [--cached-share 0.5] [--prices prices.json] [--json]
//   roi --tokens 50000000 --from gpt-4.1 --to deepseek-v3.2 [--json]
//   roi --ledger ledger.json [--from gpt-4.1] [--to deepseek-v3.2] [--json]     what recorded calls would have
//   cost on other models
#include <algorithm>
#include <charconv>
#include <fstream>
#include <holysheep/holysheep.hpp>
#include <holysheep/json.hpp>
#include <holysheep/return_on_investment.hpp>
#include <iomanip>
#include <iostream>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using holysheep::Money;
using Json = nlohmann::ordered_json;

constexpr auto kUsage =
    "usage: roi --tokens N [--input-share 0..1] [--cached-share 0..1] [--models a,b]\n"
    "           [--from MODEL --to MODEL] [--prices FILE] [--json]\n"
    "       roi --ledger FILE [--from MODEL] [--to MODEL] [--models a,b] [--prices FILE] [--json]\n"
    "Without shares all tokens are output. Prices are list prices unless --prices has others.\n";

/// The report in both output formats; one of them is printed at the end.
struct Report {
    Json json{};
    std::ostringstream table{};
};

struct Options {
    holysheep::MonthlyUse use{};
    std::string from{}, to{}, ledger_file{};
    std::vector<std::string> models{"gpt-4.1", "claude-sonnet-4.5", "gemini-2.5-flash", "deepseek-v3.2"};
    holysheep::ModelCatalogue prices = holysheep::ModelCatalogue::built_in();
    bool json = false;
};

template <class Number>
Number number_from(const std::string& option, const std::string& text, Number max) {
    Number number{};
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failed != std::errc{} || end != text.data() + text.size() || !(number >= 0 && number <= max)) {
        throw std::invalid_argument(option + " '" + text + "' is not a number from 0 to " + std::to_string(max));
    }
    return number;
}

std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> names;
    std::istringstream in(text);
    for (std::string name; std::getline(in, name, ',');) names.push_back(name);
    return names;
}

void add_prices(Options& options, const std::string& file) {
    const auto loaded = holysheep::ModelCatalogue::from_file(file).value();
    options.prices.amend(loaded);
    for (const auto& name : loaded.names()) {
        if (loaded.price(name) != nullptr && std::ranges::find(options.models, name) == options.models.end()) {
            options.models.push_back(name);
        }
    }
}

Options read_arguments(int argc, char** argv) {
    Options options;
    std::optional<std::int64_t> tokens;
    std::vector<std::string> models;
    for (int i = 1; i < argc; ++i) {
        const std::string option = argv[i];
        if (option == "--json") {
            options.json = true;
            continue;
        }
        if (i + 1 == argc) throw std::invalid_argument(option + " is not known, or lacks its value");
        const std::string value = argv[++i];
        if (option == "--tokens") {
            tokens = number_from<std::int64_t>(option, value, 1'000'000'000'000'000);
        } else if (option == "--input-share") {
            options.use.input_share = number_from<double>(option, value, 1);
        } else if (option == "--cached-share") {
            options.use.cached_share = number_from<double>(option, value, 1);
        } else if (option == "--from") {
            options.from = value;
        } else if (option == "--to") {
            options.to = value;
        } else if (option == "--models") {
            models = split(value);
        } else if (option == "--prices") {
            add_prices(options, value);
        } else if (option == "--ledger") {
            options.ledger_file = value;
        } else {
            throw std::invalid_argument(option + " is not known");
        }
    }
    if (tokens.has_value() == !options.ledger_file.empty())
        throw std::invalid_argument("--tokens or --ledger is needed");
    if (tokens && options.from.empty() != options.to.empty()) {
        throw std::invalid_argument("--from and --to belong together");
    }
    options.use.tokens = tokens.value_or(0);
    if (!models.empty()) options.models = models;
    return options;
}

const holysheep::ModelPrice& price_of(const Options& options, const std::string& model) {
    const auto* price = options.prices.price(model);
    if (price == nullptr) throw std::invalid_argument("the price of " + model + " is not known: give it with --prices");
    return *price;
}

Money require(const std::optional<Money>& cost, const std::string& model) {
    if (!cost) throw std::invalid_argument("the price of " + model + " has no amount");
    return *cost;
}

/// "usd", or another unit that the price list uses.
std::string unit_of(const Money& money) {
    auto unit = money.currency;
    for (auto& letter : unit) letter = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
    return unit;
}

void add_money(Json& json, const std::string& prefix, const Money& money) {
    json[prefix + unit_of(money)] = money.amount();
}

void add_row(Report& report, const std::string& name, const Money& money, const std::string& note = {}) {
    report.table << std::left << std::setw(28) << name << std::right << std::setw(14) << money.amount() << ' '
                 << money.currency << "  " << note << '\n';
}

std::string source_of(const holysheep::ModelPrice& price) {
    return price.as_of.empty() ? price.source : price.source + ", " + price.as_of;
}

/// Returns one cost per requested model.
template <class CostOf>
void show_models(const Options& options, Report& report, CostOf cost_of) {
    report.json["models"] = Json::array();
    for (const auto& model : options.models) {
        const auto& price = price_of(options, model);
        const auto cost = require(cost_of(price), model);
        Json entry{{"id", model}};
        add_money(entry, "", cost);
        report.json["models"].push_back(entry);
        add_row(report, model, cost, source_of(price));
    }
}

void show_saving(const Options& options, Report& report, const std::string& from_name, const Money& from,
                 const Money& to) {
    const auto saved = holysheep::saving(from, to);
    if (!saved) throw std::invalid_argument("one price is in " + from.currency + ", the other in " + to.currency);
    add_money(report.json, "from_", from);
    add_money(report.json, "to_", to);
    add_money(report.json, "saved_", saved->saved);
    report.json["saved_percent"] = saved->percent;
    std::ostringstream percent;
    percent << std::fixed << std::setprecision(2) << saved->percent << " %";
    add_row(report, from_name, from);
    add_row(report, options.to, to, source_of(price_of(options, options.to)));
    add_row(report, "saved", saved->saved, percent.str());
}

void report_plan(const Options& options, Report& report) {
    const auto& use = options.use;
    report.json["tokens"] = use.tokens;
    if (use.input_share > 0) report.json["input_share"] = use.input_share;
    if (use.cached_share > 0) report.json["cached_share"] = use.cached_share;
    report.table << use.tokens << " tokens a month\n";
    const auto cost = [&](const holysheep::ModelPrice& price) { return holysheep::monthly_cost(use, price); };
    if (options.to.empty()) {
        show_models(options, report, cost);
        return;
    }
    report.json["from"] = options.from;
    report.json["to"] = options.to;
    show_saving(options, report, options.from, require(cost(price_of(options, options.from)), options.from),
                require(cost(price_of(options, options.to)), options.to));
}

/// Reads the ledger lines of the model in `--from`, or all lines. A model can have several names.
holysheep::CostLedger read_ledger(const Options& options) {
    std::ifstream file(options.ledger_file, std::ios::binary);
    std::ostringstream text;
    if (file) text << file.rdbuf();
    if (!file) throw std::invalid_argument(options.ledger_file + " cannot be read");
    auto ledger = holysheep::CostLedger::from_json(text.str(), options.ledger_file).value();
    const auto* wanted = options.prices.find(options.from);
    std::erase_if(ledger.lines, [&](const holysheep::CostLine& line) {
        if (options.from.empty() || line.model == options.from) return false;
        return wanted == nullptr || options.prices.find(line.model) != wanted;
    });
    return ledger;
}

void report_ledger(const Options& options, Report& report) {
    const auto ledger = read_ledger(options);
    if (std::ranges::any_of(ledger.lines, [](const auto& line) { return line.cost.currency != "USD"; })) {
        throw std::invalid_argument("the ledger has costs in other currencies than USD");
    }
    const auto total = ledger.total();
    const Money spent{total.cost.nano + total.estimated_cost.nano};
    const auto tokens = total.prompt_tokens + total.completion_tokens + total.estimated_prompt_tokens +
                        total.estimated_completion_tokens;
    report.json = {{"calls", total.calls}, {"tokens", tokens}, {"unknown_cost", total.unknown_cost}};
    report.table << total.calls << " calls, " << tokens << " tokens";
    if (total.unknown_cost != 0) report.table << "; the cost of " << total.unknown_cost << " attempts was not known";
    report.table << '\n';
    const auto cost = [&](const holysheep::ModelPrice& price) { return holysheep::cost_on(ledger, price); };
    const auto name = options.from.empty() ? "as recorded" : options.from;
    if (options.to.empty()) {
        add_money(report.json, "", spent);
        add_row(report, name, spent);
        show_models(options, report, cost);
        return;
    }
    if (!options.from.empty()) report.json["from"] = options.from;
    report.json["to"] = options.to;
    show_saving(options, report, name, spent, require(cost(price_of(options, options.to)), options.to));
}

}  // namespace

int main(int argc, char** argv) try {
    if (argc == 2 && (argv[1] == std::string("--help") || argv[1] == std::string("-h"))) {
        std::cout << kUsage;
        return 0;
    }
    const auto options = read_arguments(argc, argv);
    Report report;
    if (options.ledger_file.empty()) {
        report_plan(options, report);
    } else {
        report_ledger(options, report);
    }
    std::cout << (options.json ? report.json.dump() + '\n' : report.table.str());
    return 0;
} catch (const std::exception& error) {
    std::cerr << "roi: " << error.what() << "; see roi --help\n";
    return 2;
}
