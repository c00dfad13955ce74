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
                                {"retry_budget_tokens", retry_budget_tokens},
                                {"regions", nlohmann::ordered_json::array()}};
    for (const auto& region : regions) {
        nlohmann::ordered_json entry{{"id", region.id},
                                     {"draining", region.draining},
                                     {"failing", region.failing},
                                     {"in_flight", region.in_flight},
                                     {"attempts", region.attempts},
                                     {"succeeded", region.succeeded},
                                     {"failed", region.failed},
                                     {"failovers_away", region.failovers_away},
                                     {"error_rate", region.error_rate}};
        if (region.limited_for) entry["limited_for_ms"] = region.limited_for->count();
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
        << stats.attempts << ", failovers " << stats.failovers << ", up "
        << std::chrono::duration<double>(stats.uptime).count() << " s\n";
    out << std::left << std::setw(20) << "region" << std::right << std::setw(10) << "attempts" << std::setw(10) << "ok"
        << std::setw(10) << "failed" << std::setw(12) << "moved away" << std::setw(11) << "in flight"
        << "  state\n";
    for (const auto& region : stats.regions) {
        out << std::left << std::setw(20) << region.id << std::right << std::setw(10) << region.attempts
            << std::setw(10) << region.succeeded << std::setw(10) << region.failed << std::setw(12)
            << region.failovers_away << std::setw(11) << region.in_flight << "  ";
        if (region.draining) {
            out << "draining";
        } else if (region.limited_for) {
            out << "limited for " << region.limited_for->count() << " ms";
        } else if (region.failing && region.last_error) {
            out << "failing (" << *region.last_error << ')';
        } else {
            out << "ok";
        }
        out << '\n';
    }
    return stream << out.str();
}

}  // namespace v0
}  // namespace holysheep
