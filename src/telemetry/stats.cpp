// Computes derived members of the statistics, and prints them as a table. For JSON see stats_json.cpp.
#include <holysheep/stats.hpp>

#include <algorithm>
#include <iomanip>
#include <ostream>
#include <sstream>
#include <string>

#include "telemetry/table_text.hpp"

namespace holysheep {
inline namespace v0 {

namespace {

std::optional<double> share(std::uint64_t good, std::uint64_t bad) {
    if (good + bad == 0) return std::nullopt;
    return static_cast<double>(good) / static_cast<double>(good + bad);
}

std::string in_percent(std::optional<double> value) {
    if (!value) return "-";
    std::ostringstream text;
    // "100" only if all succeeded.
    text << std::fixed << std::setprecision(1) << (*value < 1 ? std::min(99.9, 100 * *value) : 100) << " %";
    return text.str();
}

std::string in_ms(const LatencySummary& summary, nanoseconds value) {
    if (summary.count == 0) return "-";
    std::ostringstream text;
    const double ms = static_cast<double>(value.count()) / 1e6;
    text << std::fixed << std::setprecision(ms < 9.95 ? 1 : 0) << ms;
    return text.str();
}

/// The width of the longest name, within limits; longer names are clipped to keep the columns aligned.
std::size_t name_width(const std::vector<RegionStats>& regions) {
    std::size_t width = 16;
    for (const auto& region : regions) {
        width = std::max(width, telemetry::columns(telemetry::clipped(region.id, 40)) + 1);
    }
    return width;
}

std::string left_aligned(std::string_view text, std::size_t width) {
    auto cell = telemetry::clipped(text, width - 1);
    return cell.append(width - telemetry::columns(cell), ' ');
}

}  // namespace

std::optional<double> RegionStats::success_rate() const { return share(succeeded, failed); }
std::optional<double> Stats::success_rate() const { return share(succeeded, failed); }

std::ostream& operator<<(std::ostream& stream, const Stats& stats) {
    using std::setw;
    std::ostringstream out;  // does not change the format flags of the caller's stream
    out << std::fixed << std::setprecision(1);
    out << "calls " << stats.calls << " (ok " << stats.succeeded << ", failed " << stats.failed << ", cancelled "
        << stats.cancelled << ", in flight " << stats.in_flight << "), streams " << stats.streams << ", attempts "
        << stats.attempts << ", failovers " << stats.failovers << ", hedges " << stats.hedges << ", cut "
        << stats.streams_cut << ", up " << std::chrono::duration<double>(stats.uptime).count() << " s\n";
    const auto name = name_width(stats.regions);
    out << left_aligned("region", name) << std::right << setw(6) << "score" << setw(10) << "attempts" << setw(8) << "ok"
        << setw(8) << "failed" << setw(9) << "success" << setw(8) << "avg ms" << setw(8) << "p99 ms" << setw(6)
        << "away" << setw(6) << "to" << setw(11) << "in flight"
        << "  state\n";
    for (const auto& region : stats.regions) {
        const auto& health = region.health;
        out << left_aligned(region.id, name) << std::right << setw(6) << std::setprecision(0) << health.score
            << setw(10) << region.attempts << setw(8) << region.succeeded << setw(8) << region.failed << setw(9)
            << in_percent(region.success_rate()) << setw(8) << in_ms(region.latency, region.latency.average) << setw(8)
            << in_ms(region.latency, telemetry::shown_p99(region.latency)) << setw(6) << region.failovers_away
            << setw(6) << region.failovers_to << setw(11) << health.in_flight << "  " << to_string(health.liveness);
        if (!health.reason.empty()) out << ": " << telemetry::clipped(health.reason);
        if (region.last_error && health.liveness != Liveness::healthy) out << " (" << *region.last_error << ')';
        out << '\n';
    }
    for (const auto& model : stats.models) {
        out << "model " << telemetry::clipped(model.model) << ": calls " << model.calls << ", tokens in "
            << model.prompt_tokens << " (cached " << model.cached_input_tokens << "), out " << model.completion_tokens
            << " (reasoning " << model.reasoning_tokens << ')';
        for (const auto& cost : model.cost) out << ", " << cost.amount() << ' ' << telemetry::clipped(cost.currency);
        if (const auto unknown = telemetry::unknown_cost(model); !unknown.empty()) out << ", " << unknown;
        for (const auto& cost : model.cost_estimated) {
            out << ", about " << cost.amount() << ' ' << telemetry::clipped(cost.currency) << " more";
        }
        out << '\n';
    }
    return stream << out.str();
}

}  // namespace v0
}  // namespace holysheep
