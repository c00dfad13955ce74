// Who may see the dashboard: decided from the options and from what a request says of itself.
// DashboardServer → [admit] → page, or a refusal
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <holysheep/dashboard/server.hpp>

namespace holysheep::inline v0::dashboard {

/// Whether an address of this name reaches no other machine.
bool is_loopback(std::string_view host);

/// Why these options cannot be used, with the remedy.
std::optional<std::string> complaint(const DashboardServerOptions& options);

/// What of a request says who asks; empty where it is not there.
struct Visitor {
    std::string_view host{}, authorization{}, cookie{}, query{};
};

enum class Admission {
    granted,
    with_cookie,   ///< the token stands in the address: it belongs into a cookie, out of sight
    foreign_host,  ///< the browser believes to speak with another server
    wrong_token
};
Admission admit(const Visitor& visitor, const DashboardServerOptions& options, std::string_view cookie_name);

/// Cookies do not tell ports of a host apart, so their names do.
std::string cookie_name(std::uint16_t port);

}  // namespace holysheep::inline v0::dashboard
