// The loop and the client without breakers are there to compare with: only the library as it comes is judged.
#include "report.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ostream>

namespace holysheep::soak {

namespace {

/// In each region every call that was out at the same time may have left a connection.
int idle_connections(const Figures& f) { return f.regions * f.most_at_once; }

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
            "%-12s %7d %9d %5d %5d %10d %5d %6d %8.1f %8.1f %9.1f %9.3f  %5.1f, %5.1f, %5.1f  %d, %d, %d (most %d, "
            "left %d)\n",
            f.caller.c_str(), f.calls, f.answered, f.lost, f.cut, f.recovered, f.hung, f.wrong, f.p50_ms, f.p99_ms,
            f.max_ms, static_cast<double>(f.attempts) / std::max(1, f.calls), f.start.memory_mb, f.warm.memory_mb,
            f.end.memory_mb, f.start.descriptors, f.warm.descriptors, f.end.descriptors, f.most_descriptors,
            f.left_open);
    }
    out << "lost: no answer and no piece of one. cut: a stream that broke after content and said so. wrong: taken for "
           "an\n"
           "answer and not the whole of it. ms: until the first content, without the second that some models think; "
           "the\n"
           "loop shows streams at their end. attempts: per call. memory, descriptors: at the start, after a third of "
           "the\n"
           "time, at the end. left: open after the client's end.\n";
}

std::vector<std::string> broken_promises(const std::vector<Figures>& callers) {
    std::vector<std::string> broken;
    const auto expect = [&broken](bool kept, const std::string& what) {
        if (!kept) broken.push_back(what);
    };
    for (const auto name : {kDefault, kRestart}) {
        const auto* caller = caller_named(callers, name);
        if (caller == nullptr) continue;
        const auto who = std::string(name) + ": ";
        expect(caller->calls > 0, who + "it made no calls");
        expect(caller->lost == 0, who + std::to_string(caller->lost) + " calls lost");
        expect(caller->hung == 0, who + std::to_string(caller->hung) + " calls hung");
        expect(caller->wrong == 0, who + std::to_string(caller->wrong) + " answers are not what was sent");
        expect(caller->end.memory_mb <= caller->warm.memory_mb + kMoreMemoryMb, who + "its memory grows");
        expect(caller->end.descriptors <= caller->start.descriptors + idle_connections(*caller) + kMoreDescriptors,
               who + "it holds more descriptors than its calls explain");
        expect(caller->left_open <= 0, who + std::to_string(caller->left_open) + " descriptors outlive the client");
    }
    if (const auto* restart = caller_named(callers, kRestart)) {
        expect(restart->cut == 0, "restart: " + std::to_string(restart->cut) + " streams were not begun again");
    }
    const auto* library = caller_named(callers, kDefault);
    for (const auto other_name : {kNoBreaker, kNaive}) {
        const auto* other = caller_named(callers, other_name);
        if (library == nullptr || other == nullptr) continue;
        expect(library->lost <= other->lost, "default: loses more than the " + std::string(other_name));
    }
    return broken;
}

}  // namespace holysheep::soak
