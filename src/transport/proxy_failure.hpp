// Decides whether a transfer that sent nothing failed at its proxy, and names the remedy. One table, without state.
// libcurl's result → [explain_proxy] → TransferEnd
#pragma once

#include <curl/curl.h>

#include <optional>
#include <string>
#include <string_view>

namespace holysheep::transport {

struct ProxyContext {
    std::string_view name{};    ///< without credentials
    std::string_view target{};  ///< the host behind the proxy
    bool socks = false;
    bool tunnel = false;  ///< uses a tunnel (CONNECT): https:// behind an HTTP proxy
    bool has_credentials = false;
    bool from_environment = false;
    long connect_status = 0;  ///< its answer to CONNECT; 0: none
    long socks_error = 0;     ///< CURLINFO_PROXY_ERROR
    std::string_view text{};  ///< libcurl's error text
};

struct ProxyFailure {
    /// The proxy's answer as an HTTP status, translated for SOCKS; 0 if it did not answer.
    int status = 0;
    std::string detail{};  ///< names the proxy and the remedy
};

/// Unset if the failure is behind the proxy.
std::optional<ProxyFailure> explain_proxy(CURLcode code, const ProxyContext& context);

}  // namespace holysheep::transport
