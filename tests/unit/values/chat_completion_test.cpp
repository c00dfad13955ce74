// Accessors for an answer, and short ways to write a conversation.
#include <holysheep/chat_completion.hpp>

#include <gtest/gtest.h>

namespace holysheep {
namespace {

TEST(ChatChunk, ContentIsTheAnswerTextOnly) {
    for (const auto event : {ChunkEvent::reasoning, ChunkEvent::refusal, ChunkEvent::media, ChunkEvent::other}) {
        EXPECT_EQ((ChatChunk{.event = event, .text = "not the answer"}).content(), "");
    }
    EXPECT_EQ((ChatChunk{.event = ChunkEvent::content, .text = "the answer"}).content(), "the answer");
}

TEST(ChatCompletion, ReadsItsFirstChoice) {
    ChatCompletion completion;
    completion.choices.resize(2);
    completion.choices[0].message = {.content = "Merino.", .reasoning = "hm", .tool_calls = {{.name = "shear"}}};
    completion.choices[1].message.content = "Suffolk.";
    EXPECT_EQ(completion.text(), "Merino.");
    EXPECT_EQ(completion.reasoning_text(), "hm");
    ASSERT_EQ(completion.tool_calls().size(), 1u);
    EXPECT_EQ(completion.tool_calls().front().name, "shear");
}

TEST(ChatCompletion, PrintsToolCallsAndCost) {
    ChatCompletion completion;
    EXPECT_FALSE(completion.has_tool_calls());
    EXPECT_EQ(completion.cached_input_tokens(), 0);
    EXPECT_FALSE(completion.reported_cost());
    completion.choices.resize(1);
    completion.choices[0].message.tool_calls = {{.name = "shear"}};
    completion.choices[0].finish_reason = FinishReason::stop;
    completion.usage.cached_input_tokens = 7;
    completion.usage.reported_cost = Money{.nano = 12};
    EXPECT_TRUE(completion.has_tool_calls());
    EXPECT_EQ(completion.cached_input_tokens(), 7);
    EXPECT_EQ(completion.reported_cost()->nano, 12);
}

TEST(ChatCompletion, IsEmptyWithoutChoices) {
    const ChatCompletion completion;
    EXPECT_EQ(completion.text(), "");
    EXPECT_EQ(completion.reasoning_text(), "");
    EXPECT_TRUE(completion.tool_calls().empty());
}

TEST(Message, FactoriesSetRoleAndContent) {
    EXPECT_EQ(holysheep::system_prompt("be brief").role, Role::system);
    EXPECT_EQ(user("hello").content, "hello");
    EXPECT_EQ(assistant("hi").role, Role::assistant);
    const Message result = tool_result("call-1", "42");
    EXPECT_EQ(result.role, Role::tool);
    EXPECT_EQ(result.tool_call_id, "call-1");
    EXPECT_EQ(result.content, "42");
}

TEST(FinishReason, PrintsItsWireName) {
    EXPECT_EQ(to_string(FinishReason::tool_calls), "tool_calls");
    EXPECT_EQ(to_string(FinishReason::content_filter), "content_filter");
}

TEST(ChunkEvent, PrintsItsEnumeratorName) {
    EXPECT_EQ(to_string(ChunkEvent::keep_alive), "keep_alive");
    EXPECT_EQ(to_string(ChunkEvent::started), "started");
}

}  // namespace
}  // namespace holysheep
