// Names of the failure classes, as they appear in logs, records and metrics.
#include <ostream>

#include <holysheep/error_code.hpp>

namespace holysheep {
inline namespace v0 {

std::string_view to_string(ErrorCode code) {
    switch (code) {
        case ErrorCode::cancelled: return "cancelled";
        case ErrorCode::deadline_exceeded: return "deadline_exceeded";
        case ErrorCode::invalid_options: return "invalid_options";
        case ErrorCode::invalid_request: return "invalid_request";
        case ErrorCode::unauthenticated: return "unauthenticated";
        case ErrorCode::permission_denied: return "permission_denied";
        case ErrorCode::region_not_supported: return "region_not_supported";
        case ErrorCode::model_not_found: return "model_not_found";
        case ErrorCode::context_length_exceeded: return "context_length_exceeded";
        case ErrorCode::request_too_large: return "request_too_large";
        case ErrorCode::conflict: return "conflict";
        case ErrorCode::content_filtered: return "content_filtered";
        case ErrorCode::timed_out: return "timed_out";
        case ErrorCode::insufficient_quota: return "insufficient_quota";
        case ErrorCode::rate_limited: return "rate_limited";
        case ErrorCode::rate_limited_locally: return "rate_limited_locally";
        case ErrorCode::budget_exceeded: return "budget_exceeded";
        case ErrorCode::all_regions_unavailable: return "all_regions_unavailable";
        case ErrorCode::transport_failed: return "transport_failed";
        case ErrorCode::tls_failed: return "tls_failed";
        case ErrorCode::server_failed: return "server_failed";
        case ErrorCode::malformed_response: return "malformed_response";
        case ErrorCode::stream_interrupted: return "stream_interrupted";
        case ErrorCode::stream_stalled: return "stream_stalled";
        case ErrorCode::descriptors_exhausted: return "descriptors_exhausted";
        case ErrorCode::internal_error: return "internal_error";
        case ErrorCode::proxy_failed: return "proxy_failed";
    }
    return "unknown";
}

std::ostream& operator<<(std::ostream& out, ErrorCode code) { return out << to_string(code); }

}  // namespace v0
}  // namespace holysheep
