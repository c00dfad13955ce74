// Pure: no sockets, no clock.
#include "dashboard/access.hpp"

#include <algorithm>

namespace holysheep::inline v0::dashboard {

namespace {

constexpr std::size_t kShortestToken = 16;

// ASCII only, whatever the locale of the process.
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equal_ignoring_case(std::string_view a, std::string_view b) { return std::ranges::equal(a, b, {}, lower, lower); }

/// 127.0.0.0/8 in dotted form; not a name that begins like it.
bool is_ipv4_loopback(std::string_view host) {
    if (!host.starts_with("127.") || std::ranges::count(host, '.') != 3) return false;
    return std::ranges::all_of(host, [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
}

/// RFC 3986's unreserved characters: the same in an address, a header and a cookie.
bool is_plain(char c) {
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') ||
           std::string_view("-._~").find(c) != std::string_view::npos;
}

/// "[::1]:9464" → "::1"
std::string_view without_port(std::string_view host) {
    if (!host.starts_with('[')) return host.substr(0, host.find(':'));
    const auto end = host.find(']');
    return end == std::string_view::npos ? host : host.substr(1, end - 1);
}

/// The value behind `name=` in a list such as "a=1; b=2".
std::string_view value_of(std::string_view name, std::string_view list, char separator) {
    while (!list.empty()) {
        auto entry = list.substr(0, list.find(separator));
        list.remove_prefix(std::min(list.size(), entry.size() + 1));
        while (entry.starts_with(' ')) entry.remove_prefix(1);
        if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=') {
            return entry.substr(name.size() + 1);
        }
    }
    return {};
}

/// Runs in constant time.
bool is_same_secret(std::string_view a, std::string_view b) {
    auto difference = a.size() ^ b.size();
    for (std::size_t i = 0; i < a.size(); ++i) {
        difference |= std::size_t{static_cast<unsigned char>(a[i])} ^ static_cast<unsigned char>(b[i % b.size()]);
    }
    return difference == 0;
}

std::string_view bearer(std::string_view authorization) {
    constexpr std::string_view kScheme = "bearer ";
    if (!equal_ignoring_case(authorization.substr(0, kScheme.size()), kScheme)) return {};
    return authorization.substr(kScheme.size());
}

}  // namespace

bool is_loopback(std::string_view host) {
    return equal_ignoring_case(host, "localhost") || host == "::1" || is_ipv4_loopback(host);
}

std::optional<std::string> validate(const DashboardServerOptions& options) {
    if (options.host.empty()) return "dashboard: host is empty; 127.0.0.1 is for this machine alone";
    if (options.token.empty()) {
        if (is_loopback(options.host)) return std::nullopt;
        return "dashboard: host " + options.host +
               " can be reached from other machines, so a token is needed: set `token` (`openssl rand -hex 16` makes a "
               "good one), or listen on 127.0.0.1";
    }
    if (options.token.size() < kShortestToken || !std::ranges::all_of(options.token, is_plain)) {
        return "dashboard: the token must have at least 16 characters, all of them letters, digits, '-', '.', '_' or "
               "'~'; `openssl rand -hex 16` makes a good one";
    }
    return std::nullopt;
}

Admission admit(const RequestIdentity& identity, const DashboardServerOptions& options, std::string_view cookie_name) {
    if (options.token.empty()) {
        // RFC 9110 requires clients to send the host.
        const auto host = without_port(identity.host);
        const bool is_ours = host.empty() || is_loopback(host) || equal_ignoring_case(host, options.host);
        return is_ours ? Admission::granted : Admission::foreign_host;
    }
    if (is_same_secret(bearer(identity.authorization), options.token) ||
        is_same_secret(value_of(cookie_name, identity.cookie, ';'), options.token)) {
        return Admission::granted;
    }
    if (is_same_secret(value_of("token", identity.query, '&'), options.token)) return Admission::with_cookie;
    return Admission::wrong_token;
}

std::string cookie_name(std::uint16_t port) { return "holysheep_" + std::to_string(port); }

}  // namespace holysheep::inline v0::dashboard
