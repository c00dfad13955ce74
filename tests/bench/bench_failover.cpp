// Measures how long a call stays with a region that has failed: twelve faults, each hundreds of times, on real sockets.
// For comparison it also runs a typical hand-written loop around libcurl with a timeout of 3 s.
// FaultyRegions → [Client, raw loop] → milliseconds to the next region's dispatch, from submission or from the last
// byte if the answer had begun
#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <iostream>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <holysheep/client.hpp>
#include <nlohmann/json.hpp>

#include "faulty_regions.hpp"

namespace holysheep::bench {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr std::string_view kHelp = R"(usage: bench_failover [--json] [--faults N] [--only KIND]…

  --json       one JSON object instead of a table
  --faults N   of each kind (default 200; a fifth of that for the silent kinds of the raw loop, 3 s each)
  --only KIND  refused, reset, reset_after_request, status_503, status_429, tls_failure, syn_black_hole,
               path_black_hole, frozen, frozen_after_head, frozen_mid_stream, path_black_hole_after_head
)";

struct Flags {
    bool json = false;
    int faults = 200;
    std::vector<std::string> only{};
};

// The number of clients that meet a silent fault at once, because each such measurement takes long.
constexpr int kClientsAtOnce = 5, kRawClientsAtOnce = 20;
constexpr int kWarmCalls = 5;

/// The measurements of one kind of fault.
struct Measurements {
    std::vector<double> dispatch{}, overhead{};
    int lost = 0;
};

