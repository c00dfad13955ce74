// Parses the part of RFC 3986 that configured http(s) URLs need.
#include "client/base_url.hpp"

#include <algorithm>

#include "transport/loopback.hpp"
#include "values/ascii.hpp"

namespace holysheep::client {

namespace {

bool is_port(std::string_view text) {
    if (text.empty() || text.size() > 5 || text.find_first_not_of("0123456789") != std::string_view::npos) return false;
    int port = 0;
    for (const char c : text) port = port * 10 + (c - '0');
    return port > 0 && port <= 65'535;
}

bool has_forbidden_characters(std::string_view text) {
    return std::ranges::any_of(
        text, [](unsigned char c) { return c <= 0x20 || c >= 0x7f || c == '"' || c == '<' || c == '>' || c == '\\'; });
}

}  // namespace

ParsedBaseUrl parse_base_url(std::string_view text, bool allow_plaintext) {
    if (has_forbidden_characters(text)) {
        return {.problem = "it holds white space, control or non-ASCII characters; percent-encode them"};
    }
    const auto scheme_end = text.find("://");
    if (scheme_end == std::string_view::npos) return {.problem = "it has no scheme; start it with https://"};
    BaseUrl url;
    url.scheme = values::lower(text.substr(0, scheme_end));
    if (url.scheme != "https" && url.scheme != "http")
        return {.problem = "only https:// (and http:// to loopback) is supported"};
    if (text.find('#') != std::string_view::npos)
        return {.problem = "it has a fragment (#…), which is never sent; remove it"};

    const auto query = std::min(text.find('?'), text.size());
    url.query = text.substr(query);
    auto rest = text.substr(0, query);
    while (rest.size() > scheme_end + 3 && rest.ends_with('/')) rest.remove_suffix(1);
    url.url = url.scheme + std::string(rest.substr(scheme_end));

    auto authority = rest.substr(scheme_end + 3);
    authority = authority.substr(0, authority.find('/'));
    if (authority.find('@') != std::string_view::npos) {
        return {.problem = "it holds credentials (user:password@); give the key as api_key instead"};
    }
    std::string_view port;
    if (authority.starts_with('[')) {
        const auto close = authority.find(']');
        if (close == std::string_view::npos) return {.problem = "its IPv6 address has no closing bracket"};
        port = authority.substr(close + 1);
        url.host = values::lower(authority.substr(0, close + 1));
    } else {
        const auto colon = std::min(authority.find(':'), authority.size());
        port = authority.substr(colon);
        url.host = values::lower(authority.substr(0, colon));
    }
    if (url.host.empty()) return {.problem = "it has no host"};
    if (!port.empty() && (port.front() != ':' || !is_port(port.substr(1)))) {
        return {.problem = "its port is not a number from 1 to 65535"};
    }
    if (url.scheme == "http" && !allow_plaintext && !transport::is_loopback_host(url.host)) {
        return {.problem = "http:// would send the key in plain text; use https://, or set tls.allow_plaintext"};
    }
    return {.parts = std::move(url)};
}

}  // namespace holysheep::client
