// One direction of a path between two network devices: decides which packets pass, and when they arrive.
// packets in → [PacketPath] → packets that are due
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <queue>
#include <random>
#include <span>
#include <vector>

#include <holysheep/testing/network_simulator.hpp>

namespace holysheep {
inline namespace v0 {
namespace testing {

/// Pure: time is an argument, randomness is seeded.
class PacketPath {
  public:
    using time_point = std::chrono::steady_clock::time_point;
    using Bytes = std::vector<std::uint8_t>;

    explicit PacketPath(std::uint64_t seed) : random_(seed) {}

    void set(const PathConditions& conditions) { conditions_ = conditions; }
    /// Queues or drops a packet.
    void send(std::span<const std::uint8_t> packet, time_point now);
    /// The next packet that has arrived by now.
    std::optional<Bytes> receive(time_point now);
    std::optional<time_point> next_arrival() const;

    std::uint64_t passed() const { return passed_; }
    std::uint64_t dropped() const { return dropped_; }

  private:
    struct InFlight {
        time_point due{};
        std::uint64_t number = 0;
        Bytes bytes{};
        bool operator<(const InFlight& other) const {  // the earliest is on top
            return due != other.due ? due > other.due : number > other.number;
        }
    };
    bool is_dropped(std::span<const std::uint8_t> packet);

    PathConditions conditions_{};
    std::priority_queue<InFlight> in_flight_;
    std::mt19937_64 random_;
    time_point last_due_{};
    std::uint64_t last_number_ = 0, passed_ = 0, dropped_ = 0;
};

/// Whether an IPv4 packet opens a TCP connection (SYN without ACK).
bool opens_connection(std::span<const std::uint8_t> packet);

}  // namespace testing
}  // namespace v0
}  // namespace holysheep
