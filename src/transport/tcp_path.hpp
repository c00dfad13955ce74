// What the kernel knows of a connection's path: which socket it is, and whether the peer's host still acknowledges.
// socket → [tcp_path] → CurlTransport::evidence
#pragma once

#include <cstdint>
#include <optional>

#include <holysheep/transport.hpp>

namespace holysheep::transport {

struct Ports {
    std::uint16_t local = 0, peer = 0;
    friend bool operator==(const Ports&, const Ports&) = default;
};

/// Of a connected TCP socket; unset for anything else.
std::optional<Ports> ports_of(int fd);

/// Linux: TCP_INFO. Unset elsewhere, or where the socket is none of TCP's.
std::optional<PathEvidence> tcp_path(int fd);

}  // namespace holysheep::transport
