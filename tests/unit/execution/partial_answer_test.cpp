// The partial answers of attempts that broke after content, and how they are joined.
#include "execution/partial_answer.hpp"

#include <gtest/gtest.h>

namespace holysheep::execution {
namespace {

ChatCompletion answer(std::string text, std::int64_t tokens = 0) {
    ChatCompletion completion;
    completion.choices.push_back({.message = assistant(std::move(text))});
    completion.usage.present = tokens > 0;
    completion.usage.completion_tokens = tokens;
    return completion;
}

TEST(PartialAnswer, ContinuesFromItsTextWithoutTrailingSpace) {
    PartialAnswer partial(StreamRecovery::continue_prefix);
    EXPECT_TRUE(partial.empty());
    partial.add(answer("Once upon \n"));
    EXPECT_EQ(partial.prefix(), "Once upon");
    EXPECT_TRUE(partial.continues());
}

TEST(PartialAnswer, RestartsWithoutText) {
    PartialAnswer partial(StreamRecovery::continue_prefix);
    partial.add(answer(""));
    EXPECT_FALSE(partial.empty());
    EXPECT_FALSE(partial.continues());
}

TEST(PartialAnswer, RestartsInRestartMode) {
    PartialAnswer partial(StreamRecovery::restart);
    partial.add(answer("Once"));
    EXPECT_FALSE(partial.continues());
    auto whole = answer("Twice");
    partial.complete(whole);
    EXPECT_EQ(whole.text(), "Twice");
}

TEST(PartialAnswer, JoinsTextsAndBillsEveryAttempt) {
    PartialAnswer partial(StreamRecovery::continue_prefix);
    partial.add(answer("Once ", 3));
    partial.add(answer("upon ", 4));
    auto whole = answer("a time", 5);
    partial.complete(whole);
    EXPECT_EQ(whole.text(), "Once upon a time");
    EXPECT_EQ(whole.usage.completion_tokens, 12);
}

TEST(Prefill, IsASeparateMessageAfterTheUsers) {
    std::vector<Message> messages{user("Tell me a tale")};
    append_prefill(messages, "Once");
    ASSERT_EQ(messages.size(), 2U);
    EXPECT_EQ(messages.back().role, Role::assistant);
    EXPECT_EQ(messages.back().content, "Once");
}

TEST(Prefill, ExtendsTheCallersPrefill) {
    std::vector<Message> messages{user("Tell me a tale"), assistant("Once")};
    append_prefill(messages, " upon");
    ASSERT_EQ(messages.size(), 2U);
    EXPECT_EQ(messages.back().content, "Once upon");
}

}  // namespace
}  // namespace holysheep::execution
