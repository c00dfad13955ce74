// Why a call or an attempt failed: one closed list that callers can switch over.
// attempt → [ErrorCode] → AttemptRecord, Error
#pragma once

#include <iosfwd>
#include <string_view>

#include <holysheep/export.hpp>

namespace holysheep {
inline namespace v0 {

/// The class of a failure. Several HTTP statuses and provider codes map to one class: the provider's code decides
/// before the status (a 429 may mean "slow down" or "out of money").
enum class ErrorCode {
    cancelled,             ///< the caller's stop token, `cancel()`, or the client's destruction
    deadline_exceeded,     ///< the call's total deadline passed
    invalid_options,       ///< client or call options that cannot work; the message names each of them
    invalid_request,       ///< refused before or by the gateway (400, 405, 415, 422): resending it unchanged is useless
    unauthenticated,       ///< 401: no key, or a key the gateway does not know
    permission_denied,     ///< 403: the key has no right to this
    region_not_supported,  ///< 403 with a country or region code: another region may answer
    model_not_found,       ///< 404 for the model
    context_length_exceeded,  ///< the prompt does not fit into the model's window
    request_too_large,        ///< 413
    conflict,                 ///< 409
    content_filtered,         ///< the prompt was refused by a content policy
    timed_out,                ///< 408, 504, or one of this client's clocks for one attempt
    insufficient_quota,       ///< 402, or 429 with a billing code: waiting does not help
    rate_limited,             ///< 429: waiting helps
    rate_limited_locally,     ///< this client's own limiter, before anything was sent
    budget_exceeded,          ///< this client's own cost ceiling, before anything was sent
    all_regions_unavailable,  ///< every eligible region failed; `Error::cause` says how the first one did
    transport_failed,         ///< DNS, connection refused, reset, lost before any content
    tls_failed,               ///< handshake or certificate
    server_failed,            ///< 5xx
    malformed_response,       ///< an answer that is not what the protocol says: HTML, broken JSON, no choices
    stream_interrupted,       ///< the stream was cut after content; `Error::partial` holds what came
    stream_stalled,           ///< the stream went silent after content; `Error::partial` holds what came
    descriptors_exhausted,    ///< this process may open no more sockets (RLIMIT_NOFILE); no region is blamed
    /// An exception ended the call: the program's clock or transport threw where no built-in rule can take its place,
    /// or memory ran out. The message names it. The client goes on.
    internal_error,
    proxy_failed  ///< the proxy cannot be reached, or refused (407, 403, 5xx to CONNECT); no region is blamed
};

/// The enumerator's name, e.g. "rate_limited".
HOLYSHEEP_EXPORT std::string_view to_string(ErrorCode code);
HOLYSHEEP_EXPORT std::ostream& operator<<(std::ostream& out, ErrorCode code);

}  // namespace v0
}  // namespace holysheep
