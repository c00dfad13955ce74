// The answer that the events, chunks and bytes of a stream add up to.
#include <holysheep/stream_accumulator.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace holysheep::client {
namespace {

using ::testing::ElementsAre;

constexpr std::string_view kFirstChunk =
    R"({"id":"c-1","model":"m-2","created":7,"service_tier":"flex","system_fingerprint":"fp","choices":[{"index":0,"delta":{"role":"assistant","content":"x"}}]})";
constexpr std::string_view kLastChunk = R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})";

ChatChunk text_event(std::string_view text, int choice = 0) {
    return {.event = ChunkEvent::content, .choice = choice, .text = text};
}
ChatChunk finish_event(FinishReason reason = FinishReason::stop, int choice = 0) {
    return {.event = ChunkEvent::finish, .choice = choice, .finish_reason = reason};
}
ChatChunk tool_event(int index, std::string_view arguments, std::string_view id = {}, std::string_view name = {}) {
    return {.event = ChunkEvent::tool_call,
            .tool_index = index,
            .tool_id = id,
            .tool_name = name,
            .tool_arguments = arguments};
}
ChatChunk media_event(MediaKind media, std::string_view text) {
    return {.event = ChunkEvent::media, .text = text, .media = media};
}

TEST(AccumulatedEvents, JoinEveryKindOfText) {
    StreamAccumulator answer;
    for (const auto kind : {ChunkEvent::content, ChunkEvent::reasoning, ChunkEvent::refusal}) {
        answer.add_event({.event = kind, .text = std::string(to_string(kind)).substr(0, 3)});
        answer.add_event({.event = kind, .text = "!"});
    }
    answer.add_event(finish_event());
    const auto message = answer.finish().value().choices.at(0).message;
    EXPECT_EQ(message.role, Role::assistant);
    EXPECT_EQ(message.content, "con!");
    EXPECT_EQ(message.reasoning, "rea!");
    EXPECT_EQ(message.refusal, "ref!");
}

TEST(AccumulatedEvents, OrderChoicesByTheirIndex) {
    StreamAccumulator answer;
    for (const int choice : {2, 0, 1, 0}) answer.add_event(text_event(std::to_string(choice), choice));
    std::vector<std::string> texts;
    for (const auto& choice : answer.so_far().choices)
        texts.push_back(std::to_string(choice.index) + choice.message.content);
    EXPECT_THAT(texts, ElementsAre("000", "11", "22"));
}

TEST(AccumulatedEvents, AreAnAnswerOnceEveryChoiceHasFinished) {
    StreamAccumulator answer;
    answer.add_event(text_event("a", 0));
    answer.add_event(text_event("b", 1));
    answer.add_event(finish_event(FinishReason::stop, 0));
    const auto cut = answer.finish();
    ASSERT_FALSE(cut);
    EXPECT_EQ(cut.error().code, ErrorCode::stream_interrupted);
    ASSERT_NE(cut.error().partial, nullptr);
    EXPECT_EQ(cut.error().partial->choices.size(), 2U);
}

TEST(AccumulatedEvents, AreNotAnAnswerIfTheGenerationFailed) {
    StreamAccumulator answer;
    answer.add_event(text_event("a"));
    answer.add_event(finish_event(FinishReason::error));
    EXPECT_FALSE(answer.finish());
    StreamAccumulator empty;
    empty.add_event({.event = ChunkEvent::keep_alive});
    const auto nothing = empty.finish();
    ASSERT_FALSE(nothing);
    EXPECT_EQ(nothing.error().partial, nullptr);
}

TEST(AccumulatedEvents, NameTheFinishReason) {
    StreamAccumulator answer;
    answer.add_event(finish_event(FinishReason::length));
    const auto choice = answer.finish().value().choices.at(0);
    EXPECT_EQ(choice.finish_reason, FinishReason::length);
    EXPECT_EQ(choice.finish_reason_text, "length");
}

TEST(AccumulatedEvents, JoinTheArgumentsOfEachToolCallAndKeepItsFirstName) {
    StreamAccumulator answer;
    answer.add_event(tool_event(0, "{\"a\"", "id-0", "price"));
    answer.add_event(tool_event(1, "{}", "id-1", "weight"));
    answer.add_event(tool_event(0, ":1}", "other", "other"));
    answer.add_event(finish_event(FinishReason::tool_calls));
    const auto calls = answer.finish().value().tool_calls();
    ASSERT_EQ(calls.size(), 2U);
    EXPECT_EQ(calls[0].id, "id-0");
    EXPECT_EQ(calls[0].name, "price");
    EXPECT_EQ(calls[0].arguments, "{\"a\":1}");
    EXPECT_EQ(calls[1].id, "id-1");
    EXPECT_EQ(calls[1].arguments, "{}");
}

