// Configurations of nginx and haproxy in front of a region's backends, close to the defaults of their packages.
// PoolPorts → [nginx_text, haproxy_text] → Site
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace holysheep::soak {

/// The two ports of a backend process; on the second one the model thinks before it answers.
struct PoolPorts {
    std::uint16_t quick = 0, thinking = 0;
};

/// A request with this header set to 1 goes to the thinking port.
inline constexpr const char* kThinkingHeader = "x-thinks";

/// `upstream_1_0`: the proxy uses HTTP/1.0 to its backends, nginx's default. If a backend dies then, a truncated answer
/// looks complete on the wire.
std::string nginx_text(const std::string& folder, const std::vector<std::uint16_t>& listen,
                       const std::vector<PoolPorts>& backends, bool upstream_1_0);
std::string haproxy_text(const std::vector<std::uint16_t>& listen, const std::vector<PoolPorts>& backends);

}  // namespace holysheep::soak
