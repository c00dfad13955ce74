// Answers take time and streams have many pieces, so that faults hit every stage of an answer.
#include "backend.hpp"

#include <csignal>
#include <holysheep/testing/gateway_simulator.hpp>

namespace holysheep::soak {

namespace {

using namespace std::chrono_literals;

constexpr auto kLatency = 20ms, kBetweenPieces = 20ms;
constexpr int kPieces = 16;

testing::SimulatedRegion served(const std::string& id, const std::string& port, std::chrono::milliseconds thinking) {
    return {.id = id,
            .latency = kLatency,
            .between_chunks = kBetweenPieces,
            .chunks = kPieces,
            .port = static_cast<std::uint16_t>(std::stoul(port)),
            .thinking = thinking};
}

}  // namespace

int run_backend(const std::vector<std::string>& arguments) {
    if (arguments.size() != 3) return 2;
    // Blocked before the server's thread starts and inherits the mask; sigwait below receives the signal.
    sigset_t ends{};
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ends, nullptr);
    const testing::GatewaySimulator gateway(
        {served(arguments[0], arguments[1], 0ms), served(arguments[0] + "-thinking", arguments[2], kThinking)},
        {.record = false});
    int signal = 0;
    sigwait(&ends, &signal);
    return 0;
}

}  // namespace holysheep::soak
