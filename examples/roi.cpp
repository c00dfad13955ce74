// Prints the monthly cost of tokens on each model, or the savings from moving to another model. Sends no requests.
//   roi --tokens 10000000 [--input-share 0.7] [--cached-share 0.5] [--prices prices.json] [--json]
//   roi --tokens 50000000 --from gpt-4.1 --to deepseek-v3.2 [--json]
//   roi --ledger ledger.json [--from gpt-4.1] [--to deepseek-v3.2] [--json]     what saved calls would have cost
//   elsewhere
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

/// Both forms of an answer; the output format is chosen at the end.
struct Answer {
    Json json{};
    std::ostringstream table{};
};

struct Question {
    holysheep::MonthlyUse use{};
    std::string from{}, to{}, ledger_file{};
    std::vector<std::string> models{"gpt-4.1", "claude-sonnet-4.5", "gemini-2.5-flash", "deepseek-v3.2"};
    holysheep::ModelCatalogue prices = holysheep::ModelCatalogue::built_in();
    bool json = false;
};

template <class Number>
Number number_from(const std::string& option, const std::string& text, Number most) {
    Number number{};
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failed != std::errc{} || end != text.data() + text.size() || !(number >= 0 && number <= most)) {
        throw std::invalid_argument(option + " '" + text + "' is no number from 0 to " + std::to_string(most));
    }
    return number;
}

std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> names;
    std::istringstream in(text);
    for (std::string name; std::getline(in, name, ',');) names.push_back(name);
    return names;
}

void add_prices(Question& question, const std::string& file) {
    const auto own = holysheep::ModelCatalogue::from_file(file).value();
    question.prices.amend(own);
    for (const auto& name : own.names()) {
        if (own.price(name) != nullptr && std::ranges::find(question.models, name) == question.models.end()) {
            question.models.push_back(name);
        }
    }
}

