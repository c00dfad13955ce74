// Opens the streams, which wait at the server's gate and then flow together; the measurement covers the middle of that.
#include "many_streams.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iostream>
#include <stdexcept>
#include <thread>

#include "child_process.hpp"
#include "our_streams.hpp"
#include "raw_streams.hpp"
#include "rounds.hpp"

namespace holysheep::bench {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kSpareDescriptors = 200;
// The number of connections opened at a time: a listener's queue is finite.
constexpr std::size_t kPortion = 500;

std::size_t affordable(std::size_t wanted) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    return std::min<std::size_t>(wanted, limit.rlim_cur - kSpareDescriptors);
}

double resident_kib() {
    std::ifstream file("/proc/self/statm");
    double size = 0;
    double resident = 0;
    file >> size >> resident;
    return resident * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1024;
}

/// One side of the comparison.
struct Side {
    std::function<void(std::size_t)> start;
    std::function<void(std::chrono::milliseconds)> run_for;  ///< lets the streams flow
    std::function<std::uint64_t()> chunks;
    std::function<bool()> running;
    std::function<void(std::size_t)> check;
};

ManyStreams measure(const StreamServer& server, std::size_t streams, int seconds, const Side& side) {
    ManyStreams result{.streams = streams};
    server.close_gate();
    side.start(1);  // the one-time setup of a first call does not count
    while (server.waiting() < 1) side.run_for(1ms);
    const double before = resident_kib();
    for (std::size_t open = 1; open < streams;) {
        const auto more = std::min(kPortion, streams - open);
        side.start(more);
        open += more;
        while (server.waiting() < open) side.run_for(5ms);
    }
    server.open_gate(static_cast<unsigned>(streams));
    side.run_for(1'500ms);
    const auto first_chunk = side.chunks();
    const double first_cpu = process_cpu();
    side.run_for(seconds * 1'000ms);
    const double cpu = process_cpu() - first_cpu;
    result.cpu_per_chunk = cpu / static_cast<double>(side.chunks() - first_chunk);
    result.kib_per_stream = (resident_kib() - before) / static_cast<double>(streams - 1);
    while (side.running()) side.run_for(20ms);
    result.chunks = side.chunks();
    side.check(static_cast<std::size_t>(seconds) + 3);
    return result;
}

/// Runs the measurement in a child process; the result comes back through a pipe.
ManyStreams in_child(const std::function<ManyStreams()>& measurement) {
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error("no pipe");
    const auto child = ::fork();
    if (child < 0) throw std::runtime_error("cannot fork");
    if (child == 0) {
        die_with_parent();
        try {
            const auto result = measurement();
            const auto written = ::write(ends[1], &result, sizeof result);
            std::_Exit(written == sizeof result ? 0 : 1);
        } catch (const std::exception& error) {
            std::cerr << "bench_streams: " << error.what() << '\n';
            std::_Exit(1);
        }
    }
    ::close(ends[1]);
    ManyStreams result;
    const auto got = ::read(ends[0], &result, sizeof result);
    ::close(ends[0]);
    int status = -1;
    ::waitpid(child, &status, 0);
    if (got != sizeof result || status != 0) throw std::runtime_error("a measurement of many streams failed");
    return result;
}

std::string url_for(const StreamServer& server, int seconds) {
    return base_url_of(
        {.chunks = static_cast<std::size_t>(seconds) + 3, .period_us = 1'000'000, .waits_for_gate = true},
        server.port());
}

}  // namespace

ManyStreams measure_raw(const StreamServer& server, std::size_t wanted, int seconds) {
    return in_child([&] {
        RawEpollStreams raw(url_for(server, seconds));
        return measure(server, affordable(wanted), seconds,
                       {.start = [&](std::size_t count) { raw.start(count); },
                        .run_for =
                            [&](std::chrono::milliseconds span) {
                                const auto end = std::chrono::steady_clock::now() + span;
                                for (auto now = end - span; now < end; now = std::chrono::steady_clock::now()) {
                                    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - now);
                                    raw.run_once(static_cast<int>(left.count()));
                                }
                            },
                        .chunks = [&] { return raw.chunks_seen(); },
                        .running = [&] { return raw.running() > 0; },
                        .check = [&](std::size_t chunks) { raw.check_ended(chunks); }});
    });
}

ManyStreams measure_ours(const StreamServer& server, std::size_t wanted, int seconds) {
    return in_child([&] {
        const auto streams = affordable(wanted);
        OurStreams ours(url_for(server, seconds));
        return measure(server, streams, seconds,
                       {.start = [&](std::size_t count) { ours.start(count); },
                        .run_for = [&](std::chrono::milliseconds span) { std::this_thread::sleep_for(span); },
                        .chunks = [&] { return ours.chunks_seen(); },
                        .running = [&] { return ours.running() > 0; },
                        .check = [&](std::size_t chunks) { ours.check_ended(chunks); }});
    });
}

}  // namespace holysheep::bench
