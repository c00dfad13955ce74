// Structured answers: the request that is sent, and answers that are rejected.
#include <holysheep/structured.hpp>

#include "call_flow.hpp"

namespace holysheep::flow {
namespace {

using ::testing::HasSubstr;

constexpr auto kSchema = R"({"type":"object","properties":{"n":{"type":"integer"}}})";

int parse_number(const std::string& text) { return std::stoi(text); }

std::string answer(std::string_view message, std::string_view finish) {
    return R"({"id":"c","model":"m","choices":[{"index":0,"message":{"role":"assistant",)" + std::string(message) +
           R"(},"finish_reason":")" + std::string(finish) + R"("}]})";
}

Result<int> ask(CallFlow& flow) {
    return chat_as<int>(flow.client, a_question(), json_schema("count", kSchema), parse_number);
}

TEST(Structured, SendsTheSchemaAndReturnsTheParsedValue) {
    CallFlow flow({"us-west"});
    flow.transport.reply("us-west", "42");
    EXPECT_EQ(ask(flow).value(), 42);
    EXPECT_THAT(flow.requests()[0].body,
                HasSubstr(R"("response_format":{"type":"json_schema","json_schema":{"name":"count","schema":)" +
                          std::string(kSchema) + R"(,"strict":true}})"));
}

TEST(Structured, AParserMayThrowOrReturnAnError) {
    CallFlow flow({"us-west"});
    flow.transport.reply("us-west", "many");
    const auto thrown = ask(flow);
    ASSERT_THAT(thrown, FailsWith(ErrorCode::malformed_response));
    EXPECT_THAT(thrown.error().message, HasSubstr("shape: stoi"));
    EXPECT_EQ(thrown.error().partial->text(), "many");

    flow.transport.reply("us-west", "7");
    const auto returned = chat_as<int>(flow.client, a_question(), json_schema("count", kSchema),
                                       [](const std::string&) -> Result<int> { return Error{.message = "odd"}; });
    ASSERT_THAT(returned, FailsWith(ErrorCode::malformed_response));
    EXPECT_THAT(returned.error().message, HasSubstr("shape: odd"));
}

TEST(Structured, AnIncompleteAnswerNeverReachesTheParser) {
    struct Row {
        const char *message, *finish, *provider_code;
        ErrorCode code;
    };
    const Row rows[] = {
        {R"("content":"4")", "length", "length", ErrorCode::malformed_response},
        {R"("content":"4")", "content_filter", "content_filter", ErrorCode::content_filtered},
        {R"("content":null,"refusal":"no")", "stop", "refusal", ErrorCode::content_filtered},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.provider_code);
        CallFlow flow({"us-west"});
        flow.transport.reply_raw("us-west", 200, {{"content-type", "application/json"}},
                                 answer(row.message, row.finish));
        const auto count = ask(flow);
        ASSERT_THAT(count, FailsWith(row.code));
        EXPECT_EQ(count.error().provider_code, row.provider_code);
        ASSERT_TRUE(count.error().partial) << "the partial answer was billed";
        EXPECT_EQ(count.error().region, "us-west");
    }
}

TEST(Structured, OtherErrorsArePassedThrough) {
    CallFlow flow({"us-west"});
    flow.transport.reply_raw("us-west", 401, {}, error_body("invalid_api_key"));
    EXPECT_THAT(ask(flow), FailsWith(ErrorCode::unauthenticated));
}

}  // namespace
}  // namespace holysheep::flow
