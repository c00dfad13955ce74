// The table of failures, row by row: the next action, and what the failure means for the region.
#include "call/classification.hpp"

#include <gtest/gtest.h>

namespace holysheep::call {

// Readable messages for failed expectations.
static void PrintTo(Action action, std::ostream* out) {
    constexpr const char* kNames[] = {"stop", "next", "same_fresh", "same_later"};
    *out << kNames[static_cast<int>(action)];
}

namespace {

using enum Action;
using health::FailureClass;

Outcome http(ErrorCode error, int status) { return {.error = error, .status = status, .any_byte = true}; }
Outcome ran_out(Limit limit, int status = 0) {
    return {.error = ErrorCode::timed_out, .limit = limit, .status = status};
}

TEST(Classification, EveryFailureHasAnActionAndAFailureClass) {
    struct Row {
        const char* signal;
        Outcome outcome;
        Action action;
        FailureClass charge;
    };
    const Row rows[] = {
        {"no connection", {.certainly_not_delivered = true}, next, FailureClass::transport},
        {"TLS or certificate",
         {.error = ErrorCode::tls_failed, .certainly_not_delivered = true},
         next,
         FailureClass::transport},
        {"a pooled connection was dead", {.connection_reused = true}, same_fresh, FailureClass::none},
        {"a pooled connection broke within the answer",
         {.connection_reused = true, .any_byte = true},
         next,
         FailureClass::transport},
        {"a fresh connection broke", {}, next, FailureClass::transport},
        {"a stream was refused on a fresh connection",
         {.certainly_not_delivered = true, .refused = true},
         next,
         FailureClass::gateway},
        {"a stream was refused on a pooled connection",
         {.certainly_not_delivered = true, .refused = true, .new_connection_helps = true},
         same_fresh,
         FailureClass::none},
        {"a fresh connection broke within the answer",
         {.status = 200, .any_byte = true},
         next,
         FailureClass::transport},
        {"connect limit", ran_out(Limit::connect), next, FailureClass::transport},
        {"first-byte limit", ran_out(Limit::first_byte), next, FailureClass::timeout},
        {"first-content limit", ran_out(Limit::first_content, 200), next, FailureClass::timeout},
        {"stall limit before content", ran_out(Limit::stall, 200), next, FailureClass::timeout},
        {"attempt limit", ran_out(Limit::attempt), next, FailureClass::timeout},
        {"a 200 without an answer", http(ErrorCode::malformed_response, 200), next, FailureClass::server},
        {"an error inside a 200", http(ErrorCode::server_failed, 200), next, FailureClass::server},
        {"408", http(ErrorCode::timed_out, 408), next, FailureClass::none},
        {"425", http(ErrorCode::server_failed, 425), next, FailureClass::server},
        {"425 classified by its body", http(ErrorCode::invalid_request, 425), next, FailureClass::none},
        {"409", http(ErrorCode::conflict, 409), same_later, FailureClass::none},
        {"429", http(ErrorCode::rate_limited, 429), next, FailureClass::throttled},
        {"429 or 402 for lack of credit", http(ErrorCode::insufficient_quota, 429), stop, FailureClass::none},
        {"401", http(ErrorCode::unauthenticated, 401), stop, FailureClass::none},
        {"403", http(ErrorCode::permission_denied, 403), stop, FailureClass::none},
        {"403 for the country", http(ErrorCode::region_not_supported, 403), next, FailureClass::none},
        {"400 too long", http(ErrorCode::context_length_exceeded, 400), stop, FailureClass::none},
        {"413", http(ErrorCode::request_too_large, 413), stop, FailureClass::none},
        {"400 content policy", http(ErrorCode::content_filtered, 400), stop, FailureClass::none},
        {"400", http(ErrorCode::invalid_request, 400), stop, FailureClass::none},
        {"404 for a path", http(ErrorCode::invalid_request, 404), stop, FailureClass::none},
        {"421", http(ErrorCode::invalid_request, 421), same_fresh, FailureClass::none},
        {"422", http(ErrorCode::invalid_request, 422), stop, FailureClass::none},
        {"a redirect", http(ErrorCode::invalid_request, 308), next, FailureClass::gateway},
        {"404 for the model", http(ErrorCode::model_not_found, 404), next, FailureClass::none},
        {"500", http(ErrorCode::server_failed, 500), next, FailureClass::server},
        {"501", http(ErrorCode::server_failed, 501), stop, FailureClass::none},
        {"502", http(ErrorCode::server_failed, 502), next, FailureClass::gateway},
        {"503", http(ErrorCode::server_failed, 503), next, FailureClass::overload},
        {"504", http(ErrorCode::timed_out, 504), next, FailureClass::gateway},
        {"505", http(ErrorCode::server_failed, 505), stop, FailureClass::none},
        {"520", http(ErrorCode::server_failed, 520), next, FailureClass::gateway},
        {"529", http(ErrorCode::server_failed, 529), next, FailureClass::overload},
        {"cut after content", http(ErrorCode::stream_interrupted, 200), stop, FailureClass::transport},
        {"silent after content", http(ErrorCode::stream_stalled, 200), stop, FailureClass::timeout},
        {"the proxy is unreachable", {.error = ErrorCode::proxy_failed}, stop, FailureClass::none},
        {"the proxy requires credentials",
         {.error = ErrorCode::proxy_failed, .proxy_status = 407},
         stop,
         FailureClass::none},
        {"the proxy refuses a host", {.error = ErrorCode::proxy_failed, .proxy_status = 403}, next, FailureClass::none},
        {"the proxy cannot connect", {.error = ErrorCode::proxy_failed, .proxy_status = 503}, next, FailureClass::none},
        {"cancelled", {.error = ErrorCode::cancelled}, stop, FailureClass::none},
        {"deadline", {.error = ErrorCode::deadline_exceeded}, stop, FailureClass::none},
        {"a local error", {.error = ErrorCode::invalid_request}, stop, FailureClass::none},
        {"a whole answer", {.answered = true}, stop, FailureClass::success},
    };
    for (const auto& row : rows) {
        const auto verdict = classify(row.outcome, {});
        EXPECT_EQ(verdict.action, row.action) << row.signal;
        EXPECT_EQ(verdict.charge, row.charge) << row.signal;
    }
}

TEST(Classification, ATimeoutOnAPooledConnectionIsNotAStaleConnection) {
    EXPECT_EQ(classify({.limit = Limit::connect, .connection_reused = true}, {}).action, next);
}

TEST(Classification, ARefusedKeyMovesOnWhereRegionsHaveTheirOwnKeys) {
    EXPECT_EQ(classify(http(ErrorCode::unauthenticated, 401), {}, {.differ = true}).action, next);
}

TEST(Classification, A500IsFinalIfConfigured) {
    const RetryOptions final_500{.server_500 = false};
    EXPECT_EQ(classify(http(ErrorCode::server_failed, 500), final_500).action, stop);
    EXPECT_EQ(classify(http(ErrorCode::server_failed, 500), final_500).charge, FailureClass::server);
    EXPECT_EQ(classify(http(ErrorCode::server_failed, 503), final_500).action, next);
}

TEST(Classification, AnExplicitShouldRetryOverridesTheStatus) {
    struct Row {
        ErrorCode error;
        int status;
        bool should_retry;
        Action action;
    };
    const Row rows[] = {
        {ErrorCode::server_failed, 503, false, stop},
        {ErrorCode::rate_limited, 429, false, stop},
        {ErrorCode::conflict, 409, false, stop},
        {ErrorCode::timed_out, 408, false, stop},
        {ErrorCode::invalid_request, 400, true, next},
        {ErrorCode::server_failed, 501, true, next},
        {ErrorCode::server_failed, 503, true, next},
        {ErrorCode::conflict, 409, true, same_later},
        // Without credit or with a refused key another attempt is useless, even if a header asks for it.
        {ErrorCode::unauthenticated, 401, true, stop},
        {ErrorCode::permission_denied, 403, true, stop},
        {ErrorCode::insufficient_quota, 429, true, stop}};
    for (const auto& row : rows) {
        auto outcome = http(row.error, row.status);
        outcome.should_retry = row.should_retry;
        EXPECT_EQ(classify(outcome, {}).action, row.action) << row.status << ' ' << row.should_retry;
    }
}

TEST(Classification, DeliveredContentIsNeverReplayedDespiteAHeader) {
    auto cut = http(ErrorCode::stream_interrupted, 200);
    cut.should_retry = true;
    EXPECT_EQ(classify(cut, {}).action, stop);
}

TEST(Classification, ASilentDeadRegionCountsMoreThanASlowModel) {
    auto silent = http(ErrorCode::stream_stalled, 200);
    silent.limit = Limit::silence;
    EXPECT_EQ(classify(silent, {}).charge, FailureClass::transport);
    EXPECT_EQ(classify(silent, {}).action, stop);
}

TEST(Classification, ALocalErrorIsFinalAndNotBlamedOnARegion) {
    for (const auto code : {ErrorCode::descriptors_exhausted, ErrorCode::internal_error, ErrorCode::invalid_options,
                            ErrorCode::rate_limited_locally, ErrorCode::budget_exceeded}) {
        const auto verdict = classify({.error = code}, {});
        EXPECT_EQ(verdict.action, stop) << to_string(code);
        EXPECT_EQ(verdict.charge, FailureClass::none) << to_string(code);
    }
}

TEST(MaybeDelivered, IsFalseOnlyIfCertain) {
    EXPECT_TRUE(maybe_delivered({}));
    EXPECT_FALSE(maybe_delivered({.certainly_not_delivered = true}));
    EXPECT_FALSE(maybe_delivered({.status = 503, .refused = true}));
    for (const int status : {200, 204, 299, 408, 500, 502, 504, 520, 522, 524, 599}) {
        EXPECT_TRUE(maybe_delivered({.status = status})) << status;
    }
    for (const int status : {199, 300, 400, 409, 429, 499, 521, 523, 525, 526}) {
        EXPECT_FALSE(maybe_delivered({.status = status})) << status;
    }
}

TEST(MaybeBilled, IsFalseAfterAnErrorOfTheGatewayItself) {
    EXPECT_TRUE(maybe_billed({}));
    EXPECT_FALSE(maybe_billed({.certainly_not_delivered = true}));
    EXPECT_FALSE(maybe_billed({.status = 200, .refused = true}));
    for (const int status : {200, 299, 408, 504, 524}) EXPECT_TRUE(maybe_billed({.status = status})) << status;
    for (const int status : {199, 300, 400, 429, 500, 502, 503, 529}) {
        EXPECT_FALSE(maybe_billed({.status = status})) << status;
    }
}

TEST(Misrouted, AreRedirectsAndMalformedAnswers) {
    for (const int status : {300, 308, 399}) {
        EXPECT_TRUE(is_redirect(http(ErrorCode::invalid_request, status))) << status;
        EXPECT_TRUE(is_misrouted(http(ErrorCode::invalid_request, status))) << status;
    }
    EXPECT_FALSE(is_redirect(http(ErrorCode::invalid_request, 299)));
    EXPECT_FALSE(is_redirect(http(ErrorCode::invalid_request, 400)));
    EXPECT_FALSE(is_redirect(http(ErrorCode::server_failed, 302)));
    EXPECT_TRUE(is_misrouted(http(ErrorCode::malformed_response, 200)));
    EXPECT_FALSE(is_misrouted(http(ErrorCode::server_failed, 500)));
}

TEST(RefusedForLoad, AreThrottlingAndOverload) {
    EXPECT_TRUE(is_refused_for_load(http(ErrorCode::rate_limited, 429)));
    EXPECT_TRUE(is_refused_for_load(http(ErrorCode::server_failed, 503)));
    EXPECT_TRUE(is_refused_for_load(http(ErrorCode::server_failed, 529)));
    EXPECT_FALSE(is_refused_for_load(http(ErrorCode::server_failed, 502)));
    EXPECT_FALSE(is_refused_for_load(http(ErrorCode::timed_out, 503)));
    EXPECT_FALSE(is_refused_for_load({.answered = true, .error = ErrorCode::rate_limited}));
}

TEST(Classification, CarriesTheWaitThatKeysRequire) {
    const Outcome throttled{.error = ErrorCode::rate_limited, .status = 429, .retry_after = milliseconds{5'000}};
    EXPECT_EQ(classify(throttled, {}).retry_after, milliseconds{5'000});
    EXPECT_EQ(classify(throttled, {}, {.usable_in = milliseconds{70}}).retry_after, milliseconds{70});
    EXPECT_TRUE(classify(throttled, {}, {.another_key = true}).another_key);
}

}  // namespace
}  // namespace holysheep::call
