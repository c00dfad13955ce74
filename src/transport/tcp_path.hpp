// Queries the kernel about a connection: its endpoints, and whether the peer's host acknowledges data.
// socket → [tcp_path] → CurlTransport::evidence
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <holysheep/clock.hpp>

namespace holysheep::transport {

using std::chrono::nanoseconds;

/// Identifies a socket of this process. The local port alone does not, because the kernel reuses it for other peers.
struct Endpoints {
    std::array<unsigned char, 16> peer{};  ///< an IPv4 address fills the first four
    std::uint16_t local_port = 0, peer_port = 0;
    friend bool operator==(const Endpoints&, const Endpoints&) = default;
};
struct EndpointsHash {
    std::size_t operator()(const Endpoints& endpoints) const;
};

/// The endpoints of a connected TCP socket; unset for any other.
std::optional<Endpoints> endpoints_of(int fd);
/// Parses an address; unset if it is invalid.
std::optional<Endpoints> endpoints_of(const char* peer_address, int peer_port, int local_port);

/// The state of a TCP connection. `acked` and `written` count bytes on the same scale: everything written so far has
/// arrived once `acked` reaches the current value of `written`.
struct TcpPath {
    bool connecting = false;   ///< no answer from the peer's host yet
    bool established = false;  ///< connected
    nanoseconds srtt{}, rttvar{};
    bool unacked = false;
    nanoseconds since_sent{}, since_ack{};
    std::uint64_t acked = 0, written = 0;
};

/// Reads TCP_INFO on Linux. Unset on other systems, and if the socket is not TCP.
std::optional<TcpPath> tcp_path(int fd);

/// The position in the written bytes of a connection at which a request, or data sent after it, ends. Distinguishes its
/// bytes from those of other requests.
struct SentMark {
    std::uint64_t written = 0;
    Clock::time_point at{};
};

/// How long sent data has not been acknowledged; unset: all is acknowledged. With the mark of a request, later requests
/// on its connection do not hide the silence.
std::optional<nanoseconds> unacked_for(const TcpPath& path, const std::optional<SentMark>& mark, Clock::time_point now);

/// The mark for the next look at the connection. If the bytes up to the last mark have arrived and more are in flight,
/// such as the rest of a large request, marks those: TCP retransmits lost data, which would look like new data.
std::optional<SentMark> next_mark(const TcpPath& path, const std::optional<SentMark>& mark, Clock::time_point now);

}  // namespace holysheep::transport
