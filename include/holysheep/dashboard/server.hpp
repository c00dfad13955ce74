// A page in the browser that shows what a client does, live; and its metrics for Prometheus.
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

struct DashboardServerOptions {
    /// The address to listen on: an IP address, or `localhost`. Anything but loopback needs a `token`.
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;  ///< 0: one that is free; `DashboardServer::port` tells which
    /// Whoever asks must name it, as `Authorization: Bearer <token>` or once as `?token=<token>`, which leaves a
    /// cookie. At least 16 letters, digits, `-`, `.`, `_`, `~`. Empty: nobody is asked, which is allowed on loopback
    /// alone. The connection is not encrypted: beyond a network that you trust, put a proxy with TLS before it.
    std::string token{};
    std::string title = "holysheep";  ///< of the page, for those who have several open
};

/// Serves, read-only, until it is destroyed: `/`, one self-contained page that asks for news once a second;
/// `/stats.json`, `Stats::to_json`; `/metrics`, `Stats::to_prometheus`. On a thread of its own, one request at a time.
///
/// Requests whose `Host` is not this server's are refused where no token protects it, so that a foreign page in the
/// same browser cannot read it under a name of its own (DNS rebinding).
///
///     holysheep::DashboardServer dashboard([&client] { return client.stats(); }, {.port = 9464});
///     std::cout << dashboard.url() << '\n';
class DashboardServer {
  public:
    /// `stats` is called on the server's thread, once a request; what it refers to must live as long as the server.
    /// Throws Exception where `create` gives an error.
    explicit DashboardServer(std::function<Stats()> stats, DashboardServerOptions options = {});
    /// `invalid_options` when the address cannot be used or wants a token; the message names the remedy.
    static Result<DashboardServer> create(std::function<Stats()> stats, DashboardServerOptions options = {});
    DashboardServer(DashboardServer&&) noexcept;
    DashboardServer& operator=(DashboardServer&&) noexcept;
    ~DashboardServer();  ///< Ends open connections and waits for a call of `stats` that is under way.

    std::uint16_t port() const;
    std::string url() const;  ///< of the page, with the token

  private:
    class Impl;
    explicit DashboardServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace holysheep
