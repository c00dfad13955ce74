// Only the library with breakers is checked; the loop and the client without breakers are baselines.
#include "report.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ostream>

namespace holysheep::soak {

namespace {

/// Each region may hold an idle connection for every concurrent call.
int idle_connections(const Figures& f) { return f.regions * f.max_concurrent; }

template <class... Cells>
std::string row(const char* format, Cells... cells) {
    std::array<char, 256> line{};
    std::snprintf(line.data(), line.size(), format, cells...);
    return line.data();
}

const Figures* caller_named(const std::vector<Figures>& callers, std::string_view name) {
    const auto found = std::ranges::find(callers, name, &Figures::caller);
    return found == callers.end() ? nullptr : &*found;
}

}  // namespace

void print_table(std::ostream& out, const std::vector<Figures>& callers) {
    out << row("%-12s %7s %9s %5s %5s %10s %5s %6s %8s %8s %9s %9s  %-20s %s\n", "caller", "calls", "answered", "lost",
               "cut", "recovered", "hung", "wrong", "p50 ms", "p99 ms", "max ms", "attempts", "memory MB",
               "descriptors");
    for (const auto& f : callers) {
        out << row(
            "%-12s %7d %9d %5d %5d %10d %5d %6d %8.1f %8.1f %9.1f %9.3f  %5.1f, %5.1f, %5.1f  %d, %d, %d (max %d, "
            "left %d)\n",
            f.caller.c_str(), f.calls, f.answered, f.lost, f.cut, f.recovered, f.hung, f.wrong, f.p50_ms, f.p99_ms,
            f.max_ms, static_cast<double>(f.attempts) / std::max(1, f.calls), f.start.memory_mb, f.warm.memory_mb,
            f.end.memory_mb, f.start.descriptors, f.warm.descriptors, f.end.descriptors, f.max_descriptors,
            f.left_open);
    }
    out << "lost: no answer and no content. cut: a stream that broke after content and reported it. wrong: an "
           "incomplete or\n"
           "foreign answer reported as complete. ms: time to first content, without thinking time; the loop delivers\n"
           "streams at their end. attempts: per call. memory, descriptors: at the start, after the warm-up, at the "
           "end.\n"
           "left: open after the client's destruction.\n";
}

std::vector<std::string> violations(const std::vector<Figures>& callers) {
    std::vector<std::string> failures;
    const auto expect = [&failures](bool passed, const std::string& what) {
        if (!passed) failures.push_back(what);
    };
    for (const auto name : {kDefault, kRestart}) {
        const auto* caller = caller_named(callers, name);
        if (caller == nullptr) continue;
        const auto prefix = std::string(name) + ": ";
        expect(caller->calls > 0, prefix + "made no calls");
        expect(caller->lost == 0, prefix + std::to_string(caller->lost) + " calls lost");
        expect(caller->hung == 0, prefix + std::to_string(caller->hung) + " calls hung");
        expect(caller->wrong == 0, prefix + std::to_string(caller->wrong) + " answers are wrong");
        expect(caller->end.memory_mb <= caller->warm.memory_mb + kMaxMemoryGrowthMb, prefix + "memory grows");
        expect(caller->end.descriptors <= caller->start.descriptors + idle_connections(*caller) + kExtraDescriptors,
               prefix + "holds more descriptors than its calls explain");
        expect(caller->left_open <= 0,
               prefix + std::to_string(caller->left_open) + " descriptors remain open after the client's destruction");
    }
    if (const auto* restart = caller_named(callers, kRestart)) {
        expect(restart->cut == 0, "restart: " + std::to_string(restart->cut) + " streams were not restarted");
    }
    const auto* library = caller_named(callers, kDefault);
    for (const auto other_name : {kNoBreaker, kNaive}) {
        const auto* other = caller_named(callers, other_name);
        if (library == nullptr || other == nullptr) continue;
        expect(library->lost <= other->lost, "default: loses more calls than the " + std::string(other_name));
    }
    return failures;
}

}  // namespace holysheep::soak
