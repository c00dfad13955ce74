// Interprets the replies of proxies: SOCKS (RFC 1928, section 6) and CONNECT (RFC 9110, section 9.3.6).
#include "transport/proxy_failure.hpp"

namespace holysheep::transport {

namespace {

/// The reply as an HTTP status: 0 if the proxy itself did not answer, unset if it reports that the target is
/// unreachable.
std::optional<int> status_of_socks(long error) {
    switch (error) {
        case CURLPX_REPLY_CONNECTION_REFUSED:
        case CURLPX_REPLY_HOST_UNREACHABLE:
        case CURLPX_REPLY_NETWORK_UNREACHABLE:
        case CURLPX_REPLY_TTL_EXPIRED:
        case CURLPX_RESOLVE_HOST: return std::nullopt;
        case CURLPX_USER_REJECTED:
        case CURLPX_NO_AUTH:
        case CURLPX_IDENTD:
        case CURLPX_IDENTD_DIFFER:
        case CURLPX_GSSAPI:
        case CURLPX_GSSAPI_PERMSG:
        case CURLPX_GSSAPI_PROTECTION: return 407;
        case CURLPX_REPLY_NOT_ALLOWED: return 403;
        case CURLPX_REPLY_GENERAL_SERVER_FAILURE:
        case CURLPX_REPLY_COMMAND_NOT_SUPPORTED:
        case CURLPX_REPLY_ADDRESS_TYPE_NOT_SUPPORTED:
        case CURLPX_REPLY_UNASSIGNED:
        case CURLPX_REQUEST_FAILED: return 502;
        default: return 0;
    }
}

std::optional<int> proxy_status_of(CURLcode code, const ProxyContext& context) {
    if (code == CURLE_COULDNT_RESOLVE_PROXY) return 0;
    if (context.socks) {
        if (code == CURLE_PROXY) return status_of_socks(context.socks_error);
        return code == CURLE_COULDNT_CONNECT ? std::optional(0) : std::nullopt;
    }
    // The tunnel is established, so the failure lies between the proxy and the target.
    if (context.tunnel && context.connect_status >= 200 && context.connect_status < 300) return std::nullopt;
    if (context.connect_status == 401) return 407;  // tinyproxy's answer to wrong credentials
    return static_cast<int>(context.connect_status);
}

std::string remedy(int status, const ProxyContext& context) {
    const std::string settings = context.from_environment ? "the environment's proxy variables" : "proxy.url";
    const std::string target(context.target);
    if (status == 407) {
        if (context.from_environment) return "check the user name and the password in " + settings;
        return context.has_credentials ? "check proxy.user and proxy.password" : "set proxy.user and proxy.password";
    }
    if (status == 0) {
        return "check " + settings + ", and that the proxy is running" +
               (context.from_environment ? "; proxy.from_environment = false ignores it" : "");
    }
    if (status < 500) {
        return "ask the proxy's administrator to allow " + target +
               (context.from_environment ? ", or add it to no_proxy" : "");
    }
    return "see the proxy's log for " + target;
}

std::string_view describe_refusal(int status, const ProxyContext& context) {
    if (status == 0) return " failed";
    if (status == 407) return context.has_credentials ? " refused the credentials" : " requires credentials";
    return status < 500 ? " refused the connection" : " could not connect";
}

}  // namespace

std::optional<ProxyFailure> explain_proxy(CURLcode code, const ProxyContext& context) {
    const auto status = proxy_status_of(code, context);
    if (!status) return std::nullopt;
    auto text = context.text;
    while (text.ends_with('\n') || text.ends_with(' ')) text.remove_suffix(1);
    std::string detail = "the proxy " + std::string(context.name);
    detail += describe_refusal(*status, context);
    if (!context.target.empty() && *status >= 400 && *status != 407) detail += " to " + std::string(context.target);
    if (context.connect_status != 0) {
        detail += " (" + std::to_string(context.connect_status) + ")";
    } else {
        detail += " (" + std::string(text.empty() ? curl_easy_strerror(code) : text) + ")";
    }
    return ProxyFailure{.status = *status, .detail = detail + ": " + remedy(*status, context)};
}

}  // namespace holysheep::transport
