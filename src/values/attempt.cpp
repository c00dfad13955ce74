// Summarises the attempts of a call: kind, result and duration of each.
#include <holysheep/attempt.hpp>

#include "values/duration_text.hpp"

#include "values/ascii.hpp"

namespace holysheep {
inline namespace v0 {
namespace {

using values::contains_ignoring_case;
using values::measured_text;

/// Retries and failovers follow from the order of the attempts; the other kinds run in parallel or use another model,
/// so they are named.
std::string kind_in_words(const AttemptRecord& attempt) {
    switch (attempt.kind) {
        case AttemptKind::first:
        case AttemptKind::retry:
        case AttemptKind::failover: return "";
        case AttemptKind::hedge:
        case AttemptKind::race:
        case AttemptKind::rescue:
        case AttemptKind::backup: return " [" + std::string(to_string(attempt.kind)) + "]";
        case AttemptKind::fallback_model: return " [" + attempt.model + "]";
    }
    return "";
}

/// What happened to a connection, according to the transport's text.
std::string_view connection_in_words(std::string_view detail) {
    if (contains_ignoring_case(detail, "refused")) return "refused";
    if (contains_ignoring_case(detail, "resolve")) return "not found by name";
    if (contains_ignoring_case(detail, "reset")) return "reset";
    if (contains_ignoring_case(detail, "closed") || contains_ignoring_case(detail, "empty reply") ||
        contains_ignoring_case(detail, "eof"))
        return "closed";
    if (contains_ignoring_case(detail, "unreachable")) return "unreachable";
    return "connection failed";
}

std::string failure_in_words(const AttemptRecord& attempt) {
    const std::string status = attempt.http_status == 0 ? "" : std::to_string(attempt.http_status);
    const auto with_status = [&](std::string words) { return status.empty() ? words : words + " (" + status + ")"; };
    switch (*attempt.error) {
        case ErrorCode::cancelled: return contains_ignoring_case(attempt.detail, "ahead") ? "overtaken" : "cancelled";
        case ErrorCode::transport_failed: return std::string(connection_in_words(attempt.detail));
        case ErrorCode::tls_failed: return "TLS failed";
        case ErrorCode::proxy_failed: return "proxy failed";
        case ErrorCode::timed_out:
            return attempt.http_status >= 400 ? status : status.empty() ? "no answer" : "timed out";
        case ErrorCode::server_failed:
        case ErrorCode::rate_limited:
            // The status says it all, unless it is 200 and the error is in the body.
            if (attempt.http_status >= 400) return status;
            return with_status(attempt.error == ErrorCode::rate_limited ? "rate limited" : "failed");
        case ErrorCode::malformed_response: return with_status("malformed");
        case ErrorCode::stream_interrupted: return "cut";
        case ErrorCode::stream_stalled: return "stalled";
        default: break;
    }
    return with_status(std::string(to_string(*attempt.error)));
}

std::string outcome(const AttemptRecord& attempt) {
    if (attempt.error) return failure_in_words(attempt);
    return attempt.http_status == 0 ? "answered" : std::to_string(attempt.http_status);
}

}  // namespace

std::string_view to_string(AttemptKind kind) {
    switch (kind) {
        case AttemptKind::first: return "first";
        case AttemptKind::retry: return "retry";
        case AttemptKind::failover: return "failover";
        case AttemptKind::hedge: return "hedge";
        case AttemptKind::race: return "race";
        case AttemptKind::rescue: return "rescue";
        case AttemptKind::fallback_model: return "fallback_model";
        case AttemptKind::backup: return "backup";
    }
    return "unknown";
}

std::string describe(std::span<const AttemptRecord> attempts) {
    std::string story;
    for (const AttemptRecord& attempt : attempts) {
        if (!story.empty()) story += " → ";
        story += attempt.region;
        story += kind_in_words(attempt);
        story += " " + outcome(attempt);
        if (attempt.timings.total)
            story += (attempt.error ? " after " : " in ") + measured_text(*attempt.timings.total);
        if (!attempt.left.empty()) story += " (" + attempt.left + ")";
    }
    return story;
}

}  // namespace v0
}  // namespace holysheep
