// Recognises loopback hosts, the only ones that need neither TLS nor a proxy.
#pragma once

#include <string_view>

namespace holysheep::transport {

/// The authority of a URL without its port; "[::1]" keeps its brackets.
std::string_view host_of_url(std::string_view url);
/// Whether the host is loopback, by name or address: localhost, *.localhost (RFC 6761), 127.0.0.0/8, [::1].
bool is_loopback_host(std::string_view host);

}  // namespace holysheep::transport
