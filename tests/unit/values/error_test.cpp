// The description of an error: one line, retryable or not, the same inside an exception.
#include <holysheep/error.hpp>
#include <holysheep/result.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

namespace holysheep {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr int kErrorCodes = static_cast<int>(ErrorCode::proxy_failed) + 1;

std::string line(const Error& error) {
    std::ostringstream out;
    out << error;
    return out.str();
}

TEST(ErrorCode, EveryCodeHasItsOwnName) {
    std::set<std::string_view> names;
    for (int i = 0; i < kErrorCodes; ++i) names.insert(to_string(static_cast<ErrorCode>(i)));
    EXPECT_EQ(names.size(), static_cast<std::size_t>(kErrorCodes));
    EXPECT_FALSE(names.contains("unknown"));
}

TEST(Error, PrintsTheFailureItsRegionAndTheAttempts) {
    const Error error{
        .code = ErrorCode::all_regions_unavailable,
        .message = "no region answered; try again later",
        .http_status = 503,
        .request_id = "req-7",
        .cause = ErrorCode::transport_failed,
        .retry_after = milliseconds(1500),
        .attempts = {
            {.region = "us-west", .timings = {.total = milliseconds(12)}, .error = ErrorCode::transport_failed}}};
    EXPECT_EQ(line(error),
              "all_regions_unavailable (first transport_failed): no region answered; try again later "
              "[HTTP 503, request id req-7, retry after 1500 ms, attempts: us-west connection failed after 12 ms]");
}

TEST(Error, EveryCodeHasADefaultExplanation) {
    for (int i = 0; i < kErrorCodes; ++i) {
        const Error error{.code = static_cast<ErrorCode>(i)};
        EXPECT_GT(line(error).size(), to_string(error.code).size() + 10) << error.code;
    }
}

TEST(Error, StaysOnOneLineForAnyMessage) {
    const Error error{.message = "<html>\r\n502\x1b[31m", .provider_code = "a\nb", .region = "x\ny"};
    EXPECT_THAT(line(error), Not(HasSubstr("\n")));
    EXPECT_THAT(line(error), Not(HasSubstr("\x1b")));
}

TEST(Error, DoesNotPrintTheRawBody) {
    EXPECT_THAT(line({.message = "refused", .raw_body = "the prompt"}), Not(HasSubstr("the prompt")));
}

TEST(Error, IsRetryableIfTheSameCallMaySucceedLater) {
    EXPECT_TRUE(Error{.code = ErrorCode::rate_limited}.is_retryable());
    EXPECT_TRUE(Error{.code = ErrorCode::all_regions_unavailable}.is_retryable());
    EXPECT_FALSE(Error{.code = ErrorCode::insufficient_quota}.is_retryable());
    EXPECT_FALSE(Error{.code = ErrorCode::unauthenticated}.is_retryable());
    EXPECT_FALSE(Error{.code = ErrorCode::cancelled}.is_retryable());
}

TEST(Error, IsNotRetryableIfTheGatewayLacksTheFeature) {
    EXPECT_TRUE((Error{.code = ErrorCode::server_failed, .http_status = 500}.is_retryable()));
    EXPECT_FALSE((Error{.code = ErrorCode::server_failed, .http_status = 501}.is_retryable()));
    EXPECT_FALSE((Error{.code = ErrorCode::server_failed, .http_status = 200, .effective_status = 501}.is_retryable()));
}

TEST(Exception, CarriesTheErrorAndItsText) {
    const Result<int> result = Error{.code = ErrorCode::tls_failed, .message = "certificate has expired"};
    try {
        (void)result.value();
        FAIL() << "value() of an error must throw";
    } catch (const Exception& exception) {
        EXPECT_EQ(exception.error().code, ErrorCode::tls_failed);
        EXPECT_STREQ(exception.what(), "tls_failed: certificate has expired");
    }
}

}  // namespace
}  // namespace holysheep
