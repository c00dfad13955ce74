// Simulates a network that loses and delays packets, with real TCP and a real kernel on one machine. Linux only;
// requires root (CAP_NET_ADMIN and CAP_SYS_ADMIN).
//
// client under test ⇄ TUN ⇄ [NetworkSimulator] ⇄ TUN ⇄ the server that a test starts in a region's namespace
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holysheep {
inline namespace v0 {
namespace testing {

/// The conditions of one direction of a path.
struct PathConditions {
    std::chrono::microseconds delay{0};   ///< delay of each packet
    std::chrono::microseconds jitter{0};  ///< additional random delay up to this; keeps the order
    double loss = 0;                      ///< share of packets that are lost, 0..1
    double reorder = 0;                   ///< share of packets without delay, which overtake earlier ones, 0..1
    bool drop = false;                    ///< all packets are lost
    bool drop_syn = false;                ///< packets that open a connection are lost
};

/// The directions that conditions apply to.
enum class PathDirection { to_region, to_client, both };

/// One network namespace for the client and one per region, connected by paths whose conditions can be changed at any
/// time. Nothing outside is affected: the namespaces have no names, and the kernel removes them and their devices when
/// the process ends, in whatever way.
///
///     NetworkSimulator network({"us-west", "eu-central"});
///     const std::vector<SimulatedRegion> near{{.id = "us-west", .host = network.address("us-west")}};
///     std::optional<GatewaySimulator> gateway;
///     network.inside("us-west", [&] { gateway.emplace(near); });
///     network.set_path("us-west", {.delay = 10ms});           // a round trip of 20 ms
///     network.set_path("us-west", {.drop = true});            // the path loses all packets silently
///
/// The constructor moves the calling thread into the client's namespace, which threads that it starts later inherit:
/// construct the simulator before the client under test. The destructor moves the calling thread back. All other
/// functions may be called from any thread. An unknown region throws std::out_of_range.
class NetworkSimulator {
  public:
    /// The reason why the simulator does not work on this machine, such as missing privileges; unset if it works.
    static std::optional<std::string> unavailable();

    /// Throws std::runtime_error if the kernel refuses. `seed` determines random losses and delays.
    explicit NetworkSimulator(const std::vector<std::string>& regions, std::uint64_t seed = 1);
    ~NetworkSimulator();
    NetworkSimulator(const NetworkSimulator&) = delete;
    NetworkSimulator& operator=(const NetworkSimulator&) = delete;

    /// The IP address at which a server inside the region listens.
    std::string address(std::string_view region) const;
    /// Runs the function on the calling thread inside the region's namespace. Sockets, threads and processes that it
    /// creates stay there.
    void inside(std::string_view region, const std::function<void()>& work) const;
    /// A file that refers to the region's namespace, for tools such as `ip link set … netns`; valid as long as this
    /// object.
    std::string namespace_file(std::string_view region) const;

    /// Changes the conditions of the path between the client and the region.
    void set_path(std::string_view region, PathConditions conditions, PathDirection direction = PathDirection::both);

    /// Packets that passed, in both directions.
    std::uint64_t passed(std::string_view region) const;
    /// Packets that were lost, in both directions.
    std::uint64_t vanished(std::string_view region) const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace testing
}  // namespace v0
}  // namespace holysheep
