// Regions behind a network that loses, delays and swallows packets: real TCP, real kernel, no other machine. Linux
// only, and only for root (CAP_NET_ADMIN and CAP_SYS_ADMIN).
//
// client under test ⇄ TUN ⇄ [NetworkSimulator] ⇄ TUN ⇄ the server that the test starts in a region's namespace
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

/// What happens to the packets of one direction of a path.
struct PathConditions {
    std::chrono::microseconds delay{0};
    std::chrono::microseconds jitter{0};  ///< each packet takes up to so much longer, by chance; the order stays
    double loss = 0;                      ///< this share of packets vanishes
    double reorder = 0;                   ///< this share takes no delay, and so overtakes what is under way
    bool drop = false;                    ///< every packet vanishes
    bool drop_syn = false;                ///< packets that open a connection vanish, all others pass
};

enum class PathDirection { to_region, to_client, both };

/// One network namespace for the client and one per region, joined by paths whose conditions can be changed while
/// packets fly. Nothing outside is touched or visible: the namespaces have no names, and the kernel removes them with
/// their devices when the process ends, however it ends.
///
///     NetworkSimulator network({"us-west", "eu-central"});
///     const std::vector<SimulatedRegion> near{{.id = "us-west", .host = network.address("us-west")}};
///     std::optional<GatewaySimulator> gateway;
///     network.inside("us-west", [&] { gateway.emplace(near); });
///     network.set_path("us-west", {.delay = 10ms});           // a round trip of 20 ms
///     network.set_path("us-west", {.drop = true});            // the route is gone; nobody says so
///
/// The constructor moves the calling thread into the client's namespace, and threads that it starts later are born
/// there: construct it before the client under test. The destructor moves the calling thread back. Otherwise all
/// functions may be called from any thread. An unknown region throws std::out_of_range.
class NetworkSimulator {
  public:
    /// Why this machine cannot do it, such as missing rights; unset where it can.
    static std::optional<std::string> unavailable();

    /// Throws std::runtime_error where the kernel refuses.
    explicit NetworkSimulator(const std::vector<std::string>& regions, std::uint64_t seed = 1);
    ~NetworkSimulator();
    NetworkSimulator(const NetworkSimulator&) = delete;
    NetworkSimulator& operator=(const NetworkSimulator&) = delete;

    /// Where a server inside the region listens, and the client finds it.
    std::string address(std::string_view region) const;
    /// Runs the function on the calling thread, inside the region's namespace: sockets, threads and processes that it
    /// makes stay there.
    void inside(std::string_view region, const std::function<void()>& work) const;
    /// A file that stands for the region's namespace, for tools such as `ip link set … netns`; valid while this lives.
    std::string namespace_file(std::string_view region) const;

    void set_path(std::string_view region, PathConditions conditions, PathDirection direction = PathDirection::both);

    /// Packets that passed, and that vanished, in both directions.
    std::uint64_t passed(std::string_view region) const;
    std::uint64_t vanished(std::string_view region) const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace testing
}  // namespace v0
}  // namespace holysheep
