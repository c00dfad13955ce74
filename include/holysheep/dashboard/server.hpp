// Serves a live page with the statistics of a client, and its metrics for Prometheus.
// Client::stats → [DashboardServer] → /, /stats.json, /metrics
//
// Part of the component `holysheep::dashboard` (find_package(holysheep COMPONENTS dashboard)), which needs libevent.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <holysheep/result.hpp>
#include <holysheep/stats.hpp>

namespace holysheep {
inline namespace v0 {

/// Options of a DashboardServer.
struct DashboardServerOptions {
    /// The address to listen on: an IP address, or `localhost`. Any but loopback requires a `token`.
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;  ///< 0: any free port; see `DashboardServer::port`
    /// Requests must present it, as `Authorization: Bearer <token>`, or once as `?token=<token>`, which sets a cookie.
    /// At least 16 letters, digits, `-`, `.`, `_`, `~`. Empty: none, which is allowed on loopback only. The connection
    /// is not encrypted: outside a trusted network, use a proxy with TLS.
    std::string token{};
    std::string title = "holysheep";  ///< title of the page, to tell several apart
};

/// Serves, read-only, until it is destroyed: `/`, a self-contained page that updates once a second; `/stats.json`,
/// `Stats::to_json`; `/metrics`, `Stats::to_prometheus`. Runs on a thread of its own, one request at a time.
///
/// Without a token, requests with another `Host` than this server are refused, so that a foreign page in the same
/// browser cannot read the statistics under its own name (DNS rebinding).
///
///     holysheep::DashboardServer dashboard([&client] { return client.stats(); }, {.port = 9464});
///     std::cout << dashboard.url() << '\n';
class DashboardServer {
  public:
    /// `stats` is called on the server's thread, once per request; what it refers to must outlive the server. Throws
    /// `Exception` if `create` returns an error.
    explicit DashboardServer(std::function<Stats()> stats, DashboardServerOptions options = {});
    /// Returns `invalid_options`, with the remedy, if the address cannot be used or requires a token.
    static Result<DashboardServer> create(std::function<Stats()> stats, DashboardServerOptions options = {});
    DashboardServer(DashboardServer&&) noexcept;
    DashboardServer& operator=(DashboardServer&&) noexcept;
    ~DashboardServer();  ///< Closes all connections; waits for a running call of `stats`.

    /// The port that it listens on.
    std::uint16_t port() const;
    std::string url() const;  ///< URL of the page, including the token

  private:
    class Impl;
    explicit DashboardServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace holysheep
