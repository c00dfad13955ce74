// Measures the cost of a call compared with libcurl alone, one figure after the other, against servers in separate
// processes.
// BenchFlags → [loads in turns] → Figures
#include <algorithm>
#include <array>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "allocation_count.hpp"
#include "bench_main.hpp"
#include "fixed_server.hpp"
#include "library_load.hpp"
#include "nginx_front.hpp"
#include "raw_client.hpp"
#include "recycled_connections.hpp"
#include "rounds.hpp"

namespace holysheep::bench {
namespace {

constexpr std::array<Figure, 11> kFigures{{
    {"async_c64_cpu_ratio", "chat_async, 64 in flight, CPU against raw_c64", 1.15, 0.85},
    {"async_inline_c64_cpu_ratio", "the same with callbacks on the I/O thread", 1.10, 0.80},
    {"raw_c64_us", "raw curl_multi, 64 in flight, CPU us per request", {}, {}},
    {"raw_c1_us", "raw reused easy handle, CPU us per request", {}, {}},
    {"blocking_c64_cpu_ratio", "64 threads calling chat, CPU against raw_c64", 1.40, 1.05},
    {"blocking_c1_cpu_ratio", "one thread calling chat, CPU against raw_c1", 1.30, 1.05},
    {"blocking_c1_added_us", "the same, median latency added, us", 25.0, {}},
    {"allocations_per_request", "chat_async, 64 in flight, whole process", 90.0, 55.0},
    {"tls_connect_ratio", "a new TLS connection per call, CPU against raw", 1.20, 1.05},
    {"recycled_lost", "calls that failed while nginx recycled connections", 0.0, {}},
    {"recycled_hidden_resends", "requests on the wire that no attempt record shows", 0.0, {}},
}};

constexpr int kInFlight = 64;

std::string with_spread(std::vector<double> values) {
    std::ranges::sort(values);
    const auto text = [](double value) { return std::to_string(value).substr(0, 5); };
    return text(median(values)) + " [" + text(values.front()) + ", " + text(values.back()) + "]";
}

class Bench {
  public:
    Bench(const BenchFlags& flags, const FixedServer& server)
        : flags_(flags),
          lengths_{.rounds = flags.rounds, .length = flags.length},
          server_(server),
          target_{.base_url = "http://127.0.0.1:" + std::to_string(server.port()) + "/v1", .ca_file = {}} {}

    Figures run() {
        measure_many_in_flight();
        measure_one_in_flight();
        if (flags_.wants("allocations_per_request")) count_allocations();
        const bool wants_recycled = flags_.wants("recycled_lost") || flags_.wants("recycled_hidden_resends");
        if (wants_recycled || flags_.wants("tls_connect_ratio")) {
            if (const auto nginx = NginxFront::start(server_.port(), server_.recorded_port())) {
                if (flags_.wants("tls_connect_ratio")) measure_new_connections(*nginx);
                if (wants_recycled) count_recycled_connections(*nginx);
            }
        }
        return std::move(figures_);
    }

  private:
    void set(std::string_view key, double value) {
        if (flags_.wants(key)) figures_.set(key, value);
    }

    Comparison compare_and_report(const std::string& name, const Load& raw, const Load& ours) {
        auto comparison = compare(raw, ours, lengths_);
        figures_.note(name + ": CPU us " + with_spread(comparison.our_cpu) + ", raw " +
                      with_spread(comparison.raw_cpu) + ", ratio " + with_spread(comparison.ratios));
        return comparison;
    }

    void measure_many_in_flight() {
        RawMultiClient client(target_, kInFlight);
        const Load raw{.run_until = [&](TimePoint end) { return client.run_until(end); }};
        std::vector<double> raw_cpu;
        const auto measure = [&](const std::string& key, auto& load) {
            const Load ours{.run_until = [&](TimePoint end) { return load.run_until(end); }};
            const auto comparison = compare_and_report(key, raw, ours);
            set(key, median(comparison.ratios));
            raw_cpu.insert(raw_cpu.end(), comparison.raw_cpu.begin(), comparison.raw_cpu.end());
        };
        if (flags_.wants("async_c64_cpu_ratio")) {
            AsyncLoad load(options_for(target_), kInFlight);
            measure("async_c64_cpu_ratio", load);
        }
        if (flags_.wants("async_inline_c64_cpu_ratio")) {
            auto options = options_for(target_);
            options.callback_executor = [](const std::function<void()>& function) { function(); };
            AsyncLoad load(std::move(options), kInFlight);
            measure("async_inline_c64_cpu_ratio", load);
        }
        if (flags_.wants("blocking_c64_cpu_ratio")) {
            ThreadedLoad load(options_for(target_), kInFlight);
            measure("blocking_c64_cpu_ratio", load);
        }
        if (raw_cpu.empty() && flags_.wants("raw_c64_us")) raw_cpu = compare(raw, raw, lengths_).raw_cpu;
        set("raw_c64_us", median(raw_cpu));
    }

