// Whether a transfer that sent nothing failed at its proxy, and what helps. One table, without state.
// libcurl's result → [explain_proxy] → TransferEnd
#pragma once

#include <curl/curl.h>

#include <optional>
#include <string>
#include <string_view>

namespace holysheep::transport {

struct ProxyContext {
    std::string_view name{};    ///< without credentials
    std::string_view target{};  ///< the host behind it
    bool socks = false;
    bool tunnel = false;  ///< the proxy is asked for a tunnel (CONNECT): https:// behind an HTTP proxy
    bool has_credentials = false;
    bool from_environment = false;
    long connect_status = 0;  ///< what it answered to CONNECT; 0: nothing
    long socks_error = 0;     ///< CURLINFO_PROXY_ERROR
    std::string_view text{};  ///< libcurl's own words
};

struct ProxyFailure {
    /// Its answer as an HTTP status, SOCKS's replies translated; 0: it did not answer.
    int status = 0;
    std::string detail{};  ///< names the proxy and the remedy
};

/// Unset where the proxy did its part, and the host behind it failed.
std::optional<ProxyFailure> explain_proxy(CURLcode code, const ProxyContext& context);

}  // namespace holysheep::transport
