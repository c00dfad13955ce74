// A gateway of three simulated regions with scripted faults, and questions that keep it busy.
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
    /// Starts and ends the faults that are due; returns a description of a new one, or an empty string.
    std::string play(std::chrono::steady_clock::duration since_start);
    /// Makes this region refuse connections and repairs any region that was broken in this way before. Returns a
    /// description.
    std::string break_only(const std::string& region);

  private:
    holysheep::testing::GatewaySimulator gateway_;
    std::string broken_;
    std::size_t next_ = 0;
    std::chrono::seconds cycle_start_{0};
};

/// Sends one question; the answer only counts in the statistics.
void ask(holysheep::Client& client, int number);
