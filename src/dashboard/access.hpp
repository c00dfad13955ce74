// Decides who may see the dashboard, from the options and the headers of a request.
// DashboardServer → [admit] → page, or a refusal
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <holysheep/dashboard/server.hpp>

namespace holysheep::inline v0::dashboard {

/// Whether this name or address is loopback.
bool is_loopback(std::string_view host);

/// The problem of invalid options, with the remedy; unset if they are valid.
std::optional<std::string> validate(const DashboardServerOptions& options);

/// The parts of a request that identify the client; empty if missing.
struct RequestIdentity {
    std::string_view host{}, authorization{}, cookie{}, query{};
};

enum class Admission {
    granted,
    with_cookie,   ///< the token is in the URL; move it to a cookie
    foreign_host,  ///< the browser addressed another server
    wrong_token
};
Admission admit(const RequestIdentity& identity, const DashboardServerOptions& options, std::string_view cookie_name);

/// Cookies apply to all ports of a host, so their names contain the port.
std::string cookie_name(std::uint16_t port);

}  // namespace holysheep::inline v0::dashboard
