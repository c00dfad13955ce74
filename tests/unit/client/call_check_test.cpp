// What the checks of a call refuse before a request is sent.
#include "client/call_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace holysheep::client {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const ClientOptions kTwoZones{
    .regions = {{.id = "us-1", .zone = "us"}, {.id = "eu-1", .zone = "eu"}, {.id = "eu-2", .zone = "eu"}}};

std::string call_problem(const CallOptions& options) {
    const auto error = check_call(options, kTwoZones);
    if (!error) return "";
    EXPECT_EQ(error->code, ErrorCode::invalid_options);
    EXPECT_THAT(error->message, StartsWith("invalid call options: "));
    return error->message.substr(std::string("invalid call options: ").size());
}

TEST(CallCheck, AcceptsDefaultsIdsAndZones) {
    EXPECT_EQ(call_problem({}), "");
    EXPECT_EQ(call_problem({.regions = {"us-1", "eu"}, .exclude_regions = {"eu-2"}}), "");
}

TEST(CallCheck, RefusesNamesThatAreNeitherIdNorZone) {
    EXPECT_EQ(call_problem({.regions = {"us-1", "asia"}}),
              "regions: \"asia\" is neither a region's id nor a zone of this client");
    EXPECT_THAT(call_problem({.exclude_regions = {"asia"}}), StartsWith("exclude_regions: \"asia\""));
    EXPECT_THAT(call_problem({.regions = {""}}), StartsWith("regions: \"\""));
    ClientOptions without_zones{.regions = {{.id = "us-1"}}};
    EXPECT_TRUE(check_call({.regions = {""}}, without_zones)) << "no zone is not a zone without a name";
}

TEST(CallCheck, RefusesAFilterThatLeavesNoRegion) {
    EXPECT_THAT(call_problem({.regions = {"eu"}, .exclude_regions = {"eu-1", "eu-2"}}), HasSubstr("leaves no region"));
    EXPECT_THAT(call_problem({.exclude_regions = {"us", "eu"}}), HasSubstr("leaves no region"));
}

TEST(CallCheck, NamesEachInvalidOption) {
    EXPECT_EQ(call_problem({.retry = RetryOptions{.max_attempts = -1},
                            .skip_malformed_chunks = -1,
                            .idempotency_key = "a\nb",
                            .headers = {{"a b", "c"}}}),
              "headers: \"a b\" is not a header name (RFC 9110, 5.6.2); idempotency_key: it holds control characters; "
              "skip_malformed_chunks: it must not be negative; retry.max_attempts: -1 must be 0 (default) or more");
    EXPECT_THAT(call_problem({.timeouts = TimeoutOptions{.connect = -1ms}}), StartsWith("timeouts.connect: -1 ms"));
}

ChatRequest open_question() { return {.model = "m", .messages = {user("Name a breed.")}}; }

std::string continuation_problem(const ChatRequest& request, const CallOptions& options = {}, bool prefill = true) {
    const auto error = check_continuation(request, request.model, options, {.prefill = prefill});
    return error ? error->message : "";
}

TEST(ContinuationCheck, RequiresAModelThatContinuesText) {
    EXPECT_EQ(continuation_problem(open_question()), "");
    EXPECT_THAT(continuation_problem(open_question(), {}, false),
                HasSubstr("ClientOptions::models[\"m\"].prefill = true"));
}

TEST(ContinuationCheck, RefusesMessagesThatExtraJsonReplaces) {
    auto request = open_question();
    request.extra_json = R"({"messages":[]})";
    EXPECT_THAT(continuation_problem(request), HasSubstr("extra_json replaces"));
    EXPECT_THAT(continuation_problem(open_question(), {.extra_json = R"({"messages":[]})"}),
                HasSubstr("extra_json replaces"));
    EXPECT_EQ(continuation_problem(open_question(), {.extra_json = R"({"other":[]})"}), "");
}

TEST(ContinuationCheck, RefusesALastMessageWithMoreThanText) {
    const auto with_last = [](Message last) {
        auto request = open_question();
        request.messages.push_back(std::move(last));
        return continuation_problem(request);
    };
    EXPECT_EQ(with_last(assistant("Merino is")), "");
    EXPECT_EQ(with_last({.role = Role::user, .refusal = "no"}), "") << "only an assistant's message is continued";
    EXPECT_THAT(with_last({.role = Role::assistant, .refusal = "no"}), HasSubstr("cannot go on"));
    EXPECT_THAT(with_last({.role = Role::assistant, .tool_calls = {{.id = "1"}}}), HasSubstr("cannot go on"));
    EXPECT_THAT(with_last({.role = Role::assistant, .extra_json = R"({"content":[]})"}), HasSubstr("cannot go on"));
    EXPECT_EQ(with_last({.role = Role::assistant, .content = "x", .extra_json = R"({"prefix":true})"}), "");
}

std::string raw_problem(const RawRequest& request) {
    const auto error = check_raw(request);
    if (!error) return "";
    EXPECT_EQ(error->code, ErrorCode::invalid_request);
    return error->message;
}

TEST(RawCheck, RequiresAnUppercaseMethodAndAPath) {
    EXPECT_EQ(raw_problem({.path = "/models"}), "");
    EXPECT_EQ(raw_problem({.method = "POST", .path = "/embeddings?x=1", .body_json = "{}"}), "");
    EXPECT_THAT(raw_problem({.method = "get", .path = "/models"}), HasSubstr("capital letters"));
    EXPECT_THAT(raw_problem({.method = "", .path = "/models"}), HasSubstr("capital letters"));
    for (const auto* path : {"", "models", "//models", "/a b", "/a#b"}) {
        EXPECT_THAT(raw_problem({.path = path}), HasSubstr("percent-encode")) << path;
    }
}

TEST(RawCheck, RefusesABodyForMethodsWithoutOne) {
    EXPECT_EQ(raw_problem({.method = "GET", .path = "/a", .body_json = "{}"}), "a GET has no body; use POST");
    EXPECT_EQ(raw_problem({.method = "HEAD", .path = "/a", .body_json = "{}"}), "a HEAD has no body; use POST");
    EXPECT_EQ(raw_problem({.method = "DELETE", .path = "/a", .body_json = "{}"}), "");
}

}  // namespace
}  // namespace holysheep::client
