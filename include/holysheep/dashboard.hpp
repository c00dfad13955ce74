// Prints statistics for people: which regions answer, how fast, and what failed over.
// Stats → [print_dashboard] → terminal
#pragma once

#include <iosfwd>

#include <holysheep/export.hpp>
#include <holysheep/stats.hpp>

namespace holysheep {
inline namespace v0 {

/// Options of `print_dashboard`.
struct DashboardOptions {
    /// `automatic`: if `out` is std::cout or std::cerr on a terminal, and NO_COLOR (no-color.org) is not set.
    enum class Colour { automatic, always, never } colour = Colour::automatic;
    int width = 80;        ///< columns; at least 72
    bool history = false;  ///< add a line per region with the latencies of its last attempts; × marks a failure
};

/// Prints one line for the client, one per region (mark, latency of answers, requests, failovers away, success rate),
/// with the reason below it if the region is not simply healthy, and one per model. Marks: ● healthy, ◐ suspect or
/// recovering, ○ unknown, × down, – draining. UTF-8 without control characters; no line is wider than `width`.
///
///     print_dashboard(client.stats(), std::cout);
HOLYSHEEP_EXPORT void print_dashboard(const Stats& stats, std::ostream& out, const DashboardOptions& options = {});

}  // namespace v0
}  // namespace holysheep
