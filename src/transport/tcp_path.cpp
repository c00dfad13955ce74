// TCP_INFO is Linux's; other systems give no evidence, and silence is then noticed by probes alone.
#include "transport/tcp_path.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>

#ifdef __linux__
#include <netinet/tcp.h>
#endif

namespace holysheep::transport {

namespace {

using NameOf = int (*)(int, sockaddr*, socklen_t*);

std::uint16_t port_of(int fd, NameOf name_of) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (name_of(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
    if (address.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
    if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port);
    return 0;
}

}  // namespace

std::optional<Ports> ports_of(int fd) {
    const Ports ports{.local = port_of(fd, &::getsockname), .peer = port_of(fd, &::getpeername)};
    if (ports.local == 0 || ports.peer == 0) return std::nullopt;
    return ports;
}

#ifdef __linux__

std::optional<PathEvidence> tcp_path(int fd) {
    using std::chrono::microseconds;
    tcp_info info{};
    socklen_t size = sizeof info;
    if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
    PathEvidence evidence;
    evidence.srtt = microseconds{info.tcpi_rtt};
    evidence.rttvar = microseconds{info.tcpi_rttvar};
    if (info.tcpi_unacked > 0) {
        // A retransmission counts as data sent; the first one comes after the retransmission timeout.
        nanoseconds since_sent = milliseconds{info.tcpi_last_data_sent};
        if (info.tcpi_retransmits > 0) since_sent = std::max<nanoseconds>(since_sent, microseconds{info.tcpi_rto});
        evidence.unacked_for = std::min<nanoseconds>(since_sent, milliseconds{info.tcpi_last_ack_recv});
    }
    return evidence;
}

#else

std::optional<PathEvidence> tcp_path(int) { return std::nullopt; }

#endif

}  // namespace holysheep::transport
