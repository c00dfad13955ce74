// The list, and its two forms.
#include "figures.hpp"

#include <array>
#include <cmath>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <sstream>

namespace holysheep::bench {

namespace {

constexpr std::array<Figure, 11> kFigures{{
    {"async_c64_cpu_ratio", "chat_async, 64 in flight, CPU against raw_c64", 1.15, 0.85},
    {"async_inline_c64_cpu_ratio", "the same with callbacks on the I/O thread", 1.10, 0.80},
    {"raw_c64_us", "raw curl_multi, 64 in flight, CPU us per request", {}, {}},
    {"raw_c1_us", "raw reused easy handle, CPU us per request", {}, {}},
    {"blocking_c64_cpu_ratio", "64 threads calling chat, CPU against raw_c64", 1.40, 1.05},
    {"blocking_c1_cpu_ratio", "one thread calling chat, CPU against raw_c1", 1.30, 1.05},
    {"blocking_c1_added_us", "the same, median latency added, us", 25.0, {}},
    {"allocations_per_request", "chat_async, 64 in flight, whole process", 90.0, 55.0},
    {"tls_connect_ratio", "a new TLS connection per call, CPU against raw", 1.20, 1.05},
    {"recycled_lost", "calls that failed while nginx recycled connections", 0.0, {}},
    {"recycled_hidden_resends", "requests on the wire that no trail shows", 0.0, {}},
}};

double rounded(double value) { return std::round(value * 1'000) / 1'000; }

std::string as_text(std::optional<double> value) {
    if (!value) return "";
    std::ostringstream text;
    text << rounded(*value);
    return text.str();
}

}  // namespace

std::span<const Figure> all_figures() { return kFigures; }

void Figures::print_json(std::ostream& out) const {
    auto object = nlohmann::ordered_json::object();
    for (const auto& figure : kFigures) {
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
    const auto row = [&out](std::string_view key, const std::string& value, const std::string& must,
                            const std::string& aim, std::string_view meaning) {
        out << std::left << std::setw(28) << key << std::right << std::setw(10) << value << std::setw(8) << must
            << std::setw(8) << aim << "  " << meaning << '\n';
    };
    row("figure", "measured", "must", "aim", "meaning");
    for (const auto& figure : kFigures) {
        const auto found = values_.find(figure.key);
        if (found == values_.end()) continue;
        const bool broken = figure.must && found->second > *figure.must;
        row(figure.key, as_text(found->second) + (broken ? "!" : ""), as_text(figure.must), as_text(figure.aim),
            figure.meaning);
    }
    for (const auto& note : notes_) out << note << '\n';
}

}  // namespace holysheep::bench
