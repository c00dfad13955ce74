// Prints the figures as JSON and as a table.
#include "figures.hpp"

#include <cmath>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <sstream>

namespace holysheep::bench {

namespace {

double rounded(double value) { return std::round(value * 1'000) / 1'000; }

std::string as_text(std::optional<double> value) {
    if (!value) return "";
    std::ostringstream text;
    text << rounded(*value);
    return text.str();
}

}  // namespace

void Figures::print_json(std::ostream& out) const {
    auto object = nlohmann::ordered_json::object();
    for (const auto& figure : list_) {
        const auto found = values_.find(figure.key);
        if (found == values_.end()) continue;
        if (found->second == std::floor(found->second)) {
            object[std::string(figure.key)] = static_cast<long long>(found->second);
        } else {
            object[std::string(figure.key)] = rounded(found->second);
        }
    }
    out << object.dump() << '\n';
}

void Figures::print_table(std::ostream& out) const {
    const auto row = [&out](std::string_view key, const std::string& value, const std::string& limit,
                            const std::string& target, std::string_view meaning) {
        out << std::left << std::setw(28) << key << std::right << std::setw(10) << value << std::setw(8) << limit
            << std::setw(8) << target << "  " << meaning << '\n';
    };
    row("figure", "measured", "limit", "target", "meaning");
    for (const auto& figure : list_) {
        const auto found = values_.find(figure.key);
        if (found == values_.end()) continue;
        const bool broken = figure.limit && found->second > *figure.limit;
        row(figure.key, as_text(found->second) + (broken ? "!" : ""), as_text(figure.limit), as_text(figure.target),
            figure.meaning);
    }
    for (const auto& note : notes_) out << note << '\n';
}

}  // namespace holysheep::bench
