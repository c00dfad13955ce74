// Three regions in order of preference, warmed up, asked, and shown. With HOLYSHEEP_REGIONS set those are used;
// without, a simulated gateway on loopback whose nearest region refuses connections.
#include <cstdlib>
#include <holysheep/holysheep.hpp>
#include <holysheep/testing/gateway_simulator.hpp>
#include <iostream>
#include <memory>

using namespace std::chrono_literals;

int main() {
    auto options = holysheep::ClientOptions::from_environment();
    std::unique_ptr<holysheep::testing::GatewaySimulator> gateway;
    if (options.regions.empty()) {
        gateway = std::make_unique<holysheep::testing::GatewaySimulator>(
            std::vector<holysheep::testing::SimulatedRegion>{{.id = "us-west", .latency = 10ms},
                                                             {.id = "eu-central", .latency = 40ms},
                                                             {.id = "ap-southeast", .latency = 80ms}});
        options.api_key = "sk-simulated";
        options.regions = gateway->regions();
        options.regions[2].priority = 1;  // only when neither of the others can be used
        gateway->set_fault("us-west", {.kind = holysheep::testing::Fault::Kind::refuse});
    }
    holysheep::Client client(options);

    if (auto warm = client.warm_up(2s); !warm) {
        std::cerr << warm.error() << '\n';
        return 1;
    }
    for (int i = 0; i < 3; ++i) {
        const auto reply = client.chat("gpt-4.1", "Where are you?");
        if (!reply) {
            std::cerr << reply.error() << '\n';
            return 1;
        }
        std::cout << reply->region << ": " << reply->text() << "   (" << holysheep::describe(reply->attempts) << ")\n";
    }
    std::cout << '\n' << client.stats();
}