TEST(AccumulatedEvents, IgnoreToolCallsAtInvalidIndexes) {
    StreamAccumulator answer;
    answer.add_event(tool_event(-1, "{}"));
    answer.add_event(tool_event(1, "{}"));
    answer.add_event(tool_event(1'000'000'000, "{}"));
    EXPECT_TRUE(answer.so_far().tool_calls().empty());
}

TEST(AccumulatedEvents, TakeIdsFromTheFirstChunkAndTokensFromUsage) {
    StreamAccumulator answer;
    const Usage usage{.present = true, .completion_tokens = 5};
    answer.add_event({.event = ChunkEvent::started, .raw_json = kFirstChunk});
    answer.add_event(text_event("x"));
    answer.add_event({.event = ChunkEvent::usage, .usage = &usage});
    answer.add_event({.event = ChunkEvent::usage, .usage = nullptr});
    answer.add_event(finish_event());
    const auto whole = answer.finish().value();
    EXPECT_EQ(whole.id, "c-1");
    EXPECT_EQ(whole.model, "m-2");
    EXPECT_EQ(whole.created, 7);
    EXPECT_EQ(whole.service_tier, "flex");
    EXPECT_EQ(whole.system_fingerprint, "fp");
    EXPECT_EQ(whole.text(), "x") << "the first chunk's content comes as an event of its own";
    EXPECT_EQ(whole.usage.completion_tokens, 5);
}

TEST(AccumulatedEvents, WriteMediaIntoTheChoiceAsJson) {
    StreamAccumulator answer;
    answer.add_event(media_event(MediaKind::audio, "QUJD"));
    answer.add_event(media_event(MediaKind::audio, "REVG"));
    answer.add_event(media_event(MediaKind::transcript, "a \"b\""));
    answer.add_event(media_event(MediaKind::image, "https://a.test/1"));
    answer.add_event(media_event(MediaKind::image, "https://a.test/2"));
    answer.add_event(media_event(MediaKind::file, R"({"name":"x"})"));
    answer.add_event(media_event(MediaKind::none, "ignored"));
    answer.add_event(finish_event());
    EXPECT_EQ(answer.finish().value().choices.at(0).extra_json,
              R"({"audio":{"data":"QUJDREVG","transcript":"a \"b\""},"files":[{"name":"x"}],)"
              R"("images":[{"type":"image_url","image_url":{"url":"https://a.test/1"}},)"
              R"({"type":"image_url","image_url":{"url":"https://a.test/2"}}]})");
}

TEST(AccumulatedEvents, AreDiscardedAfterARestart) {
    StreamAccumulator answer;
    answer.add_event(text_event("old"));
    answer.add_event(media_event(MediaKind::image, "https://a.test/old"));
    answer.add_event({.event = ChunkEvent::restarted});
    answer.add_event(text_event("new"));
    answer.add_event(finish_event());
    const auto whole = answer.finish().value();
    EXPECT_EQ(whole.text(), "new");
    EXPECT_EQ(whole.choices.at(0).extra_json, "");
}

TEST(AccumulatedChunks, ReportEachChunkToTheFunction) {
    std::string seen;
    StreamAccumulator answer([&](const ChatChunk& chunk) { seen += chunk.content(); });
    EXPECT_TRUE(answer.add_json(kFirstChunk));
    EXPECT_EQ(seen, "x");
    answer.add_json(kLastChunk);
    EXPECT_EQ(answer.finish().value().text(), "x");
}

TEST(AccumulatedChunks, EndTheStreamWithAnErrorIfNotJson) {
    StreamAccumulator answer;
    answer.add_json(kFirstChunk);
    answer.add_json("no json");
    EXPECT_FALSE(answer.add_json(kLastChunk)) << "an unreadable chunk within the stream is an error";
    const auto broken = answer.finish();
    ASSERT_FALSE(broken);
    EXPECT_EQ(broken.error().http_status, 0) << "no HTTP answer was involved";
    ASSERT_NE(broken.error().partial, nullptr);
    EXPECT_EQ(broken.error().partial->text(), "x");
}

TEST(AccumulatedChunks, WithoutContentLeaveNoPartialAnswer) {
    StreamAccumulator answer;
    const auto nothing = answer.finish();
    ASSERT_FALSE(nothing);
    EXPECT_EQ(nothing.error().partial, nullptr);
}

TEST(AccumulatedChunks, SurviveAMove) {
    StreamAccumulator answer;
    answer.add_json(kFirstChunk);
    StreamAccumulator moved(std::move(answer));
    moved.add_json(kLastChunk);
    EXPECT_EQ(moved.finish().value().text(), "x");
}

}  // namespace
}  // namespace holysheep::client
