// Formats an error as one line; implements its exception.
#include <algorithm>
#include <ostream>
#include <sstream>
#include <utility>

#include <holysheep/error.hpp>

#include "values/duration_text.hpp"

namespace holysheep {
inline namespace v0 {
namespace {

/// The default message of a class: its meaning and the remedy.
std::string_view meaning(ErrorCode code) {
    switch (code) {
        case ErrorCode::cancelled: return "the call was cancelled";
        case ErrorCode::deadline_exceeded: return "the call's deadline passed; allow more time or fewer attempts";
        case ErrorCode::invalid_options: return "the options are invalid";
        case ErrorCode::invalid_request: return "the request was refused; change it before sending it again";
        case ErrorCode::unauthenticated: return "the API key is missing or unknown; check HOLYSHEEP_API_KEY";
        case ErrorCode::permission_denied: return "the API key has no right to this";
        case ErrorCode::region_not_supported: return "the region does not serve this place; allow another region";
        case ErrorCode::model_not_found: return "the model is unknown; models() lists those that exist";
        case ErrorCode::context_length_exceeded: return "the prompt does not fit the model; shorten it";
        case ErrorCode::request_too_large: return "the request is too large; shorten it";
        case ErrorCode::conflict: return "the request collided with another one; try again";
        case ErrorCode::content_filtered: return "the prompt was refused by a content policy";
        case ErrorCode::timed_out: return "no answer in time; try again";
        case ErrorCode::insufficient_quota: return "the account's quota is used up; waiting does not help";
        case ErrorCode::rate_limited: return "the gateway asks for fewer requests; wait and try again";
        case ErrorCode::rate_limited_locally: return "this client's own rate limit was reached; wait and try again";
        case ErrorCode::budget_exceeded: return "this client's own cost ceiling was reached";
        case ErrorCode::all_regions_unavailable: return "no region gave an answer; try again later";
        case ErrorCode::transport_failed: return "the connection failed; try again";
        case ErrorCode::tls_failed: return "no secure connection; check certificates and host name";
        case ErrorCode::server_failed: return "the gateway failed; try again";
        case ErrorCode::malformed_response: return "the answer was not what the protocol says; check the base URL";
        case ErrorCode::stream_interrupted: return "the stream was cut; partial holds what came";
        case ErrorCode::stream_stalled: return "the stream went silent; partial holds what came";
        case ErrorCode::descriptors_exhausted: return "this process may open no more sockets; raise RLIMIT_NOFILE";
        case ErrorCode::internal_error: return "an exception ended the call; see what threw";
        case ErrorCode::proxy_failed: return "the proxy failed; check the proxy's settings";
    }
    return "";
}

/// Texts of gateways may contain line breaks and control characters, but a log line must be one line.
std::string on_one_line(std::string_view text) {
    std::string line(text);
    std::ranges::replace_if(
        line, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
    return line;
}

std::string as_line(const Error& error) {
    std::ostringstream out;
    out << error;
    return out.str();
}

bool is_retryable_class(ErrorCode code) {
    switch (code) {
        case ErrorCode::deadline_exceeded:
        case ErrorCode::conflict:
        case ErrorCode::timed_out:
        case ErrorCode::rate_limited:
        case ErrorCode::rate_limited_locally:
        case ErrorCode::all_regions_unavailable:
        case ErrorCode::transport_failed:
        case ErrorCode::tls_failed:
        case ErrorCode::server_failed:
        case ErrorCode::malformed_response:
        case ErrorCode::stream_interrupted:
        case ErrorCode::stream_stalled:
        case ErrorCode::descriptors_exhausted:
        case ErrorCode::proxy_failed: return true;
        case ErrorCode::cancelled:
        case ErrorCode::invalid_options:
        case ErrorCode::invalid_request:
        case ErrorCode::unauthenticated:
        case ErrorCode::permission_denied:
        case ErrorCode::region_not_supported:
        case ErrorCode::model_not_found:
        case ErrorCode::context_length_exceeded:
        case ErrorCode::request_too_large:
        case ErrorCode::content_filtered:
        case ErrorCode::insufficient_quota:
        case ErrorCode::budget_exceeded:
        case ErrorCode::internal_error: return false;
    }
    return false;
}

}  // namespace

bool Error::is_retryable() const {
    const int status = effective_status != 0 ? effective_status : http_status;
    const bool never_implemented = status == 501 || status == 505;
    return is_retryable_class(code) && !never_implemented;
}

std::ostream& operator<<(std::ostream& out, const Error& error) {
    out << error.code;
    if (error.cause) out << " (first " << *error.cause << ')';
    out << ": " << (error.message.empty() ? std::string(meaning(error.code)) : on_one_line(error.message));

    const char* separator = " [";
    const auto fact = [&](std::string_view name, std::string_view value) {
        out << std::exchange(separator, ", ") << name << value;
    };
    if (!error.region.empty() && error.attempts.empty()) fact("region ", on_one_line(error.region));
    if (error.http_status != 0) fact("HTTP ", std::to_string(error.http_status));
    if (!error.provider_code.empty()) fact("code ", on_one_line(error.provider_code));
    if (!error.request_id.empty()) fact("request id ", on_one_line(error.request_id));
    if (error.retry_after) fact("retry after ", values::milliseconds_text(*error.retry_after));
    if (!error.attempts.empty()) fact("attempts: ", on_one_line(describe(error.attempts)));
    if (std::string_view(separator) == ", ") out << ']';
    return out;
}

Exception::Exception(Error error)
    : std::runtime_error(as_line(error)), error_(std::make_shared<const Error>(std::move(error))) {}

Exception::~Exception() = default;

}  // namespace v0
}  // namespace holysheep
