// An HTTP/2 server over TLS that can refuse requests: RST_STREAM, GOAWAY, HTTP/1.1 only. One thread per connection;
// nghttp2 writes the frames.
// test → [Http2Server] ← Client
#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <holysheep/region.hpp>

namespace holysheep::loopback {

class Http2Server {
  public:
    /// How the server replies to a request that has arrived completely.
    enum class Reply {
        answer,
        refuse,            ///< RST_STREAM, REFUSED_STREAM: not processed (RFC 9113, 8.7)
        require_http1,     ///< RST_STREAM, HTTP_1_1_REQUIRED (RFC 9113, 7)
        go_away,           ///< GOAWAY that names the previous stream as the last one; then the connection ends
        break_connection,  ///< processed, but the connection is reset before any answer
        hold               ///< not answered until a later request on the connection gets `go_away`
    };
    /// `connection` and `request` count from 0; the requests of a connection are in order of arrival.
    using Decide = std::function<Reply(int connection, int request)>;

    /// `certificate` and `key` are PEM files.
    Http2Server(const std::string& certificate, const std::string& key, Decide decide);
    ~Http2Server();
    Http2Server(const Http2Server&) = delete;
    Http2Server& operator=(const Http2Server&) = delete;

    Region region(std::string id) const;
    /// The Idempotency-Key of each processed request, in the order of processing.
    std::vector<std::string> processed() const;
    int connections() const { return connections_; }
    int http1_requests() const { return http1_requests_; }

  private:
    class Session;
    void accept_all();
    void serve_connection(int socket, int connection);
    void serve_http1(SSL* tls);

    std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_;
    Decide decide_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<int> connections_{0}, http1_requests_{0};
    mutable std::mutex mutex_;  // guards the members below
    std::vector<std::string> processed_;
    std::vector<int> sockets_;
    bool closing_ = false;
    std::vector<std::jthread> threads_;
    std::jthread acceptor_;
};

}  // namespace holysheep::loopback
