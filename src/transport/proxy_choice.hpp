// Chooses the proxy for a URL, because libcurl does not report which one it chooses.
// ProxyOptions, environment → [proxy_for] → CurlTransfer
#pragma once

#include <string>
#include <string_view>

#include <holysheep/options.hpp>

namespace holysheep::transport {

/// The proxy variables, with libcurl's spelling and precedence: `http_proxy` in lower case only, because a web server
/// may set the upper-case one from a request's header.
struct ProxyEnvironment {
    std::string http{}, https{}, all{}, exceptions{};
    static ProxyEnvironment read();
};

/// The URL of the proxy; empty: none. A proxy of the environment is not used for loopback hosts, nor for hosts in
/// `no_proxy`.
std::string_view proxy_for(std::string_view url, const ProxyOptions& options, const ProxyEnvironment& environment);

/// Whether a host is in a `no_proxy` list: "*" for all, domains with their subdomains, addresses, CIDR blocks.
bool is_excepted(std::string_view host, std::string_view list);

/// The URL without credentials: "http://proxy.example:3128".
std::string proxy_name(std::string_view proxy_url);

bool is_socks(std::string_view proxy_url);

}  // namespace holysheep::transport
