// The words that a trail of attempts is told with.
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

TEST(Describe, TellsTheStoryOfAFailover) {
    const std::vector trail{failed("us-west", ErrorCode::transport_failed, nanoseconds(100'000)),
                            answered("eu-central", milliseconds(212))};
    EXPECT_EQ(describe(trail), "us-west transport_failed after 0.1 ms → eu-central 200 in 212 ms");
}

TEST(Describe, ShowsTheStatusOfAnHttpFailure) {
    const std::vector trail{failed("us-west", ErrorCode::server_failed, milliseconds(3), 503)};
    EXPECT_EQ(describe(trail), "us-west server_failed (503) after 3.0 ms");
}

TEST(Describe, NamesTheKindOfAnAttemptThatRanBesideAnother) {
    std::vector trail{failed("us-west", ErrorCode::cancelled, milliseconds(40)),
                      answered("eu-central", milliseconds(30))};
    trail[1].kind = AttemptKind::hedge;
    EXPECT_EQ(describe(trail), "us-west cancelled after 40 ms → eu-central [hedge] 200 in 30 ms");
}

TEST(Describe, WritesLongTimesInSeconds) {
    EXPECT_EQ(describe(std::vector{failed("a", ErrorCode::timed_out, milliseconds(60'000))}),
              "a timed_out after 60.0 s");
    EXPECT_EQ(describe(std::vector{failed("a", ErrorCode::timed_out, milliseconds(9'999))}),
              "a timed_out after 9999 ms");
}

TEST(Describe, LeavesOutATimeThatIsUnknown) {
    EXPECT_EQ(describe(std::vector{AttemptRecord{.region = "a", .error = ErrorCode::tls_failed}}), "a tls_failed");
}

TEST(Describe, IsEmptyWithoutAttempts) { EXPECT_EQ(describe({}), ""); }

TEST(AttemptKind, HasItsEnumeratorsName) {
    EXPECT_EQ(to_string(AttemptKind::first), "first");
    EXPECT_EQ(to_string(AttemptKind::fallback_model), "fallback_model");
}

}  // namespace
}  // namespace holysheep
