// Runs two loads alternately, many times, so that other activity of the machine affects both alike.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

namespace holysheep::bench {

/// Sends requests until `end`; returns the number of answers.
using RunUntil = std::function<std::uint64_t(std::chrono::steady_clock::time_point end)>;

struct Load {
    RunUntil run_until{};
    std::vector<double>* latencies = nullptr;  ///< in µs, if the load measures them
};

/// Repeats one request after the other, and measures the time of each.
RunUntil one_at_a_time(std::function<void()> ask, std::vector<double>& latencies);

struct RoundLengths {
    int rounds = 1;
    std::chrono::milliseconds length{};
};

struct Comparison {
    std::vector<double> ratios{};              ///< ratio of CPU per request, ours to raw, by round
    std::vector<double> raw_cpu{}, our_cpu{};  ///< µs per request, by round
    std::vector<double> added_latency{};       ///< µs, by round: the difference of the medians
};
/// CPU time is that of the whole process, user and system.
Comparison compare(const Load& raw, const Load& ours, const RoundLengths& lengths);

/// CPU time of this process so far in µs, user and system.
double process_cpu();

/// Returns 0 if there are no values.
double median(std::vector<double> values);

}  // namespace holysheep::bench
