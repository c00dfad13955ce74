// Implements the proxy rules of libcurl's lib/url.c and lib/noproxy.c.
#include "transport/proxy_choice.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <optional>

#include "transport/loopback.hpp"
#include "values/ascii.hpp"

namespace holysheep::transport {

namespace {

std::string first_of(std::initializer_list<const char*> names) {
    for (const char* name : names) {
        if (const char* value = std::getenv(name); value != nullptr && *value != '\0') return value;
    }
    return {};
}

struct Address {
    std::array<unsigned char, 16> bytes{};
    std::size_t bits = 0;
};

std::optional<Address> address_of(std::string_view text) {
    if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
    const std::string literal(text);
    Address address;
    if (::inet_pton(AF_INET, literal.c_str(), address.bytes.data()) == 1) {
        address.bits = 32;
    } else if (::inet_pton(AF_INET6, literal.c_str(), address.bytes.data()) == 1) {
        address.bits = 128;
    } else {
        return std::nullopt;
    }
    return address;
}

/// Whether the address is in a block such as "10.0.0.0/8", or equals a single address.
bool in_block(const Address& address, std::string_view block) {
    const auto slash = block.find('/');
    const auto network = address_of(block.substr(0, slash));
    if (!network || network->bits != address.bits) return false;
    std::size_t bits = network->bits;
    if (slash != std::string_view::npos) {
        const auto text = block.substr(slash + 1);
        const auto read = std::from_chars(text.data(), text.data() + text.size(), bits);
        if (read.ec != std::errc{} || read.ptr != text.data() + text.size() || bits > network->bits) return false;
    }
    const auto whole = bits / 8;
    if (std::memcmp(address.bytes.data(), network->bytes.data(), whole) != 0) return false;
    if (bits % 8 == 0) return true;
    const auto differing = static_cast<unsigned>(address.bytes[whole] ^ network->bytes[whole]);
    return (differing >> (8 - bits % 8)) == 0;
}

/// Whether the host is the domain or one of its subdomains.
bool in_domain(std::string_view host, std::string_view domain) {
    if (domain.empty() || host.size() < domain.size()) return false;
    if (!values::equal_ignoring_case(host.substr(host.size() - domain.size()), domain)) return false;
    return host.size() == domain.size() || host[host.size() - domain.size() - 1] == '.';
}

std::string_view without_dot_at_end(std::string_view name) {
    if (name.ends_with('.')) name.remove_suffix(1);
    return name;
}

}  // namespace

ProxyEnvironment ProxyEnvironment::read() {
    return {.http = first_of({"http_proxy"}),
            .https = first_of({"https_proxy", "HTTPS_PROXY"}),
            .all = first_of({"all_proxy", "ALL_PROXY"}),
            .exceptions = first_of({"no_proxy", "NO_PROXY"})};
}

bool is_excepted(std::string_view host, std::string_view list) {
    if (list == "*") return true;
    host = without_dot_at_end(host);
    const auto address = address_of(host);
    while (!list.empty()) {
        const auto end = list.find_first_of(", \t");
        auto entry = list.substr(0, end);
        list = end == std::string_view::npos ? std::string_view{} : list.substr(end + 1);
        if (address ? in_block(*address, entry) : false) return true;
        while (entry.starts_with('.')) entry.remove_prefix(1);
        if (!address && in_domain(host, without_dot_at_end(entry))) return true;
    }
    return false;
}

std::string_view proxy_for(std::string_view url, const ProxyOptions& options, const ProxyEnvironment& environment) {
    if (!options.url.empty()) return options.url;
    if (!options.from_environment) return {};
    const auto host = host_of_url(url);
    if (is_loopback_host(host) || is_excepted(host, environment.exceptions)) return {};
    const auto& own = url.starts_with("https://") ? environment.https : environment.http;
    return own.empty() ? environment.all : own;
}

std::string proxy_name(std::string_view proxy_url) {
    const auto scheme = proxy_url.find("://");
    auto host = scheme == std::string_view::npos ? proxy_url : proxy_url.substr(scheme + 3);
    host = host.substr(0, host.find_first_of("/?#"));
    if (const auto at = host.rfind('@'); at != std::string_view::npos) host.remove_prefix(at + 1);
    const auto prefix = scheme == std::string_view::npos ? "http" : proxy_url.substr(0, scheme);
    return std::string(prefix) + "://" + std::string(host);
}

bool is_socks(std::string_view proxy_url) { return proxy_url.starts_with("socks"); }

}  // namespace holysheep::transport
