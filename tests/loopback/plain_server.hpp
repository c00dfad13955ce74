// A server of a few lines for answers that the simulator has no fault for: one thread per connection, plain sockets.
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

/// Sends all of it; false when the other side is gone or takes nothing for longer than the socket allows.
bool send_all(int socket, std::string_view bytes);
/// A connection to a port of this machine; -1 without one.
int connect_to(std::uint16_t port);
/// An HTTP answer with a length.
std::string http_answer(std::string_view status, std::string_view headers, std::string_view body);
/// The value of a header of a request as it came, names in any case; empty without it.
std::string header_of(const std::string& request, std::string_view name);
/// A chat completion with this text.
std::string completion_json(std::string_view text);

class PlainServer {
  public:
    /// Answers one request; false closes its connection.
    using Serve = std::function<bool(int socket, const std::string& request)>;
    /// `at`: the whole request has come, or its head alone; the server reads the rest itself then.
    enum class At { end, head };
    explicit PlainServer(Serve serve, At at = At::end);
    /// The same answer to everything.
    explicit PlainServer(std::string answer);
    ~PlainServer();
    PlainServer(const PlainServer&) = delete;
    PlainServer& operator=(const PlainServer&) = delete;

    std::uint16_t port() const { return port_; }
    Region region(std::string id) const;
    /// As they came, in order of arrival.
    std::vector<std::string> requests() const;

  private:
    void accept_all();
    void talk(int socket);

    Serve serve_;
    At at_ = At::end;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    mutable std::mutex mutex_;  // guards what follows
    std::vector<std::string> requests_;
    std::vector<int> sockets_;
    bool closing_ = false;
    std::vector<std::jthread> talkers_;
    std::jthread acceptor_;
};

}  // namespace holysheep::loopback
