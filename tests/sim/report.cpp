// Formats the figures; a figure that does not apply is printed as null or as a dash.
#include "report.hpp"

#include <cmath>
#include <cstdio>

#include <nlohmann/json.hpp>

namespace holysheep::sim {

namespace {

using Json = nlohmann::ordered_json;

Json rounded(std::optional<double> value, double parts) {
    if (!value || std::isnan(*value)) return nullptr;
    return std::round(*value * parts) / parts;
}

std::string cell(std::optional<double> value, int decimals) {
    if (!value || std::isnan(*value)) return "-";
    char text[32];
    std::snprintf(text, sizeof text, "%.*f", decimals, *value);
    return text;
}

void write_cells(std::ostream& out, const std::vector<std::string>& cells) {
    static constexpr int kWidths[] = {-20, 5, -16, 8, 8, 8, 8, 9, 7, 9, 9, 8, 10, 8, 6, 8};
    for (std::size_t i = 0; i < cells.size(); ++i) {
        char text[64];
        std::snprintf(text, sizeof text, "%*s", kWidths[i], cells[i].c_str());
        out << text << ' ';
    }
    out << '\n';
}

}  // namespace

std::string as_json(const ReportRow& row) {
    const auto& figures = row.figures;
    const Json json{{"scenario", row.scenario},
                    {"load", row.load},
                    {"policy", row.policy},
                    {"success", rounded(figures.success(), 1e6)},
                    {"p50_ms", rounded(figures.latency_ms(0.5), 10)},
                    {"p99_ms", rounded(figures.latency_ms(0.99), 10)},
                    {"p999_ms", rounded(figures.latency_ms(0.999), 10)},
                    {"attempts_per_call", rounded(figures.attempts_per_call(), 1e5)},
                    {"hedge_share", rounded(figures.hedge_share(), 1e5)},
                    {"overhead_p99_ms", rounded(figures.overhead_ms(0.99), 100)},
                    {"dead_attempts_per_client", rounded(figures.dead_attempts_per_client(), 100)},
                    {"recover_s", rounded(figures.recover_seconds(), 100)},
                    {"wasted_tokens", rounded(figures.wasted_tokens(), 1)},
                    {"goodput", rounded(figures.goodput(), 1e4)},
                    {"fairness", rounded(figures.fairness(), 1e4)},
                    {"seeds", row.seeds},
                    {"calls", figures.calls()}};
    return json.dump();
}

void write_table_head(std::ostream& out) {
    write_cells(out, {"scenario", "load", "policy", "success%", "p50 ms", "p99 ms", "p99.9 ms", "att/call", "hedge%",
                      "ovh99 ms", "dead/cl", "recov s", "wasted tok", "goodput%", "Jain", "calls"});
}

void write_table_row(std::ostream& out, const ReportRow& row) {
    const auto& figures = row.figures;
    write_cells(
        out, {row.scenario, cell(row.load, 2), row.policy, cell(figures.success() * 100, 3),
              cell(figures.latency_ms(0.5), 0), cell(figures.latency_ms(0.99), 0), cell(figures.latency_ms(0.999), 0),
              cell(figures.attempts_per_call(), 4), cell(figures.hedge_share() * 100, 2),
              cell(figures.overhead_ms(0.99), 1), cell(figures.dead_attempts_per_client(), 1),
              cell(figures.recover_seconds(), 1), cell(figures.wasted_tokens(), 0), cell(figures.goodput() * 100, 1),
              cell(figures.fairness(), 3), std::to_string(figures.calls())});
}

}  // namespace holysheep::sim
