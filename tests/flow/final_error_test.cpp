// The error that the caller gets when a call ends without an answer.
#include <sstream>

#include "call_flow.hpp"

namespace holysheep::flow {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

TEST(FinalError, TheOnlyRegionsFailureKeepsItsClass) {
    CallFlow flow({"us-west"});
    flow.transport.fail("us-west", ErrorCode::tls_failed);
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, FailsWith(ErrorCode::tls_failed));
    EXPECT_EQ(reply.error().region, "us-west");
    EXPECT_EQ(reply.error().model, "gpt-4.1");
    EXPECT_THAT(reply.error().attempts.size(), Ge(3U));
    EXPECT_THAT(reply.error().message, AllOf(HasSubstr("us-west"), HasSubstr(" attempts, ")));
    EXPECT_TRUE(reply.error().is_retryable());
}

TEST(FinalError, WhenEveryRegionFailedTheFirstCauseIsNamed) {
    CallFlow flow({"us-west", "eu-central"});
    flow.transport.fail("us-west", ErrorCode::transport_failed).reply_raw("eu-central", 503, {}, "");
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, FailsWith(ErrorCode::all_regions_unavailable));
    EXPECT_EQ(reply.error().cause, ErrorCode::transport_failed);
    EXPECT_THAT(reply.error().attempts.size(), Ge(4U));
    EXPECT_THAT(reply.error().message, HasSubstr("all 2 regions failed, first us-west"));
}

TEST(FinalError, ARefusalAfterAFailoverKeepsItsDetails) {
    CallFlow flow({"us-west", "eu-central"});
    flow.transport.fail("us-west", ErrorCode::transport_failed)
        .reply_raw(
            "eu-central", 400, {{"x-request-id", "req-1"}},
            R"({"error":{"message":"bad tool","type":"invalid_request_error","param":"tools","code":"invalid_value"}})");
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, FailsWith(ErrorCode::invalid_request));
    const auto& error = reply.error();
    EXPECT_EQ(error.http_status, 400);
    EXPECT_EQ(error.effective_status, 400);
    EXPECT_EQ(error.region, "eu-central");
    EXPECT_EQ(error.request_id, "req-1");
    EXPECT_EQ(error.provider_type, "invalid_request_error");
    EXPECT_EQ(error.provider_code, "invalid_value");
    EXPECT_EQ(error.provider_param, "tools");
    EXPECT_THAT(error.raw_body, HasSubstr("bad tool"));
    EXPECT_THAT(error.message, HasSubstr("bad tool"));
    EXPECT_FALSE(error.is_retryable());
    EXPECT_THAT(error.attempts, SizeIs(2));
}

TEST(FinalError, IsRateLimitedIfEveryRegionThrottled) {
    CallFlow flow({"us-west", "eu-central"}, {.retry = {.max_attempts = 2}});
    flow.transport.reply_raw("us-west", 429, {{"retry-after", "8"}}, "")
        .reply_raw("eu-central", 429, {{"retry-after", "5"}}, "");
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, FailsWith(ErrorCode::rate_limited));
    EXPECT_TRUE(reply.error().retry_after);
}

TEST(FinalError, OneAttemptKeepsTheClassOfItsFailure) {
    CallFlow flow({"us-west", "eu-central"}, {.retry = {.max_attempts = 1}});
    flow.transport.reply_raw("us-west", 503, {},
                             error_body("overloaded", "service_unavailable_error", "engine is busy"));
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, FailsWith(ErrorCode::server_failed));
    EXPECT_THAT(reply.error().message, AllOf(HasSubstr("engine is busy"), HasSubstr("max_attempts")));
    EXPECT_THAT(reply.error().attempts, SizeIs(1));
}

TEST(FinalError, KeepsThePartialAnswerOfAPlainCall) {
    CallFlow flow({"us-west", "eu-central"}, {.retry = {.max_attempts = 2}});
    const std::string half =
        R"({"choices":[{"message":{"content":"half an answer"},"finish_reason":"error"}],"usage":{"prompt_tokens":7,"completion_tokens":3}})";
    flow.transport.reply_raw("us-west", 200, {{"content-type", "application/json"}}, half)
        .reply_raw("eu-central", 503, {}, "");
    const auto reply = flow.client.chat(a_question());
    ASSERT_FALSE(reply);
    ASSERT_NE(reply.error().partial, nullptr);
    EXPECT_EQ(reply.error().partial->text(), "half an answer");
    EXPECT_EQ(reply.error().partial->region, "us-west");
    EXPECT_EQ(reply.error().partial->usage.completion_tokens, 3);
    EXPECT_EQ(flow.client.stats().wasted_tokens, 3);
}

TEST(FinalError, NamesAnEmptyRetryBudgetAndKeepsTheOriginalFailure) {
    CallFlow flow({"us-west"}, {.retry = {.outage_patience = 0ms, .budget_capacity = 0}});
    flow.transport.reply_raw("us-west", 502, {}, "");
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, FailsWith(ErrorCode::server_failed));
    EXPECT_EQ(reply.error().http_status, 502);
    EXPECT_THAT(reply.error().message, HasSubstr("retry budget"));
    EXPECT_THAT(flow.attempts(), SizeIs(1));
}

TEST(FinalError, NamesTheRemedyIfEveryRegionIsDraining) {
    CallFlow flow({"us-west", "eu-central"});
    flow.client.drain("us-west");
    flow.client.drain("eu-central");
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, FailsWith(ErrorCode::all_regions_unavailable));
    EXPECT_THAT(reply.error().message, HasSubstr("resume"));
    EXPECT_THAT(reply.error().attempts, IsEmpty());
    EXPECT_THAT(flow.attempts(), IsEmpty());
}

TEST(FinalError, ContainsNoSecretThatAGatewayQuotes) {
    CallFlow flow({"us-west"}, {.api_key = "sk-very-secret"});
    flow.transport.reply_raw(
        "us-west", 401, {{"x-request-id", "sk-very-secret"}},
        error_body("invalid_api_key", "sk-very-secret", "Incorrect API key provided: sk-very-secret"));
    const auto reply = flow.client.chat(a_question());
    ASSERT_THAT(reply, FailsWith(ErrorCode::unauthenticated));
    std::ostringstream line;
    line << reply.error();
    EXPECT_THAT(line.str(), Not(HasSubstr("very-secret")));
    EXPECT_THAT(reply.error().raw_body, AllOf(HasSubstr("Incorrect API key"), Not(HasSubstr("very-secret"))));
    EXPECT_THAT(reply.error().provider_type, Not(HasSubstr("very-secret")));
    EXPECT_THAT(reply.error().request_id, Not(HasSubstr("very-secret")));
    ASSERT_THAT(reply.error().attempts, SizeIs(1));
    EXPECT_THAT(reply.error().attempts[0].detail, Not(HasSubstr("very-secret")));
    EXPECT_THAT(reply.error().attempts[0].request_id, Not(HasSubstr("very-secret")));
    for (const auto& entry : flow.log()) EXPECT_THAT(entry, Not(HasSubstr("very-secret")));
}

TEST(FinalError, AFailedCallIsLoggedOnce) {
    CallFlow flow({"us-west"}, {.retry = {.max_attempts = 1}, .log = {.level = LogLevel::info}});
    flow.transport.fail("us-west", ErrorCode::transport_failed);
    EXPECT_FALSE(flow.client.chat(a_question()));
    EXPECT_THAT(flow.log(), Contains(AllOf(HasSubstr("call failed"), HasSubstr("us-west"))).Times(1));
}

}  // namespace
}  // namespace holysheep::flow
