// Which answers count as incomplete, and what their errors keep.
#include "client/whole_answer.hpp"

#include <gtest/gtest.h>

namespace holysheep::client {
namespace {

ChatCompletion ended_by(FinishReason reason, std::string sent = {}) {
    return {.requested_model = "asked",
            .region = "eu",
            .request_id = "req-1",
            .choices = {{.message = {.role = Role::assistant, .content = "half"},
                         .finish_reason = reason,
                         .finish_reason_text = std::move(sent)}},
            .attempts = {{}, {}}};
}

TEST(WholeAnswer, AcceptsAnAnswerThatEndedNormally) {
    for (const auto reason : {FinishReason::none, FinishReason::stop, FinishReason::tool_calls,
                              FinishReason::function_call, FinishReason::other}) {
        auto answer = ended_by(reason);
        EXPECT_FALSE(cut_or_blocked(answer)) << to_string(reason);
        EXPECT_EQ(answer.text(), "half") << to_string(reason);
    }
    ChatCompletion empty;
    EXPECT_FALSE(cut_or_blocked(empty));
}

TEST(WholeAnswer, HasAnErrorCodeForEachReasonThatTruncatesIt) {
    struct Row {
        FinishReason reason;
        ErrorCode code;
        const char* provider_code;
    };
    const Row rows[] = {{FinishReason::length, ErrorCode::malformed_response, "length"},
                        {FinishReason::content_filter, ErrorCode::content_filtered, "content_filter"},
                        {FinishReason::error, ErrorCode::server_failed, "as-sent"}};
    for (const auto& row : rows) {
        auto answer = ended_by(row.reason, "as-sent");
        const auto error = cut_or_blocked(answer);
        ASSERT_TRUE(error) << row.provider_code;
        EXPECT_EQ(error->code, row.code);
        EXPECT_EQ(error->provider_code, row.provider_code);
        EXPECT_FALSE(error->message.empty());
    }
}

TEST(WholeAnswer, DependsOnTheFirstChoiceOnly) {
    auto answer = ended_by(FinishReason::stop);
    answer.choices.push_back({.index = 1, .finish_reason = FinishReason::length});
    EXPECT_FALSE(cut_or_blocked(answer));
}

TEST(UnfitAnswer, KeepsTheAnswerAndItsOrigin) {
    const auto error = unfit_answer(ErrorCode::malformed_response, "length", "cut", ended_by(FinishReason::length));
    EXPECT_EQ(error.message, "cut");
    EXPECT_EQ(error.region, "eu");
    EXPECT_EQ(error.model, "asked");
    EXPECT_EQ(error.request_id, "req-1");
    EXPECT_EQ(error.attempts.size(), 2U);
    ASSERT_NE(error.partial, nullptr);
    EXPECT_EQ(error.partial->text(), "half");
    EXPECT_EQ(error.partial->attempts.size(), 2U);
}

}  // namespace
}  // namespace holysheep::client
