// Queries TCP_INFO, which exists on Linux only. On other systems there is no evidence, and only probes detect silence.
#include "transport/tcp_path.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <string_view>

#ifdef __linux__
// The C library's tcp_info lacks the byte counters, so the kernel's structure is declared here.
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <sys/ioctl.h>
#endif

namespace holysheep::transport {

namespace {

using NameOf = int (*)(int, sockaddr*, socklen_t*);

/// Returns the port, 0 if there is none, and writes the address to `address` if it is not null.
std::uint16_t name_of(NameOf ask, int fd, std::array<unsigned char, 16>* address) {
    sockaddr_storage name{};
    socklen_t size = sizeof name;
    if (ask(fd, reinterpret_cast<sockaddr*>(&name), &size) != 0) return 0;
    if (name.ss_family == AF_INET) {
        const auto& v4 = reinterpret_cast<const sockaddr_in&>(name);
        if (address != nullptr) std::memcpy(address->data(), &v4.sin_addr, sizeof v4.sin_addr);
        return ntohs(v4.sin_port);
    }
    if (name.ss_family == AF_INET6) {
        const auto& v6 = reinterpret_cast<const sockaddr_in6&>(name);
        if (address != nullptr) std::memcpy(address->data(), &v6.sin6_addr, sizeof v6.sin6_addr);
        return ntohs(v6.sin6_port);
    }
    return 0;
}

}  // namespace

std::size_t EndpointsHash::operator()(const Endpoints& endpoints) const {
    const std::string_view address(reinterpret_cast<const char*>(endpoints.peer.data()), endpoints.peer.size());
    const auto ports = (std::uint64_t{endpoints.local_port} << 16U) | endpoints.peer_port;
    return std::hash<std::string_view>{}(address) ^ static_cast<std::size_t>((ports * 0x9E37'79B9'7F4A'7C15U) >> 32U);
}

std::optional<Endpoints> endpoints_of(int fd) {
    Endpoints endpoints;
    endpoints.local_port = name_of(&::getsockname, fd, nullptr);
    endpoints.peer_port = name_of(&::getpeername, fd, &endpoints.peer);
    if (endpoints.local_port == 0 || endpoints.peer_port == 0) return std::nullopt;
    return endpoints;
}

std::optional<Endpoints> endpoints_of(const char* peer_address, int peer_port, int local_port) {
    Endpoints endpoints{.local_port = static_cast<std::uint16_t>(local_port),
                        .peer_port = static_cast<std::uint16_t>(peer_port)};
    if (peer_address == nullptr) return std::nullopt;
    if (::inet_pton(AF_INET, peer_address, endpoints.peer.data()) != 1 &&
        ::inet_pton(AF_INET6, peer_address, endpoints.peer.data()) != 1)
        return std::nullopt;
    return endpoints;
}

std::optional<nanoseconds> unacked_for(const TcpPath& path, const std::optional<SentMark>& mark,
                                       Clock::time_point now) {
    if (!path.unacked) return std::nullopt;
    if (mark && path.acked < mark->written) return std::min<nanoseconds>(now - mark->at, path.since_ack);
    return std::min(path.since_sent, path.since_ack);
}

std::optional<SentMark> next_mark(const TcpPath& path, const std::optional<SentMark>& mark, Clock::time_point now) {
    if (mark && path.acked < mark->written) return mark;
    const auto silent_for = unacked_for(path, mark, now);
    return silent_for ? SentMark{.written = path.written, .at = now - *silent_for} : mark;
}

#ifdef __linux__

std::optional<TcpPath> tcp_path(int fd) {
    using std::chrono::microseconds;
    using std::chrono::milliseconds;
    constexpr std::uint8_t kEstablished = 1, kSynSent = 2;  // the kernel's TCP_ESTABLISHED, TCP_SYN_SENT
    tcp_info info{};
    socklen_t size = sizeof info;
    if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
    TcpPath path;
    path.connecting = info.tcpi_state == kSynSent;
    path.established = info.tcpi_state == kEstablished;
    path.srtt = microseconds{info.tcpi_rtt};
    path.rttvar = microseconds{info.tcpi_rttvar};
    path.unacked = info.tcpi_unacked > 0;
    path.since_sent = milliseconds{info.tcpi_last_data_sent};
    // A retransmission counts as data sent; the first one comes after the retransmission timeout.
    if (info.tcpi_retransmits > 0)
        path.since_sent = std::max<nanoseconds>(path.since_sent, microseconds{info.tcpi_rto});
    path.since_ack = milliseconds{info.tcpi_last_ack_recv};
    int queued = 0;
    if (::ioctl(fd, SIOCOUTQ, &queued) == 0 && queued > 0) path.written = static_cast<std::uint64_t>(queued);
    path.acked = info.tcpi_bytes_acked;
    path.written += path.acked;
    return path;
}

#else

std::optional<TcpPath> tcp_path(int) { return std::nullopt; }

#endif

}  // namespace holysheep::transport