Question read_arguments(int argc, char** argv) {
    Question question;
    std::optional<std::int64_t> tokens;
    std::vector<std::string> models;
    for (int i = 1; i < argc; ++i) {
        const std::string option = argv[i];
        if (option == "--json") {
            question.json = true;
            continue;
        }
        if (i + 1 == argc) throw std::invalid_argument(option + " is not known, or lacks its value");
        const std::string value = argv[++i];
        if (option == "--tokens") {
            tokens = number_from<std::int64_t>(option, value, 1'000'000'000'000'000);
        } else if (option == "--input-share") {
            question.use.input_share = number_from<double>(option, value, 1);
        } else if (option == "--cached-share") {
            question.use.cached_share = number_from<double>(option, value, 1);
        } else if (option == "--from") {
            question.from = value;
        } else if (option == "--to") {
            question.to = value;
        } else if (option == "--models") {
            models = split(value);
        } else if (option == "--prices") {
            add_prices(question, value);
        } else if (option == "--ledger") {
            question.ledger_file = value;
        } else {
            throw std::invalid_argument(option + " is not known");
        }
    }
    if (tokens.has_value() == !question.ledger_file.empty())
        throw std::invalid_argument("--tokens or --ledger is needed");
    if (tokens && question.from.empty() != question.to.empty()) {
        throw std::invalid_argument("--from and --to belong together");
    }
    question.use.tokens = tokens.value_or(0);
    if (!models.empty()) question.models = models;
    return question;
}

const holysheep::ModelPrice& price_of(const Question& question, const std::string& model) {
    const auto* price = question.prices.price(model);
    if (price == nullptr) throw std::invalid_argument("the price of " + model + " is not known: give it with --prices");
    return *price;
}

Money known(const std::optional<Money>& cost, const std::string& model) {
    if (!cost) throw std::invalid_argument("the price of " + model + " gives no amount");
    return *cost;
}

/// "usd", or another unit that the price list uses.
std::string unit_of(const Money& money) {
    auto unit = money.currency;
    for (auto& letter : unit) letter = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
    return unit;
}

void put(Json& json, const std::string& before, const Money& money) { json[before + unit_of(money)] = money.amount(); }

void add_row(Answer& answer, const std::string& name, const Money& money, const std::string& note = {}) {
    answer.table << std::left << std::setw(28) << name << std::right << std::setw(14) << money.amount() << ' '
                 << money.currency << "  " << note << '\n';
}

std::string note_on(const holysheep::ModelPrice& price) {
    return price.as_of.empty() ? price.source : price.source + ", " + price.as_of;
}

/// Returns one cost per requested model.
template <class CostOf>
void show_models(const Question& question, Answer& answer, CostOf cost_of) {
    answer.json["models"] = Json::array();
    for (const auto& model : question.models) {
        const auto& price = price_of(question, model);
        const auto cost = known(cost_of(price), model);
        Json entry{{"id", model}};
        put(entry, "", cost);
        answer.json["models"].push_back(entry);
        add_row(answer, model, cost, note_on(price));
    }
}

void show_saving(const Question& question, Answer& answer, const std::string& from_name, const Money& from,
                 const Money& to) {
    const auto saved = holysheep::saving(from, to);
    if (!saved) throw std::invalid_argument("one price is in " + from.currency + ", the other in " + to.currency);
    put(answer.json, "from_", from);
    put(answer.json, "to_", to);
    put(answer.json, "saved_", saved->saved);
    answer.json["saved_percent"] = saved->percent;
    std::ostringstream percent;
    percent << std::fixed << std::setprecision(2) << saved->percent << " %";
    add_row(answer, from_name, from);
    add_row(answer, question.to, to, note_on(price_of(question, question.to)));
    add_row(answer, "saved", saved->saved, percent.str());
}

void answer_from_plan(const Question& question, Answer& answer) {
    const auto& use = question.use;
    answer.json["tokens"] = use.tokens;
    if (use.input_share > 0) answer.json["input_share"] = use.input_share;
    if (use.cached_share > 0) answer.json["cached_share"] = use.cached_share;
    answer.table << use.tokens << " tokens a month\n";
    const auto cost = [&](const holysheep::ModelPrice& price) { return holysheep::monthly_cost(use, price); };
    if (question.to.empty()) {
        show_models(question, answer, cost);
        return;
    }
    answer.json["from"] = question.from;
    answer.json["to"] = question.to;
    show_saving(question, answer, question.from, known(cost(price_of(question, question.from)), question.from),
                known(cost(price_of(question, question.to)), question.to));
}

/// Reads the ledger lines of the model in `--from`, or all lines. A model can have several names.
holysheep::CostLedger read_ledger(const Question& question) {
    std::ifstream file(question.ledger_file, std::ios::binary);
    std::ostringstream text;
    if (file) text << file.rdbuf();
    if (!file) throw std::invalid_argument(question.ledger_file + " cannot be read");
    auto ledger = holysheep::CostLedger::from_json(text.str(), question.ledger_file).value();
    const auto* wanted = question.prices.find(question.from);
    std::erase_if(ledger.lines, [&](const holysheep::CostLine& line) {
        if (question.from.empty() || line.model == question.from) return false;
        return wanted == nullptr || question.prices.find(line.model) != wanted;
    });
    return ledger;
}

void answer_from_ledger(const Question& question, Answer& answer) {
    const auto ledger = read_ledger(question);
    if (std::ranges::any_of(ledger.lines, [](const auto& line) { return line.cost.currency != "USD"; })) {
        throw std::invalid_argument("the ledger has costs in other currencies than USD");
    }
    const auto paid = ledger.total();
    const Money whole{paid.cost.nano + paid.estimated_cost.nano};
    const auto tokens =
        paid.prompt_tokens + paid.completion_tokens + paid.estimated_prompt_tokens + paid.estimated_completion_tokens;
    answer.json = {{"calls", paid.calls}, {"tokens", tokens}, {"unknown_cost", paid.unknown_cost}};
    answer.table << paid.calls << " calls, " << tokens << " tokens";
    if (paid.unknown_cost != 0) answer.table << "; the cost of " << paid.unknown_cost << " attempts was not known";
    answer.table << '\n';
    const auto cost = [&](const holysheep::ModelPrice& price) { return holysheep::cost_on(ledger, price); };
    const auto name = question.from.empty() ? "as it was" : question.from;
    if (question.to.empty()) {
        put(answer.json, "", whole);
        add_row(answer, name, whole);
        show_models(question, answer, cost);
        return;
    }
    if (!question.from.empty()) answer.json["from"] = question.from;
    answer.json["to"] = question.to;
    show_saving(question, answer, name, whole, known(cost(price_of(question, question.to)), question.to));
}

}  // namespace

int main(int argc, char** argv) try {
    if (argc == 2 && (argv[1] == std::string("--help") || argv[1] == std::string("-h"))) {
        std::cout << kUsage;
        return 0;
    }
    const auto question = read_arguments(argc, argv);
    Answer answer;
    if (question.ledger_file.empty()) {
        answer_from_plan(question, answer);
    } else {
        answer_from_ledger(question, answer);
    }
    std::cout << (question.json ? answer.json.dump() + '\n' : answer.table.str());
    return 0;
} catch (const std::exception& error) {
    std::cerr << "roi: " << error.what() << "; see roi --help\n";
    return 2;
}
