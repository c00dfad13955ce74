// The classes of failures: one closed list that callers can switch over.
// attempt → [ErrorCode] → AttemptRecord, Error
#pragma once

#include <iosfwd>
#include <string_view>

#include <holysheep/export.hpp>

namespace holysheep {
inline namespace v0 {

/// The class of a failure. Several HTTP statuses and provider codes map to one class; the provider's code takes
/// precedence over the status (a 429 may mean "slow down" or "out of money").
enum class ErrorCode {
    cancelled,          ///< the caller's stop token, `cancel()`, or the client's destruction
    deadline_exceeded,  ///< the deadline of the call passed
    invalid_options,    ///< client or call options are invalid; the message lists all problems
    invalid_request,  ///< refused by the client or the gateway (400, 405, 415, 422); resending it unchanged is useless
    unauthenticated,  ///< 401: the key is missing or unknown
    permission_denied,        ///< 403: the key lacks the permission
    region_not_supported,     ///< 403 with a country or region code: another region may answer
    model_not_found,          ///< 404 for the model
    context_length_exceeded,  ///< the prompt exceeds the context window of the model
    request_too_large,        ///< 413
    conflict,                 ///< 409
    content_filtered,         ///< a content policy refused the prompt
    timed_out,                ///< 408, 504, or a limit of TimeoutOptions for one attempt
    insufficient_quota,       ///< 402, or 429 with a billing code: waiting does not help
    rate_limited,             ///< 429: waiting helps
    rate_limited_locally,     ///< a limit of this client (rate, concurrency, queue); nothing was sent
    budget_exceeded,          ///< a cost ceiling of this client; nothing was sent
    all_regions_unavailable,  ///< every eligible region failed; `Error::cause` is the class of the first failure
    transport_failed,         ///< DNS failed, or the connection was refused, reset, or lost before any content
    tls_failed,               ///< handshake or certificate
    server_failed,            ///< 5xx
    malformed_response,       ///< the answer violates the protocol: HTML, broken JSON, no choices
    stream_interrupted,       ///< the connection was lost after content; see `Error::partial`
    stream_stalled,           ///< no further content for too long; see `Error::partial`
    descriptors_exhausted,    ///< the process cannot open more sockets (RLIMIT_NOFILE); no region is at fault
    /// An exception ended the call: memory ran out, or the program's own clock or transport threw and no built-in rule
    /// could replace it. The message contains its text. The client remains usable.
    internal_error,
    proxy_failed  ///< the proxy is unreachable, or refused (407, 403, 5xx to CONNECT); no region is at fault
};

/// The name of the enumerator, such as "rate_limited".
HOLYSHEEP_EXPORT std::string_view to_string(ErrorCode code);
/// Writes the name of the enumerator.
HOLYSHEEP_EXPORT std::ostream& operator<<(std::ostream& out, ErrorCode code);

}  // namespace v0
}  // namespace holysheep
