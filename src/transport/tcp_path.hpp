// What the kernel knows of a connection's path: which socket it is, and whether the peer's host still acknowledges.
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

/// Tells the sockets of one process apart. The local port alone does not: the kernel gives it out again for another
/// peer.
struct Endpoints {
    std::array<unsigned char, 16> peer{};  ///< an IPv4 address fills the first four
    std::uint16_t local_port = 0, peer_port = 0;
    friend bool operator==(const Endpoints&, const Endpoints&) = default;
};
struct EndpointsHash {
    std::size_t operator()(const Endpoints& endpoints) const;
};

/// Of a connected TCP socket; unset for anything else.
std::optional<Endpoints> endpoints_of(int fd);
/// From an address in text; unset where it is none.
std::optional<Endpoints> endpoints_of(const char* peer_address, int peer_port, int local_port);

/// One look at a TCP connection. `acked` and `written` count bytes on one scale: what was written so far has arrived
/// once `acked` has come that far.
struct TcpPath {
    bool connecting = false;   ///< the peer's host has not answered yet
    bool established = false;  ///< open at both ends
    nanoseconds srtt{}, rttvar{};
    bool unacked = false;
    nanoseconds since_sent{}, since_ack{};
    std::uint64_t acked = 0, written = 0;
};

/// Linux: TCP_INFO. Unset elsewhere, or where the socket is none of TCP's.
std::optional<TcpPath> tcp_path(int fd);

/// Where a request, or what was sent after it, ends in what its connection has written: tells its bytes from those of
/// other requests.
struct SentMark {
    std::uint64_t written = 0;
    Clock::time_point at{};
};

/// For how long something is on its way that the peer has not acknowledged; unset: nothing is. With the mark of a
/// request, later ones on its connection do not hide the silence.
std::optional<nanoseconds> unacked_for(const TcpPath& path, const std::optional<SentMark>& mark, Clock::time_point now);

/// The mark for the next look at the connection. Where the last one has arrived and more is on its way, such as the
/// rest of a large request, that is marked from now on: TCP sends it again when it is lost, which would look like new
/// data.
std::optional<SentMark> next_mark(const TcpPath& path, const std::optional<SentMark>& mark, Clock::time_point now);

}  // namespace holysheep::transport
