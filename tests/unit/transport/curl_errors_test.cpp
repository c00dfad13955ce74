// Maps libcurl's result codes to error classes, including codes of newer versions.
#include <gtest/gtest.h>

#include "transport/curl_errors.hpp"

namespace holysheep::transport {
namespace {

// CURLE_TOO_LARGE since libcurl 8.6; older headers do not name it.
constexpr auto kTooLarge = static_cast<CURLcode>(100);

TEST(CurlErrors, ATooLargeHeaderIsAMalformedAnswerInEveryVersion) {
    for (const auto code : {CURLE_OUT_OF_MEMORY, kTooLarge}) {
        SCOPED_TRACE(static_cast<int>(code));
        const auto end = describe_failure(code, {.sent = true});
        EXPECT_EQ(end.error, ErrorCode::malformed_response);
        EXPECT_EQ(end.detail, "a header of the answer is too large");
        EXPECT_FALSE(end.certainly_not_delivered);
    }
    EXPECT_EQ(describe_failure(CURLE_RECV_ERROR, {.sent = true, .text = "Too large response headers"}).error,
              ErrorCode::malformed_response);
}

TEST(CurlErrors, AnErrorBeforeTheRequestWasSentIsNotBlamedOnTheAnswer) {
    for (const auto code : {CURLE_OUT_OF_MEMORY, kTooLarge}) {
        const auto end = describe_failure(code, {.sent = false});
        EXPECT_EQ(end.error, ErrorCode::transport_failed);
        EXPECT_TRUE(end.certainly_not_delivered);
    }
}

}  // namespace
}  // namespace holysheep::transport
