// The words are those that providers document or were seen to send; RFC 9110 decides where they say nothing.
#include "wire/error_class.hpp"

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace holysheep::wire {
namespace {

using Words = std::initializer_list<std::string_view>;

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return out;
}

/// What the body says, folded to lower case once.
class Evidence {
  public:
    Evidence(int status, const ErrorFields& fields)
        : status_(status),
          code_(lower(fields.code)),
          type_(lower(fields.type)),
          inner_(lower(fields.inner_code)),
          message_(lower(fields.message)) {}

    int status() const { return status_; }
    bool status_in(std::initializer_list<int> statuses) const {
        return std::find(statuses.begin(), statuses.end(), status_) != statuses.end();
    }
    /// Code or type is one of these words.
    bool named(Words words) const {
        return std::any_of(words.begin(), words.end(),
                           [&](std::string_view word) { return word == code_ || word == type_ || word == inner_; });
    }
    bool mentions(Words phrases) const {
        return std::any_of(phrases.begin(), phrases.end(),
                           [&](std::string_view phrase) { return message_.find(phrase) != std::string::npos; });
    }

  private:
    int status_;
    std::string code_, type_, inner_, message_;
};

bool is_quota(const Evidence& e) {
    return e.status() == 402 ||
           e.named({"insufficient_quota", "credit_balance_exhausted", "organization_spend_limit_exceeded",
                    "project_spend_limit_exceeded", "organization_usage_limit_exceeded", "billing_hard_limit_reached",
                    "billing_not_active", "access_terminated", "enforced_spend_limit_reached", "insufficient_credits",
                    "insufficient_balance", "insufficient_user_quota", "exceeded_current_quota_error", "arrearage",
                    "billing_error", "billing_disabled"}) ||
           e.mentions({"insufficient balance", "insufficient credit", "credit balance is too low"});
}

bool is_context_length(const Evidence& e) {
    if (e.named({"context_length_exceeded", "context_window_exceeded", "too_many_prompt_tokens",
                 "string_above_max_length", "model_max_prompt_tokens_exceeded", "exceed_context_size_error"})) {
        return true;
    }
    // The phrases also occur in rate limits ("too many tokens per minute").
    return e.status_in({0, 400, 413, 422, 500}) &&
           e.mentions({"maximum context length", "model's context length", "context length exceeded",
                       "exceeds the context", "exceed context limit", "exceeds the available context", "context window",
                       "contextwindowexceeded", "prompt is too long", "prompt too long", "prompt exceeds max length",
                       "maximum prompt length", "too many tokens", "exceeds the maximum number of tokens",
                       "exceeded model token limit", "reduce the length of the messages", "input is too long",
                       "range of input length", "`inputs` tokens + `max_new_tokens` must be"});
}

bool is_content_filter(const Evidence& e) {
    if (e.named({"content_filter", "content_filtered", "content_policy_violation", "responsibleaipolicyviolation",
                 "moderation_blocked", "data_inspection_failed", "datainspectionfailed"})) {
        return true;
    }
    return e.status_in({400, 403}) && e.mentions({"content management policy", "moderation", "was flagged"});
}

bool is_region(const Evidence& e) {
    return e.named({"unsupported_country_region_territory", "region_not_supported"}) ||
           (e.status_in({400, 403, 451}) &&
            e.mentions({"country, region, or territory", "location is not supported", "not available in your region",
                        "not available in your country", "region is not supported", "region not supported"}));
}

bool is_model_not_found(const Evidence& e) {
    if (e.named({"model_not_found", "deploymentnotfound", "model_not_available", "model_decommissioned",
                 "invalid_model"})) {
        return true;
    }
    if (e.status() == 400 && e.mentions({"not a valid model", "invalid model name", "model not exist"})) return true;
    return e.status() == 404 && (e.named({"not_found_error", "not_found"}) || e.mentions({"model", "deployment"}));
}

/// Codes that hold whatever the status is.
std::optional<ErrorCode> class_of_codes(const Evidence& e) {
    if (is_quota(e)) return ErrorCode::insufficient_quota;
    if (is_context_length(e)) return ErrorCode::context_length_exceeded;
    if (is_region(e)) return ErrorCode::region_not_supported;
    if (is_content_filter(e)) return ErrorCode::content_filtered;
    if (is_model_not_found(e)) return ErrorCode::model_not_found;
    if (e.named({"invalid_api_key", "api_key_invalid", "authentication_error", "unauthenticated"}))
        return ErrorCode::unauthenticated;
    // A 413 with such a code (Groq) is a request that is larger than a whole minute's tokens: waiting does not help.
    const bool other = e.status() >= 500 || e.status() == 413;
    const bool pace =
        e.named({"rate_limit_exceeded", "rate_limit_error", "rate_limit_reached_error", "ratelimitreached",
                 "too_many_requests", "slow_down", "rate_limited", "resource_exhausted", "quota_exceeded"});
    if (pace && !other) return ErrorCode::rate_limited;
    return std::nullopt;
}

/// Weaker words, for errors inside a 200 that name no status.
ErrorCode class_of_weak_codes(const Evidence& e) {
    if (e.named({"timeout_error", "timeout", "request_timeout", "deadline_exceeded"})) return ErrorCode::timed_out;
    if (e.named({"permission_error", "permission_denied"})) return ErrorCode::permission_denied;
    if (e.named({"request_too_large"})) return ErrorCode::request_too_large;
    if (e.named({"not_found_error", "not_found"})) return ErrorCode::model_not_found;
    if (e.named({"conflict_error"})) return ErrorCode::conflict;
    if (e.named({"invalid_request_error", "unsupported_value", "unsupported_parameter", "invalid_value",
                 "invalid_argument", "tool_use_failed", "bad_request", "badrequesterror"})) {
        return ErrorCode::invalid_request;
    }
    return ErrorCode::server_failed;
}

ErrorCode class_of_status(int status) {
    switch (status) {
        case 401: return ErrorCode::unauthenticated;
        case 402: return ErrorCode::insufficient_quota;
        case 403: return ErrorCode::permission_denied;
        case 408:
        case 504:
        case 524: return ErrorCode::timed_out;
        case 409: return ErrorCode::conflict;
        case 413: return ErrorCode::request_too_large;
        case 424:  // an upstream failed
        case 425: return ErrorCode::server_failed;
        case 429: return ErrorCode::rate_limited;
        case 451: return ErrorCode::region_not_supported;
        default: break;
    }
    if (status >= 500) return ErrorCode::server_failed;
    // A redirect means that the base URL is wrong: it is not followed, for the key belongs to one host.
    return status >= 300 ? ErrorCode::invalid_request : ErrorCode::malformed_response;
}

}  // namespace

ErrorCode classify_error(int status, const ErrorFields& fields) {
    const Evidence evidence(status, fields);
    if (const auto code = class_of_codes(evidence)) return *code;
    return status == 0 ? class_of_weak_codes(evidence) : class_of_status(status);
}

}  // namespace holysheep::wire
