// How bytes travel: one HTTP exchange is started, reports what arrives, ends. libcurl by default; tests put a
// testing::FakeTransport in its place.
// call → [Transport] → network → [TransferEvents] → call
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <holysheep/attempt.hpp>
#include <holysheep/export.hpp>

namespace holysheep {
inline namespace v0 {

using TransferId = std::uint64_t;

struct HttpRequest {
    std::string method = "POST", url{};
    std::vector<std::pair<std::string, std::string>> headers{};
    std::string body{};
    bool fresh_connection = false;  ///< do not reuse a pooled connection
    /// How long one address of the host has until the next one is tried beside it ("Happy Eyeballs", RFC 8305).
    milliseconds connection_attempt_delay{200};
    /// Reuse only a connection that was in use within the last second or two, and none where one has failed so: the
    /// request must not be lost to a connection that its server is about to close.
    bool avoid_stale_connection = false;
};

struct HttpHead {
    int status = 0;
    std::vector<std::pair<std::string, std::string>> headers{};
    bool connection_reused = false;
    AttemptTimings timings{};  ///< `dns`, `connect` and `tls` of a new connection
};

/// How a transfer ended. Without `error`, the HTTP exchange was complete, whatever its status.
struct TransferEnd {
    std::optional<ErrorCode> error{};
    std::string detail{};                  ///< one line, no secrets
    bool certainly_not_delivered = false;  ///< the request cannot have reached the gateway
    /// The gateway said itself that it did not process the request (HTTP/2: REFUSED_STREAM, or a GOAWAY below it).
    bool refused = false;
    bool new_connection_helps = false;  ///< the gateway is fine, this connection to it is not
    /// With `proxy_failed`: the proxy's answer, as an HTTP status (a SOCKS reply as the one that comes nearest). 0:
    /// none. One that is neither 0 nor 407 may be meant for this host alone.
    int proxy_status = 0;
    bool connection_reused = false;
    AttemptTimings timings{};
};

/// What the network knows about an unanswered request (Linux: TCP_INFO). `via_proxy`: the peer is a proxy, so the
/// evidence says nothing about the gateway behind it.
struct PathEvidence {
    std::optional<nanoseconds> unacked_for{};
    nanoseconds srtt{}, rttvar{};
    bool via_proxy = false;
};

/// Receives one transfer. Called on the I/O thread; must not block. After `on_end`, nothing more comes for that id;
/// after `Transport::cancel`, nothing at all.
class HOLYSHEEP_EXPORT TransferEvents {
  public:
    virtual ~TransferEvents();
    /// The connection is ready and nothing was sent. False turns the attempt away: it ends with `cancelled` and
    /// `certainly_not_delivered`.
    virtual bool may_send(TransferId id) = 0;
    virtual void on_head(TransferId id, HttpHead head) = 0;
    virtual void on_body(TransferId id, std::string_view bytes) = 0;
    virtual void on_end(TransferId id, TransferEnd end) = 0;
};

/// Extension point. All functions are called on the I/O thread and must not block; events never come from inside
/// `start`. The receiver outlives the transfer. A `start` that throws is an attempt that failed (`transport_failed`);
/// what another function throws is logged.
class HOLYSHEEP_EXPORT Transport {
  public:
    virtual ~Transport();
    virtual TransferId start(HttpRequest request, TransferEvents& events) = 0;
    virtual void cancel(TransferId id) = 0;
    virtual void pause(TransferId id) = 0;
    virtual void resume(TransferId id) = 0;
    /// Unset where the platform or the transport has none.
    virtual std::optional<PathEvidence> evidence(TransferId id) const = 0;
};

}  // namespace v0
}  // namespace holysheep
