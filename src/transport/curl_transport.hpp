// Implements Transport with libcurl: one multi handle, driven by the I/O loop's sockets and timers.
// CallDriver → [CurlTransport] → libcurl → network
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include <holysheep/options.hpp>
#include <holysheep/transport.hpp>

#include "runtime/io_loop.hpp"
#include "transport/curl_handle.hpp"
#include "transport/curl_transfer.hpp"
#include "transport/proxy_choice.hpp"
#include "transport/tcp_path.hpp"

namespace holysheep::transport {

struct CurlTransportOptions {
    TlsOptions tls{};
    ProxyOptions proxy{};
    bool http2 = false;
    std::chrono::milliseconds max_connection_age{600'000};
    std::uint64_t seed = 0;  ///< seed of the jitter
    ResponseLimits limits{};
    std::string user_agent{};
};

/// libcurl's own retries and timeouts are disabled or beyond all limits, because the call machine decides when to stop.
/// Loop thread only, except the constructor.
class CurlTransport final : public Transport {
  public:
    CurlTransport(runtime::IoLoop& loop, CurlTransportOptions options);
    ~CurlTransport() override;
    CurlTransport(const CurlTransport&) = delete;
    CurlTransport& operator=(const CurlTransport&) = delete;

    TransferId start(HttpRequest request, TransferEvents& events) override;
    void cancel(TransferId id) override;
    void pause(TransferId id) override;
    void resume(TransferId id) override;
    std::optional<PathEvidence> evidence(TransferId id) const override;

    /// Executes the operations queued since the last round. Called once per round of the loop, outside libcurl
    /// callbacks.
    void flush();
    /// The connection of the transfer is ready, and its request is sent now.
    void on_sent(TransferId id);
    /// The transfer's HTTP/2 stream is open; after a GOAWAY, the server processes none above `last`.
    void on_stream(CurlTransfer& transfer);
    void on_goaway(const CurlTransfer& transfer, std::uint32_t last);
    bool speaks_http2(const Endpoints& endpoints) const;
    /// Whether the connection of the request is established and accepts further requests.
    bool connection_lives(const CurlTransfer& transfer) const;
    Origin& origin(std::string_view url);
    /// Maximum age of a reused connection, ±20 %; 0: no limit.
    std::chrono::seconds jittered_age();
    /// Whether requests to the server are in an odd period; see `Origin::odd_age`.
    bool in_odd_age(Origin& origin);
    const ProxyEnvironment& proxy_environment() const { return proxy_environment_; }
    Clock::time_point now() const { return loop_.now(); }
    /// The transfer used its share of this round and continues in the next one.
    void on_yield(TransferId id) { yielded_.push_back(id); }
    void on_socket(int fd, runtime::Readiness ready);

  private:
    // Sockets stay registered with the loop between transfers, because libcurl removes and adds them again, which costs
    // system calls.
    // asleep: idle and not watched. held: its transfer is paused, although libcurl would continue to read.
    enum class Watch : std::uint8_t { unknown, foreign, active, held, idle, asleep };
    struct Socket {
        Watch watch = Watch::unknown;
        bool reading = false, writing = false;  // what libcurl waits for
        TransferId user = 0;                    // the transfer that libcurl watches it for
        TransferId opener = 0;                  // the transfer it was opened for
        Clock::time_point opened{};
        std::optional<Endpoints> endpoints{};  // once queried
        bool http2 = false;
        std::optional<std::uint32_t> last_stream{};  // from a GOAWAY frame
    };

    static int socket_callback(CURL* easy, curl_socket_t fd, int what, void* self, void* per_socket);
    static int timer_callback(CURLM* multi, long timeout_ms, void* self);
    static curl_socket_t open_socket(void* opener, curlsocktype purpose, curl_sockaddr* address);
    static int close_socket(void* self, curl_socket_t fd);

    CurlTransfer* find(TransferId id) const;
    std::optional<int> socket_of(const Endpoints& endpoints) const;
    std::optional<PathEvidence> connecting_evidence(const CurlTransfer& transfer, Clock::time_point now,
                                                    bool via_proxy) const;
    void mark_sent();
    void start_over(CurlTransfer& transfer);
    Socket& socket(int fd);
    void forget(int fd);
    void watch_socket(int fd);
    bool hold_back(int fd);
    void resume(CurlTransfer& transfer);
    CurlTransfer& take_transfer();
    void release(CurlTransfer& transfer);
    void drive(curl_socket_t fd, int events);
    void read_messages();
    /// Reports the end of the transfer after its handle is free for reuse.
    void report(CurlTransfer& transfer, TransferEnd end);
    void arm_timer();

    runtime::IoLoop& loop_;
    const CurlTransportOptions options_;
    const ProxyEnvironment proxy_environment_;
    std::minstd_rand jitter_;
    CurlMulti multi_;
    std::vector<std::unique_ptr<CurlTransfer>> transfers_;  // by slot
    std::vector<std::size_t> free_slots_;  // most recently used first, because its TLS session is the newest
    std::vector<TransferId> to_add_, to_remove_, to_resume_;
    std::vector<TransferId> yielded_;  // continue in the next round, after the others

    mutable std::vector<Socket> sockets_;  // by fd
    mutable std::unordered_map<Endpoints, int, EndpointsHash> by_endpoints_;
    std::unordered_map<std::string, Origin> origins_;  // by scheme, host and port
    std::vector<TransferId> just_sent_;                // over HTTP/2, in this round
    std::optional<Clock::time_point> curl_due_;
    Clock::TimerId timer_ = 0;
    Clock::time_point timer_at_{};
    bool in_curl_ = false;
};

}  // namespace holysheep::transport
