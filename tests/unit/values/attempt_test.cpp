// The text that describes the attempts of a call.
#include <holysheep/attempt.hpp>

#include <gtest/gtest.h>

#include <vector>

namespace holysheep {
namespace {

AttemptRecord failed(std::string region, ErrorCode code, nanoseconds total, int http_status = 0) {
    return {.region = std::move(region), .timings = {.total = total}, .http_status = http_status, .error = code};
}

AttemptRecord answered(std::string region, nanoseconds total) {
    return {.region = std::move(region), .timings = {.total = total}, .http_status = 200, .winner = true};
}

TEST(Describe, SummarizesAFailover) {
    std::vector attempts{failed("us-west", ErrorCode::transport_failed, nanoseconds(100'000)),
                         answered("eu-central", milliseconds(212))};
    attempts[0].detail = "Failed to connect to 127.0.0.1 port 7 after 0 ms: Connection refused";
    EXPECT_EQ(describe(attempts), "us-west refused after 0.1 ms → eu-central 200 in 212 ms");
}

TEST(Describe, HasAShortNameForEveryOutcome) {
    struct Case {
        ErrorCode error;
        int status;
        const char* detail;
        const char* words;
    };
    for (const auto& [error, status, detail, words] :
         std::vector<Case>{{ErrorCode::transport_failed, 0, "Recv failure: Connection reset by peer", "a reset"},
                           {ErrorCode::transport_failed, 0, "Could not resolve host: x", "a not found by name"},
                           {ErrorCode::transport_failed, 0, "Empty reply from server", "a closed"},
                           {ErrorCode::transport_failed, 0, "No route to host", "a connection failed"},
                           {ErrorCode::tls_failed, 0, "", "a TLS failed"},
                           {ErrorCode::timed_out, 0, "no answer within 2000 ms", "a no answer"},
                           {ErrorCode::timed_out, 504, "", "a 504"},
                           {ErrorCode::timed_out, 200, "no content within 2000 ms", "a timed out"},
                           {ErrorCode::server_failed, 503, "", "a 503"},
                           {ErrorCode::server_failed, 200, "overloaded", "a failed (200)"},
                           {ErrorCode::rate_limited, 429, "", "a 429"},
                           {ErrorCode::insufficient_quota, 429, "", "a insufficient_quota (429)"},
                           {ErrorCode::unauthenticated, 401, "", "a unauthenticated (401)"},
                           {ErrorCode::malformed_response, 200, "", "a malformed (200)"},
                           {ErrorCode::stream_interrupted, 200, "", "a cut"},
                           {ErrorCode::stream_stalled, 200, "", "a stalled"},
                           {ErrorCode::cancelled, 0, "the call was cancelled", "a cancelled"}}) {
        auto attempt = failed("a", error, milliseconds(3), status);
        attempt.detail = detail;
        EXPECT_EQ(describe({&attempt, 1}), std::string(words) + " after 3.0 ms");
    }
}

TEST(Describe, NamesTheKindOfAParallelAttempt) {
    std::vector attempts{failed("us-west", ErrorCode::cancelled, milliseconds(40)),
                         answered("eu-central", milliseconds(30))};
    attempts[0].detail = "another attempt was ahead";
    attempts[1].kind = AttemptKind::hedge;
    EXPECT_EQ(describe(attempts), "us-west overtaken after 40 ms → eu-central [hedge] 200 in 30 ms");
}

TEST(Describe, NamesAnotherModel) {
    auto attempt = answered("a", milliseconds(30));
    attempt.kind = AttemptKind::fallback_model;
    attempt.model = "gpt-4o-mini";
    EXPECT_EQ(describe({&attempt, 1}), "a [gpt-4o-mini] 200 in 30 ms");
}

TEST(Describe, WritesLongDurationsInSeconds) {
    EXPECT_EQ(describe(std::vector{failed("a", ErrorCode::timed_out, milliseconds(60'000))}),
              "a no answer after 60.0 s");
    EXPECT_EQ(describe(std::vector{failed("a", ErrorCode::timed_out, milliseconds(9'999))}),
              "a no answer after 9999 ms");
}

TEST(Describe, OmitsAnUnknownDuration) {
    EXPECT_EQ(describe(std::vector{AttemptRecord{.region = "a", .error = ErrorCode::tls_failed}}), "a TLS failed");
}

TEST(Describe, IsEmptyWithoutAttempts) { EXPECT_EQ(describe({}), ""); }

TEST(AttemptKind, PrintsItsEnumeratorName) {
    EXPECT_EQ(to_string(AttemptKind::first), "first");
    EXPECT_EQ(to_string(AttemptKind::fallback_model), "fallback_model");
}

}  // namespace
}  // namespace holysheep
