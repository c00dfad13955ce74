// Shows failover on a simulated gateway on loopback with three regions: the client keeps getting answers while one
// region refuses connections and another fails. A table at the end shows what happened.
#include <algorithm>
#include <cstdio>
#include <future>
#include <holysheep/holysheep.hpp>
#include <holysheep/testing/gateway_simulator.hpp>
#include <iostream>
#include <map>
#include <mutex>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "arguments.hpp"

using namespace std::chrono_literals;
using holysheep::testing::Fault;
using holysheep::testing::GatewaySimulator;
using Milliseconds = std::chrono::duration<double, std::milli>;

namespace {

// Collects messages while a row of marks is printed, and prints them after the row: errors, and the client's log, which
// any thread may write.
class MessageBuffer {
  public:
    void add(std::string line) {
        const std::lock_guard lock(mutex_);
        lines_.push_back(std::move(line));
    }
    void print() {
        const std::lock_guard lock(mutex_);
        for (const auto& line : lines_) std::printf("    %s\n", line.c_str());
        lines_.clear();
    }

  private:
    std::mutex mutex_;
    std::vector<std::string> lines_;
};

struct Tally {
    MessageBuffer messages;
    int calls = 0, ok = 0, streamed = 0, failovers = 0;
    std::map<std::string, int> answers;  // by region
    std::vector<double> overheads_ms;
    std::vector<double> latencies_ms;
};

// Measures the time from the end of a failed attempt to the dispatch of the next one.
void record_failovers(const std::vector<holysheep::AttemptRecord>& attempts, Tally& tally) {
    for (std::size_t i = 1; i < attempts.size(); ++i) {
        if (attempts[i].kind != holysheep::AttemptKind::failover) continue;
        ++tally.failovers;
        const auto& failed = attempts[i - 1];
        const auto failed_at = failed.started + failed.timings.total.value_or(0ns);
        tally.overheads_ms.push_back(Milliseconds(attempts[i].started - failed_at).count());
    }
}

holysheep::Result<holysheep::ChatCompletion> ask(holysheep::Client& client, int number, bool streamed) {
    holysheep::ChatRequest request{.model = "gpt-4.1",
                                   .messages = {holysheep::user("Count sheep number " + std::to_string(number) + ".")}};
    if (!streamed) return client.chat(request);
    auto stream = client.stream(request);
    std::string text;
    for (const auto& chunk : stream) text += chunk.content();
    auto reply = stream.finish();
    // The streamed text and the assembled answer must be the same.
    if (reply && reply->text() != text) return holysheep::Error{.message = "the stream lost a part of the answer"};
    return reply;
}

void record_answer(const holysheep::Result<holysheep::ChatCompletion>& reply, Tally& tally) {
    if (reply) {
        ++tally.ok;
        ++tally.answers[reply->region];
        record_failovers(reply->attempts, tally);
    } else {
        std::ostringstream line;
        line << reply.error();
        tally.messages.add(line.str());
        record_failovers(reply.error().attempts, tally);
    }
    std::printf("%s", !reply ? "x" : reply->attempts.size() > 1 ? ">" : ".");
    std::fflush(stdout);
}

// Calls in flight raise a region's cost, so several concurrent calls reach all regions.
void measure_regions(int calls, holysheep::Client& client, Tally& tally) {
    std::printf("%-46s", "nine concurrent calls measure the regions");
    std::vector<std::future<holysheep::Result<holysheep::ChatCompletion>>> replies;
    for (int i = 0; i < calls; ++i) {
        replies.push_back(client.chat_async({.model = "gpt-4.1", .messages = {holysheep::user("Where are you?")}}));
    }
    for (auto& reply : replies) record_answer(reply.get(), tally);
    tally.calls += calls;
    std::printf("\n");
    tally.messages.print();
}

void run_phase(const char* title, int calls, holysheep::Client& client, Tally& tally) {
    std::printf("%-46s", title);
    for (int i = 0; i < calls; ++i) {
        const bool streamed = tally.calls % 3 == 2;
        const auto start = std::chrono::steady_clock::now();
        const auto reply = ask(client, ++tally.calls, streamed);
        tally.latencies_ms.push_back(Milliseconds(std::chrono::steady_clock::now() - start).count());
        if (streamed) ++tally.streamed;
        record_answer(reply, tally);
    }
    std::printf("\n");
    tally.messages.print();
}

double quantile(std::vector<double> values, double q) {
    if (values.empty()) return 0;
    std::ranges::sort(values);
    return values[std::min(values.size() - 1, static_cast<std::size_t>(q * static_cast<double>(values.size())))];
}

}  // namespace

int main(int argc, char** argv) {
    check_arguments(argc, argv,
                    "usage: quickstart\nShows failover on a simulated gateway: nothing leaves this machine.\n");
    GatewaySimulator gateway({{.id = "us-west", .latency = 15ms, .between_chunks = 2ms},
                              {.id = "eu-central", .latency = 45ms, .between_chunks = 2ms},
                              {.id = "ap-southeast", .latency = 90ms, .between_chunks = 2ms}});
    Tally tally;  // must outlive the client, which writes its log into it
    holysheep::Client client(
        {.api_key = "sk-quickstart",
         .regions = gateway.regions(),
         .log = {.sink = [&tally](auto, std::string_view line) { tally.messages.add(std::string(line)); }}});
    std::printf("A gateway with three regions on loopback.   . answered   > failed over   x failed\n\n");

    measure_regions(9, client, tally);
    run_phase("all regions are healthy", 15, client, tally);
    gateway.set_fault("us-west", {.kind = Fault::Kind::refuse});
    run_phase("us-west is down: connections are refused", 18, client, tally);
    gateway.set_fault("eu-central", {.kind = Fault::Kind::status, .status = 503});
    run_phase("eu-central fails too: 503", 15, client, tally);
    gateway.revive("us-west");
    gateway.revive("eu-central");
    run_phase("both have recovered", 50, client, tally);

    std::cout << '\n' << client.stats() << '\n';
    for (const auto& [region, count] : tally.answers) std::printf("%-16s answered %3d calls\n", region.c_str(), count);
    std::printf("latency p50 %.1f ms, p99 %.1f ms; failover overhead p50 %.3f ms, p99 %.3f ms\n\n",
                quantile(tally.latencies_ms, 0.5), quantile(tally.latencies_ms, 0.99),
                quantile(tally.overheads_ms, 0.5), quantile(tally.overheads_ms, 0.99));
    const int failed = tally.calls - tally.ok;
    std::printf("calls=%d ok=%d streamed=%d failed=%d failovers=%d overhead_p99_ms=%.3f\n", tally.calls, tally.ok,
                tally.streamed, failed, tally.failovers, quantile(tally.overheads_ms, 0.99));
    return failed == 0 ? 0 : 1;
}
