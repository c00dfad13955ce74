// Two loads in turns, many times, so that whatever else the machine does hits both alike.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

namespace holysheep::bench {

/// Asks until a moment has come; the number of answers.
using RunUntil = std::function<std::uint64_t(std::chrono::steady_clock::time_point end)>;

struct Load {
    RunUntil run_until{};
    std::vector<double>* latencies = nullptr;  ///< in µs, where the load takes them
};

/// Repeats one request after the other, and takes the time of each.
RunUntil one_at_a_time(std::function<void()> ask, std::vector<double>& latencies);

struct RoundLengths {
    int rounds = 1;
    std::chrono::milliseconds length{};
};

struct Comparison {
    std::vector<double> ratios{};              ///< of CPU per request, ours to raw, by round
    std::vector<double> raw_cpu{}, our_cpu{};  ///< µs per request, by round
    std::vector<double> added_latency{};       ///< µs, by round: the difference of the medians
};
/// The CPU time is that of the whole process, user and system.
Comparison compare(const Load& raw, const Load& ours, const RoundLengths& lengths);

/// µs that this process has used so far, user and system.
double process_cpu();

/// 0 for no values.
double median(std::vector<double> values);

}  // namespace holysheep::bench