double quantile(std::vector<double> values, double share) {
    if (values.empty()) return 0;
    std::ranges::sort(values);
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

// More than a connection can accept before a silent path is detected.
constexpr std::size_t kLargeText = 16 * 1024 * 1024;

ChatRequest question() { return {.model = "gpt-4.1", .messages = {user("Which sheep gives the finest wool?")}}; }

Result<ChatCompletion> call_during_fault(FaultKind kind, Client& client) {
    if (kind == FaultKind::frozen_mid_stream) {
        CallOptions options;
        options.stream_recovery = StreamRecovery::restart;
        return client.stream_to(question(), options, [](const ChatChunk&) {});
    }
    auto request = question();
    if (kind == FaultKind::path_black_hole_after_head) request.messages = {user(std::string(kLargeText, 'b'))};
    return client.chat(request);
}

/// When the last byte came from the first region, after the call's submission; 0 if the fault does not wait for one.
nanoseconds last_byte(FaultKind kind, const AttemptRecord& first) {
    switch (kind) {
        case FaultKind::path_black_hole_after_head: return first.started + first.timings.first_byte.value_or(0ns);
        case FaultKind::frozen_mid_stream: return first.started + first.timings.first_content.value_or(0ns);
        default: return 0ns;
    }
}

const AttemptRecord* next_region(const std::vector<AttemptRecord>& attempts) {
    const auto found = std::ranges::find(attempts, kFar, &AttemptRecord::region);
    return found == attempts.end() ? nullptr : &*found;
}

/// A client with a warm connection to the nearer region, and that region's usual latency.
struct WarmClient {
    explicit WarmClient(const FaultyRegions& regions)
        : client(regions.options()), warms_near(regions.answers_before_fault()) {
        // If the nearer region never answers, a single call still loads the certificates.
        for (int i = 0; i < (warms_near ? kWarmCalls : 1); ++i) send_call();
    }
    /// Sends successful traffic right before the fault.
    void warm_up() {
        if (warms_near) send_call();
    }
    void send_call() {
        const auto answer = client.chat(question());
        if (answer && answer->attempts[0].timings.first_byte) usual = *answer->attempts[0].timings.first_byte;
        last_answer = steady_clock::now();
    }
    Client client;
    bool warms_near;
    nanoseconds usual{};
    steady_clock::time_point last_answer{};
};

/// When a healthy region would have sent the missing data, after the call's submission or its last byte.
Milliseconds expected_response(FaultKind kind, const WarmClient& warm, steady_clock::time_point submitted) {
    switch (kind) {
        case FaultKind::syn_black_hole:
        case FaultKind::path_black_hole:
        case FaultKind::path_black_hole_after_head: return kRoundTrip;
        case FaultKind::frozen_mid_stream: return 1'000ms + kRoundTrip;
        case FaultKind::frozen:
        case FaultKind::frozen_after_head: {
            // The probe is sent one second after the last received byte.
            const Milliseconds due = 1'000ms - (submitted - warm.last_answer);
            return std::max(due, Milliseconds::zero()) + kRoundTrip;
        }
        default: return warm.usual;
    }
}

void measure_one(FaultKind kind, WarmClient& warm, Measurements& measurements, std::mutex& mutex) {
    const auto submitted = steady_clock::now();
    const auto answer = call_during_fault(kind, warm.client);
    const auto& attempts = answer ? answer->attempts : answer.error().attempts;
    const auto* next = next_region(attempts);
    const std::lock_guard lock(mutex);
    if (!answer || next == nullptr) {
        ++measurements.lost;
        std::cerr << to_string(kind) << ": " << describe(attempts) << '\n';
        return;
    }
    const Milliseconds dispatch = next->started - last_byte(kind, attempts.front());
    measurements.dispatch.push_back(dispatch.count());
    measurements.overhead.push_back(
        std::max(Milliseconds::zero(), dispatch - expected_response(kind, warm, submitted)).count());
}

/// Breaks the region repeatedly, each time with a new group of callers.
template <class Caller, class Ask>
Measurements measure(FaultKind kind, int faults, int at_once, Ask send_call) {
    const auto regions = FaultyRegions::make(kind);
    Measurements measurements;
    std::mutex mutex;  // guards measurements
    const int group = silent(kind) && !hits_single_call(kind) ? at_once : 1;
    for (int done = 0; done < faults; done += group) {
        std::vector<std::unique_ptr<Caller>> callers;
        for (int i = 0; i < group; ++i) callers.push_back(std::make_unique<Caller>(*regions));
        for (auto& caller : callers) caller->warm_up();
        regions->inject_fault();
        {
            std::vector<std::jthread> threads;
            for (auto& caller : callers) threads.emplace_back([&] { send_call(*caller, measurements, mutex); });
        }
        callers.clear();
        regions->recover();
    }
    return measurements;
}

Measurements measure_ours(FaultKind kind, int faults) {
    return measure<WarmClient>(kind, faults, kClientsAtOnce,
                               [kind](WarmClient& warm, Measurements& measurements, std::mutex& mutex) {
                                   measure_one(kind, warm, measurements, mutex);
                               });
}

// ---- the hand-written loop ----

class RawLoop {
  public:
    explicit RawLoop(const FaultyRegions& regions) : kind_(regions.kind()), easy_(curl_easy_init()) {
        for (const auto& region : regions.options().regions) urls_.push_back(region.base_url + "/chat/completions");
        headers_ = curl_slist_append(headers_, "Content-Type: application/json");
        curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, headers_);
        curl_easy_setopt(easy_, CURLOPT_TIMEOUT_MS, 3'000L);
        curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy_, CURLOPT_PROXY, "");
        curl_easy_setopt(
            easy_, CURLOPT_WRITEFUNCTION,
            +[](char*, std::size_t size, std::size_t count, void*) { return size * count; });
    }
    ~RawLoop() {
        curl_easy_cleanup(easy_);
        curl_slist_free_all(headers_);
    }
    RawLoop(const RawLoop&) = delete;
    RawLoop& operator=(const RawLoop&) = delete;

    void warm_up() { send(kBody); }
    std::optional<Milliseconds> send_call() {
        std::string body = kBody;
        if (kind_ == FaultKind::frozen_mid_stream) body.insert(1, R"("stream":true,)");
        if (kind_ == FaultKind::path_black_hole_after_head) body.insert(body.find('?'), kLargeText, 'b');
        return send(body);
    }

  private:
    static constexpr const char* kBody = R"({"model":"gpt-4.1","messages":[{"role":"user","content":"?"}]})";

    /// The time until the second region was tried; unset if the first answered or neither did.
    std::optional<Milliseconds> send(const std::string& body) {
        curl_easy_setopt(easy_, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
        curl_easy_setopt(easy_, CURLOPT_POSTFIELDS, body.data());
        const auto begun = steady_clock::now();
        std::optional<Milliseconds> moved;
        for (const auto& url : urls_) {
            if (&url != &urls_.front()) moved = steady_clock::now() - begun;
            curl_easy_setopt(easy_, CURLOPT_URL, url.c_str());
            long status = 0;
            if (curl_easy_perform(easy_) != CURLE_OK) continue;
            curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
            if (status == 200) return moved;
        }
        return std::nullopt;
    }

    const FaultKind kind_;
    CURL* easy_;
    curl_slist* headers_ = nullptr;
    std::vector<std::string> urls_;
};

Measurements measure_raw(FaultKind kind, int faults) {
    return measure<RawLoop>(kind, faults, kRawClientsAtOnce,
                            [](RawLoop& loop, Measurements& measurements, std::mutex& mutex) {
                                const auto moved = loop.send_call();
                                const std::lock_guard lock(mutex);
                                if (moved) {
                                    measurements.dispatch.push_back(moved->count());
                                } else {
                                    ++measurements.lost;
                                }
                            });
}

// ---- the report ----

nlohmann::ordered_json figures(const Measurements& measurements, bool ours) {
    nlohmann::ordered_json json;
    json["faults"] = static_cast<int>(measurements.dispatch.size()) + measurements.lost;
    json["dispatch_to_next_ms_p50"] = quantile(measurements.dispatch, 0.5);
    json["dispatch_to_next_ms_p99"] = quantile(measurements.dispatch, 0.99);
    if (ours) {
        json["overhead_ms_p50"] = quantile(measurements.overhead, 0.5);
        json["overhead_ms_p99"] = quantile(measurements.overhead, 0.99);
        json["overhead_ms_max"] = quantile(measurements.overhead, 1);
    }
    json["lost"] = measurements.lost;
    return json;
}

void print_row(std::string_view name, const nlohmann::ordered_json& row) {
    std::printf("%-24s %7d %12.2f %12.2f", std::string(name).c_str(), row["faults"].get<int>(),
                row["dispatch_to_next_ms_p50"].get<double>(), row["dispatch_to_next_ms_p99"].get<double>());
    if (row.contains("overhead_ms_p50")) {
        std::printf(" %12.2f %12.2f %12.2f", row["overhead_ms_p50"].get<double>(), row["overhead_ms_p99"].get<double>(),
                    row["overhead_ms_max"].get<double>());
    } else {
        std::printf(" %12s %12s %12s", "", "", "");
    }
    std::printf(" %6d\n", row["lost"].get<int>());
}

int run(const Flags& flags) {
    nlohmann::ordered_json report;
    if (!flags.json) {
        std::printf("%-24s %7s %12s %12s %12s %12s %12s %6s\n", "ms", "faults", "next p50", "next p99", "over p50",
                    "over p99", "over max", "lost");
    }
    for (const auto kind : all_faults()) {
        const std::string name(to_string(kind));
        if (!flags.only.empty() && std::ranges::find(flags.only, name) == flags.only.end()) continue;
        try {
            report[name] = figures(measure_ours(kind, flags.faults), true);
            report["raw"][name] =
                figures(measure_raw(kind, silent(kind) ? std::max(1, flags.faults / 5) : flags.faults), false);
        } catch (const std::runtime_error& problem) {
            std::cerr << name << " was not measured: " << problem.what() << '\n';
            report[name] = nullptr;
            continue;
        }
        if (flags.json) continue;
        print_row(name, report[name]);
        print_row("  raw loop", report["raw"][name]);
        std::fflush(stdout);
    }
    if (flags.json) std::cout << report.dump(2) << '\n';
    return 0;
}

}  // namespace
}  // namespace holysheep::bench

int main(int count, char** arguments) {
    holysheep::bench::Flags flags;
    for (int i = 1; i < count; ++i) {
        const std::string_view flag = arguments[i];
        const std::string_view value = i + 1 < count ? arguments[i + 1] : "";
        if (flag == "--help") {
            std::cout << holysheep::bench::kHelp;
            return 0;
        }
        if (flag == "--json") {
            flags.json = true;
        } else if (flag == "--only" && !value.empty()) {
            flags.only.emplace_back(value);
            ++i;
        } else if (const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), flags.faults);
                   flag == "--faults" && problem == std::errc{} && end == value.data() + value.size() &&
                   flags.faults > 0) {
            ++i;
        } else {
            std::cerr << "bench_failover: '" << flag << "' is unknown\n" << holysheep::bench::kHelp;
            return 2;
        }
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return holysheep::bench::run(flags);
}
