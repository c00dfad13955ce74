// Stats as JSON for programs and as a table for people.
#include <holysheep/stats.hpp>

#include <iomanip>
#include <nlohmann/json.hpp>
#include <ostream>
#include <sstream>

namespace holysheep {
inline namespace v0 {

std::string Stats::to_json() const {
    nlohmann::ordered_json json{{"uptime_seconds", std::chrono::duration<double>(uptime).count()},
                                {"in_flight", in_flight},
                                {"calls", calls},
                                {"succeeded", succeeded},
                                {"failed", failed},
                                {"cancelled", cancelled},
                                {"streams", streams},
                                {"attempts", attempts},
                                {"failovers", failovers},
                                {"hedges", hedges},
                                {"panics", panics},
                                {"retry_budget_tokens", retry_budget_tokens},
                                {"hedge_budget_tokens", hedge_budget_tokens},
                                {"regions", nlohmann::ordered_json::array()}};
    for (const auto& region : regions) {
        const auto& health = region.health;
        nlohmann::ordered_json entry{{"id", region.id},
                                     {"liveness", to_string(health.liveness)},
                                     {"breaker", to_string(health.breaker)},
                                     {"reason", health.reason},
                                     {"score", health.score},
                                     {"cost", health.cost},
                                     {"error_rate", health.error_rate},
                                     {"in_flight", health.in_flight},
                                     {"attempts", region.attempts},
                                     {"succeeded", region.succeeded},
                                     {"failed", region.failed},
                                     {"failovers_away", region.failovers_away},
                                     {"hedges", region.hedges},
                                     {"probes", region.probes}};
        const auto add = [&](const char* name, const std::optional<milliseconds>& span) {
            if (span) entry[name] = span->count();
        };
        add("rtt_ms", health.rtt);
        add("first_token_ms", health.first_token);
        add("first_token_p50_ms", health.first_token_p50);
        add("first_token_p95_ms", health.first_token_p95);
        add("first_token_p99_ms", health.first_token_p99);
        add("probe_ms", health.probe);
        add("limited_for_ms", health.limited_for);
        add("open_for_ms", health.open_for);
        if (region.last_error) entry["last_error"] = to_string(*region.last_error);
        json["regions"].push_back(std::move(entry));
    }
    return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::ostream& operator<<(std::ostream& stream, const Stats& stats) {
    std::ostringstream out;  // keeps the caller's stream formatting as it was
    out << std::fixed << std::setprecision(1);
    out << "calls " << stats.calls << " (ok " << stats.succeeded << ", failed " << stats.failed << ", cancelled "
        << stats.cancelled << ", in flight " << stats.in_flight << "), streams " << stats.streams << ", attempts "
        << stats.attempts << ", failovers " << stats.failovers << ", hedges " << stats.hedges << ", up "
        << std::chrono::duration<double>(stats.uptime).count() << " s\n";
    out << std::left << std::setw(16) << "region" << std::right << std::setw(6) << "score" << std::setw(10)
        << "attempts" << std::setw(8) << "ok" << std::setw(8) << "failed" << std::setw(12) << "moved away"
        << std::setw(11) << "in flight"
        << "  state\n";
    for (const auto& region : stats.regions) {
        const auto& health = region.health;
        out << std::left << std::setw(16) << region.id << std::right << std::setw(6) << std::setprecision(0)
            << health.score << std::setw(10) << region.attempts << std::setw(8) << region.succeeded << std::setw(8)
            << region.failed << std::setw(12) << region.failovers_away << std::setw(11) << health.in_flight << "  "
            << to_string(health.liveness);
        if (!health.reason.empty()) out << ": " << health.reason;
        if (region.last_error && health.liveness != Liveness::healthy) out << " (" << *region.last_error << ')';
        out << '\n';
    }
    return stream << out.str();
}

}  // namespace v0
}  // namespace holysheep
