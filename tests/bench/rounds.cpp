// Computes medians over rounds, so that a disturbed round is only one bad value.
#include "rounds.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <utility>

namespace holysheep::bench {

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

double microseconds(const timeval& time) {
    return 1e6 * static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec);
}

struct Reading {
    double cpu = 0, latency = 0;
};

Reading take(const Load& load, std::chrono::milliseconds length) {
    if (load.latencies != nullptr) load.latencies->clear();
    const double before = process_cpu();
    const auto answers = load.run_until(steady_clock::now() + length);
    const double cpu = (process_cpu() - before) / static_cast<double>(answers);
    return {.cpu = cpu, .latency = load.latencies == nullptr ? 0 : median(*load.latencies)};
}

}  // namespace

double process_cpu() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return microseconds(usage.ru_utime) + microseconds(usage.ru_stime);
}

RunUntil one_at_a_time(std::function<void()> ask, std::vector<double>& latencies) {
    return [ask = std::move(ask), &latencies](steady_clock::time_point end) {
        std::uint64_t answers = 0;
        for (auto begin = steady_clock::now(); begin < end; ++answers) {
            ask();
            const auto now = steady_clock::now();
            latencies.push_back(std::chrono::duration<double, std::micro>(now - begin).count());
            begin = now;
        }
        return answers;
    };
}

Comparison compare(const Load& raw, const Load& ours, const RoundLengths& lengths) {
    // Fill connections, pools and caches before the measurement.
    for (const auto* load : {&raw, &ours}) take(*load, std::min(lengths.length, 200ms));
    Comparison comparison;
    for (int round = 0; round < lengths.rounds; ++round) {
        // The order alternates, so that a slow drift favours neither side.
        Reading r;
        Reading o;
        if (round % 2 == 0) {
            r = take(raw, lengths.length);
            o = take(ours, lengths.length);
        } else {
            o = take(ours, lengths.length);
            r = take(raw, lengths.length);
        }
        comparison.ratios.push_back(o.cpu / r.cpu);
        comparison.raw_cpu.push_back(r.cpu);
        comparison.our_cpu.push_back(o.cpu);
        comparison.added_latency.push_back(o.latency - r.latency);
    }
    return comparison;
}

double median(std::vector<double> values) {
    if (values.empty()) return 0;
    std::ranges::sort(values);
    const auto half = values.size() / 2;
    return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

}  // namespace holysheep::bench
