// The configurations of nginx and haproxy in front of a region's backends, close to what their packages come with.
// PoolPorts → [nginx_text, haproxy_text] → Site
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace holysheep::soak {

/// One process behind the proxy: it listens twice, and behind the second port the model thinks before it answers.
struct PoolPorts {
    std::uint16_t quick = 0, thinking = 0;
};

/// What a request that is to be thought about carries, with the value 1.
inline constexpr const char* kThinksHeader = "x-thinks";

/// `upstream_1_0`: the proxy speaks HTTP/1.0 to its backends, nginx's default. An answer that the backend's death cuts
/// looks whole on the wire then.
std::string nginx_text(const std::string& folder, const std::vector<std::uint16_t>& listen,
                       const std::vector<PoolPorts>& backends, bool upstream_1_0);
std::string haproxy_text(const std::vector<std::uint16_t>& listen, const std::vector<PoolPorts>& backends);

}  // namespace holysheep::soak
