// A range, a callback and an asynchronous callback get the same events, whatever the stream holds. Events, chunks and
// bytes all add up to the same answer.
#include "stream_forms.hpp"

#include <holysheep/stream_accumulator.hpp>

namespace holysheep::flow {
namespace {

struct Script {
    const char* name;
    std::vector<std::string> portions;
    StreamEnd end = StreamEnd::complete;
};

void PrintTo(const Script& script, std::ostream* out) { *out << script.name; }

std::string chunk(std::string_view choices, std::string_view rest = "") {
    return R"(data: {"id":"c9","object":"chat.completion.chunk","created":7,"model":"m","choices":[)" +
           std::string(choices) + "]" + std::string(rest) + "}\n\n";
}
std::string delta(int choice, std::string_view members, std::string_view finish = "null") {
    return R"({"index":)" + std::to_string(choice) + R"(,"delta":{)" + std::string(members) + R"(},"finish_reason":)" +
           std::string(finish) + "}";
}
const std::string kUsage = R"(,"usage":{"prompt_tokens":5,"completion_tokens":4,"total_tokens":9})";

const std::vector<Script>& scripts() {
    static const std::vector<Script> all = {
        {"ToolCalls",
         {chunk(delta(0, R"("role":"assistant","content":null)")),
          chunk(delta(
              0, R"("tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"wool","arguments":""}}])")),
          chunk(delta(0, R"("tool_calls":[{"index":0,"function":{"arguments":"{\"x\":"}}])")),
          chunk(delta(
              0,
              R"("tool_calls":[{"index":1,"id":"b","function":{"name":"felt","arguments":"{}"}},{"index":0,"function":{"arguments":"1}"}}])")),
          chunk(delta(0, "", R"("tool_calls")")), kDone}},
        {"Reasoning",
         {chunk(delta(0, R"("reasoning_content":"hm")")), chunk(delta(0, R"("reasoning":", so")")),
          chunk(delta(0, R"("content":"Merino")")), chunk(delta(0, "", R"("stop")")), kDone}},
        {"Refusal",
         {chunk(delta(0, R"("refusal":"I ")")), chunk(delta(0, R"("refusal":"won't")", R"("stop")")), kDone}},
        {"SeveralChoices",
         {chunk(delta(1, R"("content":"b")") + "," + delta(0, R"("content":"a")")), chunk(delta(0, R"("content":"A")")),
          chunk(delta(1, R"("content":"B")", R"("length")")), chunk(delta(0, "", R"("stop")")), kDone}},
        {"UsageBesideAndAfter",
         {chunk(delta(0, R"("content":"x")"), kUsage), chunk(delta(0, "", R"("stop")")), chunk("", kUsage), kDone}},
        {"KeepAlivesAndEmptyChunks",
         {kKeepAlive, chunk(""), kKeepAlive + chunk(delta(0, R"("content":"")")), kKeepAlive,
          chunk(delta(0, R"("content":"x")")), kKeepAlive, chunk(delta(0, "", R"("stop")")), kDone}},
        {"EscapesAndManyBytes",
         {chunk(delta(0, R"("content":"\"q\"\n\u00e9 🐑")")), chunk(delta(0, R"("content":"für 羊")")),
          chunk(delta(0, "", R"("stop")")), kDone}},
        {"NoDoneMarker", {chunk(delta(0, R"("content":"x")")), chunk(delta(0, "", R"("stop")"))}},
        {"Cut", {chunk(delta(0, R"("content":"x")"))}, StreamEnd::cut},
        {"ErrorEvent",
         {chunk(delta(0, R"("content":"x")")), "data: " + error_body("server_error", "server_error") + "\n\n"}},
    };
    return all;
}

std::string summary(const Result<ChatCompletion>& result) {
    const auto* answer = result ? &*result : result.error().partial.get();
    std::string text = result ? "whole" : std::string(to_string(result.error().code));
    if (answer == nullptr) return text;
    text += " " + answer->id + " " + std::to_string(answer->usage.total_tokens);
    for (const auto& choice : answer->choices) {
        text += "|" + std::to_string(choice.index) + ":" + choice.message.content + ":" + choice.message.reasoning +
                ":" + choice.message.refusal + ":" + std::string(to_string(choice.finish_reason));
        for (const auto& call : choice.message.tool_calls) text += "," + call.id + " " + call.name + call.arguments;
    }
    return text;
}

class StreamForms : public ::testing::TestWithParam<Script> {
  protected:
    struct Outcome {
        std::vector<std::string> events;
        std::string summary;
        std::vector<std::string> chunks;  ///< each wire chunk once
        std::string summary_of_events;
    };

    static Outcome read_with(const StreamForm& form, ClientOptions options = {}) {
        CallFlow flow({"us-west"}, std::move(options));
        flow.transport.stream_bytes("us-west", GetParam().portions, GetParam().end);
        Outcome outcome;
        StreamAccumulator by_events;
        outcome.summary = summary(form.read(flow, {}, [&](const ChatChunk& seen) {
            outcome.events.push_back(describe_fully(seen));
            by_events.add_event(seen);
            const bool comment = seen.event == ChunkEvent::keep_alive;
            if (!comment && (outcome.chunks.empty() || outcome.chunks.back() != seen.raw_json)) {
                outcome.chunks.emplace_back(seen.raw_json);
            }
        }));
        outcome.summary_of_events = summary(by_events.finish());
        return outcome;
    }
};

TEST_P(StreamForms, GiveTheSameEvents) {
    const auto expected = read_with(stream_forms()[0]);
    ASSERT_FALSE(expected.events.empty());
    for (const auto& form : stream_forms()) {
        SCOPED_TRACE(form.name);
        const auto outcome = read_with(form);
        EXPECT_EQ(outcome.events, expected.events);
        EXPECT_EQ(outcome.summary, expected.summary);
        const auto inline_outcome = read_with(form, {.callback_executor = run_inline});
        EXPECT_EQ(inline_outcome.events, expected.events);
    }
}

TEST_P(StreamForms, AccumulateToTheSameAnswer) {
    const auto outcome = read_with(stream_forms()[0]);
    std::vector<std::string> events;
    StreamAccumulator by_bytes([&](const ChatChunk& seen) { events.push_back(describe_fully(seen)); });
    for (const auto& portion : GetParam().portions) {
        for (const char byte : portion) by_bytes.add_bytes({&byte, 1});
    }
    EXPECT_EQ(summary(by_bytes.finish()), outcome.summary);
    // A call holds back what comes before the first content, except for signs of life.
    const auto is_sign_of_life = [](const std::string& event) { return event.starts_with("keep_alive"); };
    auto expected = outcome.events;
    std::erase_if(expected, is_sign_of_life);
    std::erase_if(events, is_sign_of_life);
    EXPECT_EQ(events, expected);

    const bool failed_by_event = std::string_view(GetParam().name) == "ErrorEvent";
    StreamAccumulator by_chunks;
    for (const auto& json : outcome.chunks) by_chunks.add_json(json);
    EXPECT_EQ(summary(by_chunks.finish()), outcome.summary);
    if (!failed_by_event) {  // the events do not describe the error
        EXPECT_EQ(outcome.summary_of_events, outcome.summary);
    }
}

INSTANTIATE_TEST_SUITE_P(Scripts, StreamForms, ::testing::ValuesIn(scripts()),
                         [](const auto& script) { return std::string(script.param.name); });

TEST(StreamAccumulator, IgnoresDataAfterTheEnd) {
    StreamAccumulator answer;
    EXPECT_TRUE(answer.add_bytes(content_event("x")));
    EXPECT_FALSE(answer.add_bytes(kFinishEvent + kDone));
    EXPECT_FALSE(answer.add_bytes(content_event("y")));
    const auto whole = answer.finish();
    ASSERT_THAT(whole, IsOk());
    EXPECT_EQ(whole->text(), "x");
}

TEST(StreamAccumulator, AcceptsChunksOfSeveralLines) {
    StreamAccumulator answer;
    answer.add_json(
        "{\n  \"choices\": [\r\n    {\"index\": 0, \"delta\": {\"content\": \"x\"}, \"finish_reason\": \"stop\"}\n  "
        "]\n}");
    EXPECT_EQ(answer.so_far().text(), "x");
    EXPECT_THAT(answer.finish(), IsOk());
}

TEST(StreamAccumulator, ARestartDiscardsEarlierContent) {
    StreamAccumulator answer;
    answer.add_event({.event = ChunkEvent::content, .text = "Me"});
    answer.add_event({.event = ChunkEvent::restarted});
    answer.add_event({.event = ChunkEvent::content, .text = "x"});
    answer.add_event({.event = ChunkEvent::finish, .finish_reason = FinishReason::stop});
    EXPECT_EQ(answer.finish().value().text(), "x");
}

TEST(StreamAccumulator, KeepsTheOriginalFinishReason) {
    StreamAccumulator answer;
    answer.add_event({.event = ChunkEvent::content, .text = "x"});
    answer.add_event({.event = ChunkEvent::finish,
                      .finish_reason = FinishReason::other,
                      .raw_json = R"({"choices":[{"index":0,"delta":{},"finish_reason":"eos"}]})"});
    EXPECT_EQ(answer.finish().value().choices[0].finish_reason_text, "eos");
}

TEST(StreamAccumulator, WithoutAnEndTheAnswerIsInterrupted) {
    StreamAccumulator answer;
    answer.add_json(R"({"choices":[{"index":0,"delta":{"content":"x"}}]})");
    const auto cut = answer.finish();
    ASSERT_THAT(cut, FailsWith(ErrorCode::stream_interrupted));
    EXPECT_EQ(cut.error().partial->text(), "x");
}

}  // namespace
}  // namespace holysheep::flow