    void measure_one_in_flight() {
        if (!flags_.wants("raw_c1_us") && !flags_.wants("blocking_c1_cpu_ratio") &&
            !flags_.wants("blocking_c1_added_us"))
            return;
        RawEasyClient client(target_);
        SingleLoad load(options_for(target_));
        const auto comparison = compare_in_sequence(
            "blocking_c1_cpu_ratio", [&] { client.ask(); }, [&] { load.ask(); });
        set("raw_c1_us", median(comparison.raw_cpu));
        set("blocking_c1_cpu_ratio", median(comparison.ratios));
        set("blocking_c1_added_us", median(comparison.added_latency));
    }

    Comparison compare_in_sequence(const std::string& name, std::function<void()> raw, std::function<void()> ours) {
        std::vector<double> raw_latencies;
        std::vector<double> our_latencies;
        // Reserve space for every call, so that growing is not measured.
        for (auto* latencies : {&raw_latencies, &our_latencies}) {
            latencies->reserve(static_cast<std::size_t>(flags_.length.count()) * 100);
        }
        const auto comparison = compare_and_report(
            name, {.run_until = one_at_a_time(std::move(raw), raw_latencies), .latencies = &raw_latencies},
            {.run_until = one_at_a_time(std::move(ours), our_latencies), .latencies = &our_latencies});
        figures_.note(name + ": latency added, us " + with_spread(comparison.added_latency));
        return comparison;
    }

    void count_allocations() {
        const auto per_request = [&](auto& load) {
            load.run_until(std::chrono::steady_clock::now() + flags_.length);
            const AllocationCount count;
            const auto answers = load.run_until(std::chrono::steady_clock::now() + flags_.length);
            return static_cast<double>(count.so_far()) / static_cast<double>(answers);
        };
        RawMultiClient raw(target_, kInFlight);
        AsyncLoad ours(options_for(target_), kInFlight);
        set("allocations_per_request", per_request(ours));
        figures_.note("allocations of the raw client: " + std::to_string(per_request(raw)));
    }

    void measure_new_connections(const NginxFront& nginx) {
        const RawTarget target{.base_url = nginx.closing_url(), .ca_file = nginx.ca_file()};
        RawMultiClient client(target, 1);  // the multi handle caches the parsed bundle
        SingleLoad load(options_for(target));
        const auto comparison = compare_in_sequence(
            "tls_connect_ratio", [&] { client.run_until(TimePoint::min()); }, [&] { load.ask(); });
        set("tls_connect_ratio", median(comparison.ratios));
    }

    void count_recycled_connections(const NginxFront& nginx) {
        const RawTarget target{.base_url = nginx.recycling_url(), .ca_file = nginx.ca_file()};
        double lost = 0;
        double hidden_resends_total = 0;
        std::size_t first_call = 0;
        for (const bool http2 : {false, true}) {
            const auto count = count_recycled(target, http2, server_.sightings(), first_call);
            first_call += count.calls;
            lost += static_cast<double>(count.lost);
            hidden_resends_total += static_cast<double>(count.hidden_resends);
            figures_.note(std::string("recycled over ") + (http2 ? "h2" : "h1") + ": " + std::to_string(count.calls) +
                          " calls, " + std::to_string(count.attempts) + " attempts, " + std::to_string(count.lost) +
                          " lost, " + std::to_string(count.hidden_resends) + " hidden" +
                          (count.lost == 0 ? "" : "; the first: " + count.first_failure));
        }
        set("recycled_lost", lost);
        set("recycled_hidden_resends", hidden_resends_total);
    }

    const BenchFlags& flags_;
    const RoundLengths lengths_;
    const FixedServer& server_;
    const RawTarget target_;
    Figures figures_{kFigures};
};

Figures measure(const BenchFlags& flags) {
    const FixedServer server;  // forks, so it must be created before libcurl or the library starts
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return Bench(flags, server).run();
}

}  // namespace
}  // namespace holysheep::bench

int main(int count, char** arguments) {
    using namespace holysheep::bench;
    return run({.name = "bench_overhead",
                .description = "what a call costs above libcurl alone",
                .figures = kFigures,
                .measure = measure},
               count, arguments);
}
