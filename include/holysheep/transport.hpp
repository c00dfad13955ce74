// The HTTP transport: starts an exchange, reports what arrives and how it ended. libcurl by default; tests use
// testing::FakeTransport.
// call → [Transport] → network → [TransferEvents] → call
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <holysheep/attempt.hpp>
#include <holysheep/export.hpp>

namespace holysheep {
inline namespace v0 {

/// Identifies a transfer of one transport; never 0.
using TransferId = std::uint64_t;

/// The body of a request. Copies share one text, so that all attempts of a call send the same bytes without a copy
/// each.
class RequestBody {
  public:
    RequestBody() = default;
    /// Takes the text over.
    RequestBody(std::string text) : text_(std::make_shared<const std::string>(std::move(text))) {}
    RequestBody(const char* text) : RequestBody(std::string(text)) {}

    /// The text; valid as long as this body or a copy of it exists.
    operator std::string_view() const { return view(); }                                             ///< see `view`
    std::string_view view() const { return text_ ? std::string_view(*text_) : std::string_view(); }  ///< the text
    const char* data() const { return view().data(); }  ///< not terminated by a zero
    std::size_t size() const { return view().size(); }  ///< in bytes
    bool empty() const { return view().empty(); }       ///< no body
    friend bool operator==(const RequestBody& body, std::string_view text) { return body.view() == text; }

  private:
    std::shared_ptr<const std::string> text_{};
};

/// One HTTP request.
struct HttpRequest {
    std::string method = "POST";                                 ///< upper case
    std::string url{};                                           ///< absolute
    std::vector<std::pair<std::string, std::string>> headers{};  ///< all headers but those of the transport
    RequestBody body{};                                          ///< empty: no body
    bool fresh_connection = false;                               ///< do not reuse a pooled connection
    /// How long to wait for one address of the host before also trying the next ("Happy Eyeballs", RFC 8305).
    milliseconds connection_attempt_delay{200};
    /// Reuse a connection only if it was in use within the last one or two seconds, and none after a reused one was
    /// lost, so that the request is not lost to a connection that its server is closing.
    bool avoid_stale_connection = false;
};

/// The head of an HTTP response.
struct HttpHead {
    int status = 0;                                              ///< HTTP status
    std::vector<std::pair<std::string, std::string>> headers{};  ///< names as sent
    bool connection_reused = false;                              ///< the connection had served an earlier request
    AttemptTimings timings{};                                    ///< `dns`, `connect` and `tls` of a new connection
};

/// The end of a transfer.
struct TransferEnd {
    std::optional<ErrorCode> error{};      ///< unset: the HTTP exchange was complete, whatever its status
    std::string detail{};                  ///< one line without secrets
    bool certainly_not_delivered = false;  ///< the request cannot have reached the gateway
    /// The gateway itself reported that it did not process the request (HTTP/2: REFUSED_STREAM, or a GOAWAY with a
    /// lower stream id).
    bool refused = false;
    bool new_connection_helps = false;  ///< only this connection failed: retry on a new one
    /// With `proxy_failed`: the answer of the proxy as an HTTP status (for SOCKS the closest one); 0: none. A status
    /// other than 0 and 407 may concern this host only.
    int proxy_status = 0;
    bool connection_reused = false;  ///< the connection had served an earlier request
    AttemptTimings timings{};        ///< as far as the transfer came
};

/// What the kernel knows about the path of an unanswered request (Linux: TCP_INFO).
struct PathEvidence {
    std::optional<nanoseconds>
        unacked_for{};       ///< how long sent bytes have been unacknowledged; unset: all are acknowledged
    nanoseconds srtt{};      ///< smoothed round trip; 0: unknown
    nanoseconds rttvar{};    ///< its variation
    bool via_proxy = false;  ///< the peer is a proxy: this says nothing about the gateway behind it
};

/// Receives the events of a transfer. Called on the I/O thread; must not block. No event follows `on_end` or
/// `Transport::cancel`.
class HOLYSHEEP_EXPORT TransferEvents {
  public:
    virtual ~TransferEvents();
    /// The connection is ready, and nothing was sent. Return false to abort: the transfer ends with `cancelled` and
    /// `certainly_not_delivered`.
    virtual bool may_send(TransferId id) = 0;
    /// The head of the response arrived.
    virtual void on_head(TransferId id, HttpHead head) = 0;
    /// The next bytes of the body arrived.
    virtual void on_body(TransferId id, std::string_view bytes) = 0;
    /// The transfer ended.
    virtual void on_end(TransferId id, TransferEnd end) = 0;
};

/// Extension point, for `ClientOptions::transport`. All functions are called on the I/O thread and must not block. No
/// events may be delivered from within `start`. The receiver outlives the transfer. If `start` throws, the attempt
/// fails with `transport_failed`; exceptions from the other functions are logged.
class HOLYSHEEP_EXPORT Transport {
  public:
    virtual ~Transport();
    /// Starts a transfer and returns its id.
    virtual TransferId start(HttpRequest request, TransferEvents& events) = 0;
    /// Ends the transfer without further events.
    virtual void cancel(TransferId id) = 0;
    /// Stops reading from the connection, which makes the gateway stop sending.
    virtual void pause(TransferId id) = 0;
    /// Ends `pause`.
    virtual void resume(TransferId id) = 0;
    /// What is known about the path of the transfer; unset if the platform or the transport cannot tell.
    virtual std::optional<PathEvidence> evidence(TransferId id) const = 0;
};

}  // namespace v0
}  // namespace holysheep
