// Maps a CURLcode to an error class, and decides whether the request may have reached the gateway.
#include "transport/curl_errors.hpp"

#include <string>
#include <system_error>

namespace holysheep::transport {

namespace {

/// The value of CURLE_TOO_LARGE in libcurl 8.6 and later; a number, because the header may be older than the library at
/// run time.
constexpr auto kTooLarge = static_cast<CURLcode>(100);

/// Whether a header line exceeded libcurl's limit. Before 8.6 libcurl reports that as out of memory.
bool is_oversized_header(CURLcode code, const FailureContext& context) {
    return context.sent && (code == kTooLarge || code == CURLE_OUT_OF_MEMORY);
}

ErrorCode class_of(CURLcode code, const FailureContext& context) {
    if (is_oversized_header(code, context)) return ErrorCode::malformed_response;
    switch (code) {
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_SSL_CIPHER:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_ISSUER_ERROR:
        case CURLE_SSL_CRL_BADFILE:
        case CURLE_SSL_ENGINE_NOTFOUND:
        case CURLE_SSL_ENGINE_SETFAILED:
        case CURLE_SSL_ENGINE_INITFAILED:
        case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
        case CURLE_SSL_INVALIDCERTSTATUS:
        case CURLE_SSL_CLIENTCERT:
        case CURLE_USE_SSL_FAILED: return ErrorCode::tls_failed;
        case CURLE_WEIRD_SERVER_REPLY:
        case CURLE_UNSUPPORTED_PROTOCOL:
        case CURLE_BAD_CONTENT_ENCODING: return ErrorCode::malformed_response;
        case CURLE_URL_MALFORMAT: return ErrorCode::invalid_request;
        // Headers exceeded libcurl's total limit, before 8.6.
        case CURLE_RECV_ERROR:
            return !context.head_seen && context.text.find("header") != std::string_view::npos
                       ? ErrorCode::malformed_response
                       : ErrorCode::transport_failed;
        default: return ErrorCode::transport_failed;
    }
}

}  // namespace

TransferEnd describe_failure(CURLcode code, const FailureContext& context) {
    TransferEnd end;
    end.error = class_of(code, context);
    // A stream that the server refused (RFC 9113, 8.7) was not processed, whatever was sent.
    const bool refused_stream = context.text.find("REFUSED_STREAM") != std::string_view::npos;
    end.certainly_not_delivered = !context.sent || refused_stream;
    end.detail = context.text.empty() ? curl_easy_strerror(code) : std::string(context.text);
    if (is_oversized_header(code, context)) end.detail = "a header of the answer is too large";
    // libcurl's text says that there is no connection, but not why: no host, no route, a firewall.
    if (code == CURLE_COULDNT_CONNECT && context.os_error != 0) {
        end.detail += " (" + std::generic_category().message(context.os_error) + ")";
    }
    while (!end.detail.empty() && (end.detail.back() == '\n' || end.detail.back() == ' ')) end.detail.pop_back();
    return end;
}

}  // namespace holysheep::transport
