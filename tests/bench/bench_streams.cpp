// Measures the cost of a streamed piece compared with libcurl and a JSON tree per piece, against a server in a separate
// process.
// BenchFlags → [streams in turns] → Figures
#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "allocation_count.hpp"
#include "bench_main.hpp"
#include "many_streams.hpp"
#include "our_streams.hpp"
#include "raw_streams.hpp"
#include "rounds.hpp"
#include "stream_server.hpp"

namespace holysheep::bench {
namespace {

constexpr std::array<Figure, 11> kFigures{{
    {"burst_chunk_cpu_ratio", "stream_to, bursts of 2,000 pieces, CPU per piece against raw", 0.35, 0.15},
    {"raw_burst_chunk_us", "raw libcurl with a JSON tree per piece, CPU us per piece", {}, {}},
    {"burst_chunk_us", "the same by stream_to", {}, {}},
    {"allocations_per_chunk", "stream_to, a whole stream of 2,000 pieces, whole process", 2.0, 0.0},
    {"paced_chunk_cpu_ratio", "stream_async inline, 64 streams x 50/s, CPU against curl_multi_poll", 1.0, 0.65},
    {"raw_paced_chunk_us", "raw libcurl with curl_multi_poll, CPU us per piece", {}, {}},
    {"streams_10k_cpu_ratio", "stream_async inline, 10,000 streams x 1/s, CPU against raw epoll", 1.5, 1.2},
    {"streams_10k_kib", "the same, resident KiB per stream", 28.0, 20.0},
    {"raw_10k_chunk_us", "raw socket_action and epoll, CPU us per piece", {}, {}},
    {"raw_10k_kib", "the same, resident KiB per stream", {}, {}},
    {"streams_10k_chunks", "pieces that arrived, each once and in order", {}, {}},
}};

constexpr std::size_t kBurst = 2'000;
constexpr std::size_t kPacedStreams = 64;
constexpr std::uint64_t kPacedPeriod = 20'000;
constexpr std::size_t kMany = 10'000;
constexpr int kManySeconds = 8;
constexpr int kManyRounds = 3;

std::string with_spread(std::vector<double> values) {
    std::ranges::sort(values);
    const auto text = [](double value) { return std::to_string(value).substr(0, 5); };
    return text(median(values)) + " [" + text(values.front()) + ", " + text(values.back()) + "]";
}

class Bench {
  public:
    Bench(const BenchFlags& flags, const StreamServer& server)
        : flags_(flags), lengths_{.rounds = flags.rounds, .length = flags.length}, server_(server) {}

    Figures run() {
        // Forks, so it must run before libcurl or the library starts.
        if (flags_.wants("streams_10k_cpu_ratio") || flags_.wants("streams_10k_kib")) measure_many();
        curl_global_init(CURL_GLOBAL_DEFAULT);
        if (flags_.wants("burst_chunk_cpu_ratio")) {
            const auto framed = measure_burst(true);
            figures_.set("burst_chunk_cpu_ratio", median(framed.ratios));
            figures_.set("raw_burst_chunk_us", median(framed.raw_cpu));
            figures_.set("burst_chunk_us", median(framed.our_cpu));
            measure_burst(false);
        }
        if (flags_.wants("allocations_per_chunk")) count_allocations();
        if (flags_.wants("paced_chunk_cpu_ratio")) measure_paced();
        return std::move(figures_);
    }

  private:
    void note(const std::string& name, const Comparison& comparison) {
        figures_.note(name + ": CPU us " + with_spread(comparison.our_cpu) + ", raw " +
                      with_spread(comparison.raw_cpu) + ", ratio " + with_spread(comparison.ratios));
    }

    Comparison measure_burst(bool framed) {
        const auto url = base_url_of({.chunks = kBurst, .one_frame_per_event = framed}, server_.port());
        RawStreamReader raw(url);
        OurStreamReader ours(url);
        const auto until = [](auto& reader) {
            return [&reader](std::chrono::steady_clock::time_point end) {
                std::uint64_t chunks = 0;
                for (; std::chrono::steady_clock::now() < end; chunks += kBurst) reader.read(kBurst);
                return chunks;
            };
        };
        auto comparison = compare({.run_until = until(raw)}, {.run_until = until(ours)}, lengths_);
        note(framed ? "burst, a frame per event" : "burst in one frame", comparison);
        return comparison;
    }

