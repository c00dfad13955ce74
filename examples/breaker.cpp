// Shows a circuit breaker on a simulated gateway whose first region answers 500: after two failures in a row the region
// is not used for a minute. The second region is a standby, so that speed does not decide the order.
#include <holysheep/holysheep.hpp>
#include <holysheep/testing/gateway_simulator.hpp>
#include <iostream>

#include "arguments.hpp"

using namespace std::chrono_literals;

namespace {

void ask(holysheep::Client& client, const char* when) {
    const auto reply = client.chat("gpt-4.1", "Are you there?");
    std::cout << when << ": " << holysheep::describe(reply ? reply->attempts : reply.error().attempts) << '\n';
}

void show(const holysheep::Client& client) {
    const auto health = client.stats().regions.front().health;
    std::cout << "  " << health.id << " is " << to_string(health.liveness) << ", breaker " << to_string(health.breaker);
    if (health.open_for) std::cout << " for another " << health.open_for->count() / 1000 << " s";
    std::cout << " (" << health.reason << ")\n";
}

}  // namespace

int main(int argc, char** argv) {
    check_arguments(argc, argv, "usage: breaker\nShows on a simulated gateway what a circuit breaker does.\n");
    holysheep::testing::GatewaySimulator gateway({{.id = "us-west"}, {.id = "eu-central"}});
    auto regions = gateway.regions();
    regions[1].tier = 1;  // used only while us-west is unavailable
    holysheep::Client client(
        {.api_key = "sk-simulated", .regions = regions, .breaker = {.failures = 2, .open_for = 60s}});

    ask(client, "all regions healthy");
    gateway.set_fault("us-west", {.kind = holysheep::testing::Fault::Kind::status, .status = 500, .path = "chat"});
    ask(client, "first failure");
    ask(client, "second failure");
    show(client);
    ask(client, "breaker open");

    gateway.revive("us-west");
    ask(client, "repaired, breaker still open");
    client.force_close("us-west");  // for an operator who has fixed the region and does not want to wait
    ask(client, "after force_close");
    show(client);
}
