// A gateway that answers a large request before it has read it: it sends the head at once, and reads so slowly that
// bytes stay unacknowledged for long. Small requests are answered as usual.
// bench_failover → [EarlyHeadServer]
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace holysheep::bench {

/// Requests of at least this size get their head early.
inline constexpr std::size_t kLargeRequest = 64 * 1024;

class EarlyHeadServer {
  public:
    /// Listens on this IPv4 address, on any port, with a thread for each connection. Throws std::runtime_error if it
    /// cannot.
    explicit EarlyHeadServer(const std::string& host);
    ~EarlyHeadServer();
    EarlyHeadServer(const EarlyHeadServer&) = delete;
    EarlyHeadServer& operator=(const EarlyHeadServer&) = delete;

    std::string base_url() const { return "http://" + host_ + ":" + std::to_string(port_) + "/v1"; }
    /// `function` is called once, on a thread of the server, after the next early head was sent.
    void on_early_head(std::function<void()> function);
    void close_connections();

  private:
    void accept_all();
    void serve(int client);
    void answer_early(int client);

    const std::string host_;
    int listener_;
    std::uint16_t port_ = 0;
    std::mutex mutex_;  // guards the members below
    std::function<void()> early_head_;
    std::vector<int> open_;
    std::vector<std::jthread> connections_;
    std::jthread acceptor_;
};

}  // namespace holysheep::bench
