// A minimal server for answers that the simulator has no fault for: one thread per connection, plain sockets.
// test → [PlainServer] ← Client
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <holysheep/region.hpp>

namespace holysheep::loopback {

/// Sends all bytes; false if the other side is gone or accepts nothing for longer than the socket's timeout.
bool send_all(int socket, std::string_view bytes);
/// Connects to a port of this machine; -1 if that fails.
int connect_to(std::uint16_t port);
/// Builds an HTTP answer with a Content-Length.
std::string http_answer(std::string_view status, std::string_view headers, std::string_view body);
/// The value of a header in a raw request, whatever the case of its name; empty if it is missing.
std::string header_of(const std::string& request, std::string_view name);
/// A chat completion with this text.
std::string completion_json(std::string_view text);

class PlainServer {
  public:
    /// Answers one request; returning false closes its connection.
    using Serve = std::function<bool(int socket, const std::string& request)>;
    /// When `Serve` is called: once the whole request has come, or after its head; then it reads the rest itself.
    enum class At { end, head };
    explicit PlainServer(Serve serve, At at = At::end);
    /// Gives the same answer to every request.
    explicit PlainServer(std::string answer);
    ~PlainServer();
    PlainServer(const PlainServer&) = delete;
    PlainServer& operator=(const PlainServer&) = delete;

    std::uint16_t port() const { return port_; }
    Region region(std::string id) const;
    /// The raw requests in order of arrival.
    std::vector<std::string> requests() const;

  private:
    void accept_all();
    void serve_connection(int socket);

    Serve serve_;
    At at_ = At::end;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    mutable std::mutex mutex_;  // guards the members below
    std::vector<std::string> requests_;
    std::vector<int> sockets_;
    bool closing_ = false;
    std::vector<std::jthread> threads_;
    std::jthread acceptor_;
};

}  // namespace holysheep::loopback
