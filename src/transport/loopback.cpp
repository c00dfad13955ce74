// Recognises loopback hosts by the text alone, without resolving names.
#include "transport/loopback.hpp"

namespace holysheep::transport {

std::string_view host_of_url(std::string_view url) {
    const auto scheme = url.find("://");
    if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
    url = url.substr(0, url.find_first_of("/?#"));
    if (url.starts_with('[')) return url.substr(0, url.find(']') + 1);
    return url.substr(0, url.rfind(':'));
}

bool is_loopback_host(std::string_view host) {
    if (host == "localhost" || host == "[::1]" || host.ends_with(".localhost")) return true;
    // 127.0.0.0/8, digits and dots only: 127.0.0.1.example.com is another host.
    return host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace holysheep::transport
