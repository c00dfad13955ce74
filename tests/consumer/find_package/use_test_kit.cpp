// A program that uses the gateway simulator and the fake clock.
#include <holysheep/testing/fake_clock.hpp>
#include <holysheep/testing/gateway_simulator.hpp>

#include <iostream>

int main() {
    holysheep::testing::FakeClock clock;
    clock.advance(std::chrono::seconds(1));
    holysheep::testing::GatewaySimulator simulator({{.id = "us-west"}});
    std::cout << simulator.base_url("us-west") << '\n';
    return simulator.port("us-west") == 0 ? 1 : 0;
}
