// A gateway of three simulated regions whose faults play by themselves, and callers that ask it all the time.
#pragma once

#include <chrono>
#include <holysheep/client.hpp>
#include <holysheep/testing/gateway_simulator.hpp>
#include <string>
#include <vector>

class Demo {
  public:
    Demo();
    holysheep::ClientOptions options() const;
    /// What goes wrong at this time, in words; empty if nothing new does.
    std::string play(std::chrono::steady_clock::duration since_start);
    /// Lets this region refuse connections, and no other one that was broken so. In words, too.
    std::string break_alone(const std::string& region);

  private:
    holysheep::testing::GatewaySimulator gateway_;
    std::string broken_;
    std::size_t next_ = 0;
    std::chrono::seconds round_{0};
};

/// Sends one question; the answer is nobody's business but the statistics'.
void ask(holysheep::Client& client, int number);
