// Shows live what the client knows of each region: state, breaker, score, times, and the reason. HOLYSHEEP_REGIONS
// chooses the regions; without it, three simulated regions break and recover by themselves.
//   regions [--once]
// On a terminal it asks small questions and redraws for half a minute (on a real gateway one question a second, which
// is billed). With --once, or without a terminal, it probes each region, prints one table and asks nothing.
#include <unistd.h>

#include <holysheep/holysheep.hpp>
#include <holysheep/testing/gateway_simulator.hpp>
#include <iomanip>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "arguments.hpp"

using namespace std::chrono_literals;
using holysheep::testing::Fault;
using holysheep::testing::GatewaySimulator;

namespace {

struct Incident {
    std::chrono::seconds at;
    const char* region;
    Fault fault;
    const char* description;
};

const std::vector<Incident> kIncidents{
    {4s, "us-west", {.kind = Fault::Kind::refuse}, "us-west refuses connections"},
    {9s, "us-west", {}, "us-west is back"},
    {17s, "us-west", {.kind = Fault::Kind::hang}, "us-west accepts requests and does not answer"},
    {22s, "us-west", {}, "us-west answers again"}};

std::string text_of(std::optional<std::chrono::milliseconds> span) {
    return span ? std::to_string(span->count()) + " ms" : "-";
}

void print_table(const holysheep::Stats& stats) {
    using std::setw;
    std::cout << "region       state       breaker    score      rtt    probe first token  errors  in flight  reason\n";
    for (const auto& region : stats.regions) {
        const auto& health = region.health;
        // For a region that is down, figures measured before the failure mean nothing.
        const auto now = [&](std::optional<std::chrono::milliseconds> span) {
            return text_of(health.liveness == holysheep::Liveness::down ? std::nullopt : span);
        };
        std::cout << std::left << setw(13) << health.id << setw(12) << to_string(health.liveness) << setw(10)
                  << to_string(health.breaker) << std::right << std::fixed << std::setprecision(0) << setw(6)
                  << health.score << setw(9) << now(health.rtt) << setw(9) << now(health.probe) << setw(12)
                  << now(health.first_token) << setw(7) << 100 * health.error_rate << '%' << setw(11)
                  << health.in_flight << "  " << health.reason << '\n';
    }
    std::cout << std::flush;
}

void run_live(holysheep::Client& client, GatewaySimulator* gateway) {
    const auto start = std::chrono::steady_clock::now();
    auto incident = kIncidents.begin();
    std::string status = "all regions are healthy";
    for (auto now = start, draw_at = start; now < start + 30s; now = std::chrono::steady_clock::now()) {
        if (gateway != nullptr && incident != kIncidents.end() && now >= start + incident->at) {
            gateway->set_fault(incident->region, incident->fault);
            status = (incident++)->description;
        }
        client.stream_async(
            {.model = "gpt-4.1", .messages = {holysheep::user("Say baa.")}, .max_tokens = 4}, {},
            [](const auto& /*chunk*/) {}, [](const auto& /*reply*/) {});
        if (now >= draw_at) {
            draw_at += 500ms;
            const auto stats = client.stats();
            std::cout << "\x1b[H\x1b[J" << stats.calls << " calls in " << stats.attempts << " attempts, "
                      << stats.failed << " failed.  " << status << "\n\n";
            print_table(stats);
        }
        std::this_thread::sleep_for(gateway != nullptr ? 100ms : 1000ms);
    }
}

}  // namespace

int main(int argc, char** argv) {
    const bool once_requested = argc == 2 && std::string_view(argv[1]) == "--once";
    if (!once_requested)
        check_arguments(argc, argv, "usage: regions [--once]\nShows what the client knows of each region.\n");
    const bool once = once_requested || isatty(STDOUT_FILENO) == 0;
    auto options = holysheep::ClientOptions::from_environment();
    std::unique_ptr<GatewaySimulator> gateway;
    if (options.regions.empty()) {
        using Regions = std::vector<holysheep::testing::SimulatedRegion>;
        gateway =
            std::make_unique<GatewaySimulator>(Regions{{"us-west", 120ms}, {"eu-central", 200ms}, {"ap-east", 300ms}});
        options.api_key = "sk-simulated";
        options.regions = gateway->regions();
    }
    auto client = holysheep::Client::create(std::move(options));
    if (!client) {
        std::cerr << client.error() << '\n';
        return 1;
    }
    client->probe();  // probes all regions at once, so that the first table is not empty
    if (once) {
        print_table(client->stats());
    } else {
        run_live(*client, gateway.get());
    }
}