    void count_allocations() {
        const auto count_for = [&](std::size_t chunks) {
            OurStreamReader reader(base_url_of({.chunks = chunks}, server_.port()));
            for (int i = 0; i < 5; ++i) reader.read(chunks);
            const AllocationCount count;
            reader.read(chunks);
            return static_cast<double>(count.so_far());
        };
        const auto whole = count_for(kBurst);
        figures_.set("allocations_per_chunk", whole / kBurst);
        figures_.note("allocations: " + std::to_string(static_cast<long>(whole)) + " for a stream of 2,000 pieces, " +
                      std::to_string(static_cast<long>(count_for(2 * kBurst))) + " for one of 4,000");
    }

    void measure_paced() {
        // Long enough that the beginnings and ends of streams hardly matter.
        const auto length = std::max(lengths_.length, std::chrono::milliseconds{1'000});
        const auto chunks = static_cast<std::size_t>(length.count() * 1'000) / kPacedPeriod;
        const auto url = base_url_of({.chunks = chunks, .period_us = kPacedPeriod}, server_.port());
        RawPolledStreams raw(url, kPacedStreams);
        OurStreams ours(url);
        const auto comparison =
            compare({.run_until = [&](std::chrono::steady_clock::time_point) { return raw.read_all(chunks); }},
                    {.run_until =
                         [&](std::chrono::steady_clock::time_point) {
                             ours.start(kPacedStreams);
                             ours.wait();
                             ours.check_ended(chunks);
                             return kPacedStreams * chunks;
                         }},
                    {.rounds = std::min(lengths_.rounds, 11), .length = length});
        note("paced, against curl_multi_poll", comparison);
        figures_.set("paced_chunk_cpu_ratio", median(comparison.ratios));
        figures_.set("raw_paced_chunk_us", median(comparison.raw_cpu));
    }

    void measure_many() {
        std::vector<double> ratios;
        std::vector<double> raw_cpu;
        std::vector<double> our_cpu;
        std::vector<double> raw_kib;
        std::vector<double> our_kib;
        ManyStreams ours;
        for (int round = 0; round < std::min(flags_.rounds, kManyRounds); ++round) {
            const auto raw = measure_raw(server_, kMany, kManySeconds);
            ours = measure_ours(server_, kMany, kManySeconds);
            ratios.push_back(ours.cpu_per_chunk / raw.cpu_per_chunk);
            raw_cpu.push_back(raw.cpu_per_chunk);
            our_cpu.push_back(ours.cpu_per_chunk);
            raw_kib.push_back(raw.kib_per_stream);
            our_kib.push_back(ours.kib_per_stream);
        }
        figures_.note(std::to_string(ours.streams) + " streams: CPU us " + with_spread(our_cpu) + ", raw " +
                      with_spread(raw_cpu) + ", ratio " + with_spread(ratios) + "; KiB " + with_spread(our_kib) +
                      ", raw " + with_spread(raw_kib));
        if (ours.streams < kMany) {
            figures_.note("RLIMIT_NOFILE allows only " + std::to_string(ours.streams) +
                          " streams: the figures of 10,000 are left out");
            return;
        }
        figures_.set("streams_10k_cpu_ratio", median(ratios));
        figures_.set("streams_10k_kib", median(our_kib));
        figures_.set("raw_10k_chunk_us", median(raw_cpu));
        figures_.set("raw_10k_kib", median(raw_kib));
        figures_.set("streams_10k_chunks", static_cast<double>(ours.chunks));
    }

    const BenchFlags& flags_;
    const RoundLengths lengths_;
    const StreamServer& server_;
    Figures figures_{kFigures};
};

Figures measure(const BenchFlags& flags) {
    const StreamServer server;
    return Bench(flags, server).run();
}

}  // namespace
}  // namespace holysheep::bench

int main(int count, char** arguments) {
    using namespace holysheep::bench;
    return run({.name = "bench_streams",
                .description = "what a streamed piece costs above libcurl and a JSON tree",
                .figures = kFigures,
                .measure = measure},
               count, arguments);
}
