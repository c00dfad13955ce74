// The table that classifies failures. Status codes are those of RFC 9110; 52x are Cloudflare's, 529 is "overloaded".
#include "call/classification.hpp"

namespace holysheep::call {

namespace {

using health::FailureClass;

Verdict by_class(const Outcome& outcome, const RetryOptions& retry, bool keys_differ) {
    switch (outcome.error) {
        case ErrorCode::transport_failed:
            // A pooled connection that was closed while idle says nothing about the region: retry once on a new
            // connection.
            if (outcome.new_connection_helps ||
                (outcome.connection_reused && !outcome.any_byte && outcome.limit == Limit::none)) {
                return {Action::same_fresh, FailureClass::none};
            }
            return {Action::next, outcome.refused ? FailureClass::gateway : FailureClass::transport};
        case ErrorCode::tls_failed: return {Action::next, FailureClass::transport};
        case ErrorCode::timed_out:
            if (outcome.limit == Limit::connect) return {Action::next, FailureClass::transport};
            // A slow model does not mean an unhealthy region: our own time limits count against the model there.
            if (outcome.limit != Limit::none) return {Action::next, FailureClass::timeout};
            return {Action::next, outcome.status == 408 ? FailureClass::none : FailureClass::gateway};
        case ErrorCode::server_failed:
            if (outcome.status == 501 || outcome.status == 505) return {Action::stop, FailureClass::none};
            if (outcome.status == 500 && !retry.server_500) return {Action::stop, FailureClass::server};
            if (is_refused_for_load(outcome)) return {Action::next, FailureClass::overload};
            return {Action::next,
                    outcome.status == 500 || outcome.status < 500 ? FailureClass::server : FailureClass::gateway};
        case ErrorCode::malformed_response: return {Action::next, FailureClass::server};
        case ErrorCode::rate_limited: return {Action::next, FailureClass::throttled};
        case ErrorCode::region_not_supported:
        case ErrorCode::model_not_found: return {Action::next, FailureClass::none};
        case ErrorCode::conflict: return {Action::same_later, FailureClass::none};
        case ErrorCode::unauthenticated: return {keys_differ ? Action::next : Action::stop, FailureClass::none};
        case ErrorCode::invalid_request:
            // Misdirected: the connection leads to a server that does not answer for this host (RFC 9110, 15.5.20).
            if (outcome.status == 421) return {Action::same_fresh, FailureClass::none};
            if (is_redirect(outcome)) return {Action::next, FailureClass::gateway};
            return {outcome.status == 425 ? Action::next : Action::stop, FailureClass::none};
        case ErrorCode::stream_interrupted: return {Action::stop, FailureClass::transport};
        case ErrorCode::stream_stalled:
            return {Action::stop, outcome.limit == Limit::silence ? FailureClass::transport : FailureClass::timeout};
        case ErrorCode::proxy_failed: {
            // A missing proxy, or one that wants other credentials, affects every region; any other refusal may concern
            // this region's host only.
            const bool for_all = outcome.proxy_status == 0 || outcome.proxy_status == 407;
            return {for_all ? Action::stop : Action::next, FailureClass::none};
        }
        // The region is not at fault, and no region can be reached over a new connection.
        case ErrorCode::descriptors_exhausted:
        case ErrorCode::cancelled:
        case ErrorCode::deadline_exceeded:
        case ErrorCode::invalid_options:
        case ErrorCode::permission_denied:
        case ErrorCode::context_length_exceeded:
        case ErrorCode::request_too_large:
        case ErrorCode::content_filtered:
        case ErrorCode::insufficient_quota:
        case ErrorCode::rate_limited_locally:
        case ErrorCode::budget_exceeded:
        case ErrorCode::internal_error:
        case ErrorCode::all_regions_unavailable: return {Action::stop, FailureClass::none};
    }
    return {};
}

// The gateway's explicit retry advice overrides the status, unless it refused the key or the account has no credit.
bool heeds_should_retry(ErrorCode code) {
    switch (code) {
        case ErrorCode::unauthenticated:
        case ErrorCode::permission_denied:
        case ErrorCode::insufficient_quota:
        case ErrorCode::cancelled:
        case ErrorCode::stream_interrupted:
        case ErrorCode::stream_stalled: return false;
        default: return true;
    }
}

}  // namespace

bool maybe_delivered(const Outcome& outcome) {
    if (outcome.certainly_not_delivered || outcome.refused) return false;
    switch (outcome.status) {
        case 0:
        case 408: return true;
        // Cloudflare could not connect to the origin server.
        case 521:
        case 523:
        case 525:
        case 526: return false;
        default:
            // A proxy may send a 5xx even though its upstream has received the request.
            return outcome.status >= 500 || (outcome.status >= 200 && outcome.status < 300);
    }
}

bool maybe_billed(const Outcome& outcome) {
    if (outcome.certainly_not_delivered || outcome.refused) return false;
    return outcome.status == 0 || outcome.status == 408 || outcome.status == 504 || outcome.status == 524 ||
           (outcome.status >= 200 && outcome.status < 300);
}

bool is_redirect(const Outcome& outcome) {
    return outcome.error == ErrorCode::invalid_request && outcome.status >= 300 && outcome.status < 400;
}

bool is_misrouted(const Outcome& outcome) {
    return is_redirect(outcome) || outcome.error == ErrorCode::malformed_response;
}

bool is_refused_for_load(const Outcome& outcome) {
    if (outcome.answered) return false;
    return outcome.error == ErrorCode::rate_limited ||
           (outcome.error == ErrorCode::server_failed && (outcome.status == 503 || outcome.status == 529));
}

Verdict classify(const Outcome& outcome, const RetryOptions& retry, const KeyOutlook& keys) {
    if (outcome.answered) return {Action::stop, FailureClass::success};
    auto verdict = by_class(outcome, retry, keys.differ);
    verdict.another_key = keys.another_key;
    verdict.retry_after = keys.usable_in ? keys.usable_in : outcome.retry_after;
    if (outcome.should_retry && heeds_should_retry(outcome.error)) {
        if (!*outcome.should_retry) {
            verdict.action = Action::stop;
        } else if (verdict.action == Action::stop) {
            verdict.action = Action::next;
        }
    }
    return verdict;
}

}  // namespace holysheep::call
