// Text that is not UTF-8 is refused before it is sent; the message names the member and the byte.
#include "client/text_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace holysheep::client {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kBroken = "ab\xFF";

std::string text_problem(const ChatRequest& request) {
    const auto error = check_text(request);
    if (!error) return "";
    EXPECT_EQ(error->code, ErrorCode::invalid_request);
    EXPECT_THAT(error->message, HasSubstr("CallOptions::replace_invalid_utf8"));
    return error->message.substr(0, error->message.find(':'));
}

TEST(TextCheck, AcceptsUtf8OfEveryLength) {
    EXPECT_EQ(text_problem({}), "");
    EXPECT_EQ(text_problem(
                  {.messages = {user("a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x90\x91 and eight plain bytes, then \xC3\xA4")}}),
              "");
}

TEST(TextCheck, NamesEveryMemberThatIsText) {
    struct Row {
        ChatRequest request;
        const char* member;
    };
    const Row rows[] = {
        {{.model = kBroken}, "model is"},
        {{.stop = {"x", kBroken}}, "stop is"},
        {{.prediction = kBroken}, "prediction is"},
        {{.user = kBroken}, "user is"},
        {{.metadata = {{kBroken, "x"}}}, "metadata is"},
        {{.metadata = {{"x", kBroken}}}, "metadata is"},
        {{.messages = {user("x"), user(kBroken)}}, "messages[1].content is"},
        {{.messages = {{.name = kBroken}}}, "messages[0].name is"},
        {{.messages = {{.tool_call_id = kBroken}}}, "messages[0].tool_call_id is"},
        {{.messages = {{.refusal = kBroken}}}, "messages[0].refusal is"},
        {{.messages = {{.reasoning = kBroken}}}, "messages[0].reasoning is"},
        {{.messages = {{.parts = {TextPart{"x"}, TextPart{kBroken}}}}}, "messages[0].parts[1].text is"},
        {{.messages = {{.parts = {RefusalPart{kBroken}}}}}, "messages[0].parts[0].refusal is"},
        {{.messages = {{.parts = {ImagePart{kBroken}}}}}, "messages[0].parts[0].url is"},
        {{.messages = {{.parts = {FilePart{.filename = kBroken}}}}}, "messages[0].parts[0].filename is"},
        {{.messages = {{.tool_calls = {{.id = kBroken}}}}}, "messages[0].tool_calls[0].id is"},
        {{.messages = {{.tool_calls = {{}, {.name = kBroken}}}}}, "messages[0].tool_calls[1].name is"},
        {{.messages = {{.tool_calls = {{.arguments = kBroken}}}}}, "messages[0].tool_calls[0].arguments is"},
        {{.tools = {{}, {.name = kBroken}}}, "tools[1].name is"},
        {{.tools = {{.description = kBroken}}}, "tools[0].description is"},
    };
    for (const auto& row : rows) EXPECT_THAT(text_problem(row.request), StartsWith(row.member)) << row.member;
}

TEST(TextCheck, NamesTheFirstProblemOnly) {
    EXPECT_THAT(text_problem({.model = kBroken, .messages = {user(kBroken)}}), StartsWith("model"));
}

TEST(TextCheck, ReportsTheOffsetOfTheFirstIllFormedByte) {
    // Eight plain bytes at a time are skipped: positions on both sides of that step, and a sequence across it.
    for (const std::size_t length : {0U, 1U, 7U, 8U, 9U, 15U, 16U}) {
        const auto error = check_text({.messages = {user(std::string(length, 'x') + "\xFF" + std::string(9, 'y'))}});
        ASSERT_TRUE(error) << length;
        EXPECT_THAT(error->message, HasSubstr("byte " + std::to_string(length) + " is no part"));
    }
    EXPECT_FALSE(check_text({.messages = {user("1234567\xE2\x82\xAC" + std::string(9, 'y'))}}));
}

TEST(TextCheck, RefusesWellShapedButForbiddenUtf8) {
    for (const auto* text : {"\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\x80"}) {
        EXPECT_NE(text_problem({.messages = {user(text)}}), "");
    }
}

}  // namespace
}  // namespace holysheep::client
