// The answer that chunks add up to: one table row for each provider's peculiarity.
#include "wire/chunk_accumulator.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "chunk_recorder.hpp"
#include "wire/answer_dom.hpp"
#include "wire/answer_scan.hpp"
#include "wire/finish_reasons.hpp"

namespace holysheep::wire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// Adds the chunks with the scanner if it accepts them, or with the DOM parser only, and seals the answer.
struct Accumulated {
    ChunkRecorder sink{};
    ChunkAccumulator answers{SIZE_MAX};

    explicit Accumulated(const std::vector<std::string>& chunks, bool tree_only = false) {
        for (const std::string& chunk : chunks) {
            AnswerFields fields;
            std::string scratch;
            AnswerDom dom;
            if (tree_only || !scan_answer(chunk, AnswerShape::chunk, scratch, fields)) {
                EXPECT_EQ(dom.read(chunk, AnswerShape::chunk, fields), AnswerDom::Read::ok) << chunk;
            }
            EXPECT_EQ(answers.add(fields, chunk, &sink), ChunkAccumulator::Added::ok);
        }
        answers.seal(&sink);
    }
    const ChatCompletion& answer() const { return answers.completion(); }
    const Choice& choice() const { return answer().choices.at(0); }
    const std::vector<ToolCall>& calls() const { return answer().tool_calls(); }
};

std::string choice(std::string_view members) { return R"({"choices":[{"index":0,)" + std::string(members) + "}]}"; }
std::string delta(std::string_view members) { return choice("\"delta\":{" + std::string(members) + "}"); }
std::string tools(std::string_view calls) { return delta("\"tool_calls\":[" + std::string(calls) + "]"); }

struct CallsRow {
    std::string_view name;
    std::vector<std::string> chunks;    ///< the entries of `tool_calls`
    std::vector<std::string> expected;  ///< "id name arguments"
};
void PrintTo(const CallsRow& row, std::ostream* out) { *out << row.name; }

class ToolCalls : public testing::TestWithParam<CallsRow> {};

TEST_P(ToolCalls, AreDistinguished) {
    for (const bool tree_only : {false, true}) {
        std::vector<std::string> chunks;
        for (const std::string& calls : GetParam().chunks) chunks.push_back(tools(calls));
        const Accumulated sum(chunks, tree_only);
        std::vector<std::string> seen;
        for (const ToolCall& call : sum.calls()) {
            EXPECT_EQ(call.type, "function");
            seen.push_back(shown_id(call.id) + " " + call.name + " " + call.arguments);
        }
        EXPECT_EQ(seen, GetParam().expected);
    }
}

const CallsRow kCallsRows[] = {
    {"OneInPieces",
     {R"({"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}})",
      R"({"index":0,"function":{"arguments":"{\"x\":"}})", R"({"index":0,"function":{"arguments":"1}"}})"},
     {R"(a f {"x":1})"}},
    {"TwoInterleaved",
     {R"({"index":0,"id":"a","function":{"name":"f","arguments":"1"}},{"index":1,"id":"b","function":{"name":"g","arguments":"2"}})",
      R"({"index":1,"function":{"arguments":"4"}})", R"({"index":0,"function":{"arguments":"3"}})"},
     {"a f 13", "b g 24"}},
    {"IndexesFromOne",
     {R"({"index":1,"id":"a","function":{"name":"f","arguments":"1"}})",
      R"({"index":3,"id":"b","function":{"name":"g","arguments":"2"}})"},
     {"a f 1", "b g 2"}},
    {"IndexMinusOneIsZero",
     {R"({"index":-1,"id":"a","function":{"name":"f","arguments":"1"}})",
      R"({"index":0,"function":{"arguments":"2"}})"},
     {"a f 12"}},
    {"DistinctIdsThatShareAnIndex",
     {R"({"index":0,"id":"a","function":{"name":"f","arguments":"1"}})",
      R"({"index":0,"id":"b","function":{"name":"g","arguments":"2"}})", R"({"index":0,"function":{"arguments":"3"}})",
      R"({"index":0,"id":"a","function":{"arguments":"4"}})"},
     {"a f 14", "b g 23"}},
    {"NoIndexButIds",
     {R"({"id":"a","function":{"name":"f","arguments":"1"}})", R"({"id":"b","function":{"name":"g","arguments":"2"}})",
      R"({"id":"a","function":{"arguments":"3"}})", R"({"function":{"arguments":"4"}})"},
     {"a f 134", "b g 2"}},
    {"NeitherIndexNorId",
     {R"({"id":"","function":{"name":"f","arguments":"1"}},{"id":"","function":{"name":"f","arguments":"2"}})"},
     {"generated f 1", "generated f 2"}},
    {"SameIndexTwiceInOneChunk",
     {R"({"index":0,"id":"a","function":{"name":"f","arguments":"1"}},{"index":0,"function":{"arguments":"2"}})"},
     {"a f 12"}},
    {"RepeatedNameAndEmptyName",
     {R"({"index":0,"id":"a","function":{"name":"f","arguments":"1"}})",
      R"({"index":0,"id":"a","function":{"name":"f","arguments":"2"}})",
      R"({"index":0,"function":{"name":"","arguments":"3"}})"},
     {"a f 123"}},
    {"NameAfterTheIdOfASecondCall",
     {R"({"id":"a","function":{"name":"f","arguments":"1"}})", R"({"id":"b"})",
      R"({"function":{"name":"g","arguments":"2"}})"},
     {"a f 1", "b g 2"}},
    {"IdAfterTheName",
     {R"({"index":0,"function":{"name":"f","arguments":"1"}})", R"({"index":0,"id":"a","function":{"arguments":"2"}})"},
     {"generated f 12"}},
    {"NullArgumentsAndObjects",
     {R"({"index":0,"id":"a","function":{"name":"f","arguments":null}})",
      R"({"index":0,"function":{"arguments":{"x":1}}})"},
     {R"(a f {"x":1})"}},
    {"EmptyCustomBesideFunction",
     {R"({"index":0,"id":"a","type":"function","custom":{"name":"","input":""},"function":{"name":"f","arguments":"1"}})"},
     {"a f 1"}},
    {"ASecondNameOnAnIndexWithWholeArguments",
     {R"({"index":0,"id":"","function":{"name":"f","arguments":"{\"x\":1}"}})",
      R"({"index":0,"id":"","function":{"name":"g","arguments":"{\"y\":"}})",
      R"({"index":0,"function":{"arguments":"2}"}})"},
     {R"(generated f {"x":1})", R"(generated g {"y":2})"}},
    {"TheSameNameAgainWithOtherArguments",
     {R"({"index":0,"function":{"name":"f","arguments":"{\"x\":1}"}})",
      R"({"index":0,"function":{"name":"f","arguments":"{\"x\":2}"}})"},
     {R"(generated f {"x":1})", R"(generated f {"x":2})"}},
    {"TheSameCallAgainIsARepetition",
     {R"({"index":0,"function":{"name":"f","arguments":"{\"x\":1}"}})",
      R"({"index":0,"function":{"name":"f","arguments":"{\"x\":1}"}})"},
     {R"(generated f {"x":1})"}},
    {"TwoEqualCallsInOneChunk",
     {R"({"index":0,"function":{"name":"f","arguments":"{}"}},{"index":0,"function":{"name":"f","arguments":"{}"}})"},
     {"generated f {}", "generated f {}"}},
    {"OneIdForAllCalls",
     {R"({"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":1}"}})",
      R"({"index":0,"id":"a","function":{"name":"g","arguments":"{\"y\":2}"}},{"index":1,"id":"a","function":{"name":"h"}})"},
     {R"(a f {"x":1})", R"(generated g {"y":2})", "generated h "}},
    {"AnIdThatChangesWithEachPiece",
     {R"({"index":0,"id":"a","function":{"name":"f","arguments":""}})",
      R"({"index":0,"id":"b","function":{"arguments":"{\"x\":"}})",
      R"({"index":0,"id":"c","function":{"name":"","arguments":"{\"y\":1}}"}})",
      R"({"index":0,"id":"d","function":{"arguments":""}})"},
     {R"(a f {"x":{"y":1}})"}},
    {"AnIdThatChangesWithEachPieceWithoutAnIndex",
     {R"({"id":"a","function":{"name":"f","arguments":"{\"x\":"}})", R"({"id":"b","function":{"arguments":"1}"}})"},
     {R"(a f {"x":1})"}},
    {"IdAndNameOnEachPiece",
     {R"({"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":"}})",
      R"({"index":0,"id":"b","function":{"name":"f","arguments":"1}"}})"},
     {R"(a f {"x":1})"}},
    {"PlaceholderBeforeTheArguments",
     {R"({"index":0,"id":"a","function":{"name":"f","arguments":"{}"}})",
      R"({"index":0,"function":{"arguments":"{\"x\""}})", R"({"index":0,"function":{"arguments":":1}"}})"},
     {R"(a f {"x":1})"}},
    {"NullBeforeTheArguments",
     {R"({"index":0,"id":"a","function":{"name":"f","arguments":"null"}})",
      R"({"index":0,"function":{"arguments":"{\"x\":1}"}})"},
     {R"(a f {"x":1})"}},
    {"NoArgumentsAtAll", {R"({"index":0,"id":"a","function":{"name":"f","arguments":"{}"}})"}, {"a f {}"}},
    {"AllOfTheArgumentsOnceMore",
     {R"({"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":1,"}})",
      R"({"index":0,"function":{"arguments":"\"y\":2}"}})",
      R"({"index":0,"function":{"arguments":"{\"x\":1,\"y\":2}"}})"},
     {R"(a f {"x":1,"y":2})"}},
    {"AllOfTheArgumentsOnceMoreInPieces",
     {R"({"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":1}"}})",
      R"({"index":0,"function":{"arguments":"{\"x\""}})", R"({"index":0,"function":{"arguments":":1}"}})"},
     {R"(a f {"x":1})"}},
    {"AllOfTheArgumentsSoFarWithEachPiece",
     {R"({"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":\"w"}})",
      R"({"index":0,"function":{"arguments":"{\"x\":\"wool\""}})",
      R"({"index":0,"function":{"arguments":"{\"x\":\"wool\"}"}})"},
     {R"(a f {"x":"wool"})"}},
    {"ANestedObjectThatBeginsLikeTheTextSoFar",
     {R"({"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":"}})",
      R"({"index":0,"function":{"arguments":"{\"x\":1}}"}})"},
     {R"(a f {"x":{"x":1}})"}},
    {"ASecondTextWithoutAName",
     {R"({"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":1}"}})",
      R"({"index":0,"function":{"arguments":"{\"x\":"}})", R"({"index":0,"function":{"arguments":"2}"}})"},
     {R"(a f {"x":1})", R"(generated  {"x":2})"}},
    {"ASecondCallWhoseNameCameFirst",
     {R"({"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":1}"}})",
      R"({"index":0,"id":"b","function":{"name":"f","arguments":""}})",
      R"({"index":0,"function":{"arguments":"{\"x\":1}"}})"},
     {R"(a f {"x":1})", R"(b f {"x":1})"}},
    {"NeverNamed", {R"({"index":0,"id":"a","function":{"arguments":"1"}})"}, {"a  1"}},
};
INSTANTIATE_TEST_SUITE_P(Providers, ToolCalls, testing::ValuesIn(kCallsRows),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(ToolCallEvents, ReportTheNameOnceAndThenTheArguments) {
    const Accumulated sum({tools(R"({"index":5,"id":"a","function":{"name":"f","arguments":""}})"),
                           tools(R"({"index":5,"function":{"arguments":"{\"x\":1}"}})"),
                           tools(R"({"index":5,"id":"a","function":{"name":"f"}})")});
    EXPECT_THAT(sum.sink.seen,
                ElementsAre("started 0", "tool_call 0 #0 a f ''", "tool_call 0 #0   '{\"x\":1}'", "other"));
}

TEST(ToolCallEvents, HoldAPlaceholderUntilOtherArgumentsCome) {
    const std::string begun = tools(R"({"index":0,"id":"a","function":{"name":"f","arguments":"{}"}})");
    const Accumulated replaced({begun, tools(R"({"index":0,"function":{"arguments":"{\"x\":"}})")});
    EXPECT_THAT(replaced.sink.seen, ElementsAre("started 0", "tool_call 0 #0 a f ''", R"(tool_call 0 #0   '{"x":')"));
    const Accumulated kept({begun, choice(R"("finish_reason":"tool_calls")")});
    EXPECT_THAT(kept.sink.seen,
                ElementsAre("started 0", "tool_call 0 #0 a f ''", "tool_call 0 #0   '{}'", "finish 0 tool_calls"));
}

TEST(ToolCalls, AnObjectInsteadOfTheListIsOneCall) {
    const Accumulated sum({delta(R"("tool_calls":{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":"}})"),
                           delta(R"("tool_calls":{"index":0,"function":{"arguments":"1}"}})"),
                           R"({"choices":{"index":0,"delta":{},"finish_reason":"tool_calls"}})"});
    ASSERT_EQ(sum.calls().size(), 1U);
    EXPECT_EQ(sum.calls()[0].arguments, R"({"x":1})");
    EXPECT_EQ(sum.choice().finish_reason, FinishReason::tool_calls);
}

TEST(ToolCallEvents, WaitForALateName) {
    const Accumulated sum({tools(R"({"index":0,"id":"a","function":{"arguments":"{\"x\""}})"),
                           tools(R"({"index":0,"function":{"name":"f","arguments":":1}"}})")});
    EXPECT_THAT(sum.sink.seen, ElementsAre("started 0", R"(tool_call 0 #0 a f '{"x":1}')"));
}

TEST(ToolCallEvents, DoNotWaitBeyondTheFinish) {
    const Accumulated sum(
        {tools(R"({"index":0,"id":"a","function":{"arguments":"1"}})"), choice(R"("finish_reason":"stop")")});
    EXPECT_THAT(sum.sink.seen, ElementsAre("started 0", "tool_call 0 #0 a  '1'", "finish 0 stop"));
}

TEST(CustomToolCall, PreservesItsJson) {
    const Accumulated sum({tools(R"({"index":0,"id":"a","type":"custom","custom":{"name":"g","input":"x"}})"),
                           tools(R"({"index":0,"custom":{"input":"y"}})")});
    EXPECT_EQ(sum.calls().at(0).type, "custom");
    EXPECT_EQ(sum.calls().at(0).arguments, "xy");
    EXPECT_EQ(sum.calls().at(0).raw_json, R"({"id":"a","type":"custom","custom":{"name":"g","input":"xy"}})");
}

TEST(ToolCallMembers, OfTheFunctionStayInIt) {
    const Accumulated sum(
        {delta(
             R"("tool_calls":[{"index":0,"id":"1","function":{"name":"f","arguments":"{","thought_signature":"s"}}])"),
         delta(R"("tool_calls":[{"index":0,"function":{"arguments":"}","x":1}}])")});
    EXPECT_EQ(sum.calls().at(0).arguments, "{}");
    EXPECT_EQ(sum.calls().at(0).raw_json,
              R"({"id":"1","type":"function","function":{"name":"f","arguments":"{}","thought_signature":"s","x":1}})");
}

TEST(ToolCallMembers, OfTheProviderStayWithTheCall) {
    const Accumulated sum(
        {tools(R"({"index":0,"id":"a","function":{"name":"f","arguments":"1"},"extra_content":{"s":"t"}})")});
    EXPECT_EQ(sum.calls().at(0).raw_json,
              R"({"id":"a","type":"function","function":{"name":"f","arguments":"1"},"extra_content":{"s":"t"}})");
    EXPECT_EQ(Accumulated({tools(R"({"index":0,"id":"a","function":{"name":"f"}})")}).calls().at(0).raw_json, "");
}

TEST(Choices, AreKeptByIndexAndMayInterleave) {
    const Accumulated sum({R"({"choices":[{"index":2,"delta":{"content":"c"}},{"index":0,"delta":{"content":"a"}}]})",
                           R"({"choices":[{"index":2,"delta":{"content":"C"},"finish_reason":"stop"}]})",
                           R"({"choices":[{"index":0,"delta":{"content":"A"},"finish_reason":"length"}]})"});
    ASSERT_EQ(sum.answer().choices.size(), 2U);
    EXPECT_EQ(sum.answer().choices[0].message.content, "aA");
    EXPECT_EQ(sum.answer().choices[1].message.content, "cC");
    EXPECT_EQ(sum.answer().choices[1].index, 2);
    EXPECT_TRUE(sum.answers.all_finished());
    EXPECT_THAT(sum.sink.seen, ElementsAre("started 2", "content 2 'c'", "content 0 'a'", "content 2 'C'",
                                           "finish 2 stop", "content 0 'A'", "finish 0 length"));
}

TEST(Choices, WithoutAnIndexUseTheirPosition) {
    const Accumulated sum({R"({"choices":[{"delta":{"content":"a"}},{"delta":{"content":"b"}}]})"});
    EXPECT_EQ(sum.answer().choices.at(1).message.content, "b");
}

TEST(Role, IsReplacedNotConcatenated) {
    const Accumulated sum({delta(R"("role":"assistant")"), delta(R"("role":"assistant")"), delta(R"("role":"")")});
    EXPECT_EQ(sum.choice().message.role, Role::assistant);
    EXPECT_EQ(Accumulated({delta(R"("content":"a")")}).choice().message.role, Role::assistant);
}

TEST(Text, NullAndEmptyDeltasAreIgnored) {
    const Accumulated sum(
        {delta(R"("content":null,"refusal":"")"), delta(R"("content":"a","refusal":"no")"), delta(R"("content":"")")});
    EXPECT_THAT(sum.sink.seen, ElementsAre("started 0", "content 0 'a'", "refusal 0 'no'", "other"));
}

TEST(Text, OfContentPartsIsJoinedByKind) {
    const Accumulated sum(
        {delta(
             R"("content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"a"}])"),
         delta(R"("content":[{"type":"text","text":"b"}])"), delta(R"("content":"c")")});
    EXPECT_EQ(sum.choice().message.reasoning, "hm");
    EXPECT_EQ(sum.choice().message.content, "abc");
}

TEST(Reasoning, IsFoundUnderEveryName) {
    for (const char* members :
         {R"("reasoning_content":"hm")", R"("reasoning":"hm")", R"("reasoning_content":"","reasoning":"hm")",
          R"("reasoning_content":null,"reasoning":"hm")", R"("reasoning_content":"hm","reasoning":"no")",
          R"("reasoning_details":[{"type":"reasoning.text","text":"hm"}])"}) {
        EXPECT_EQ(Accumulated({delta(members)}).choice().message.reasoning, "hm") << members;
    }
}

TEST(Reasoning, RemembersItsMemberName) {
    const std::pair<const char*, const char*> rows[] = {
        {R"("reasoning_content":"hm")", "reasoning_content"},
        {R"("reasoning":"hm","reasoning_content":"")", "reasoning"},
        {R"("content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]}])", "thinking"},
        {R"("reasoning_details":[{"text":"hm"}])", "reasoning_details"},
        {R"("content":"a")", ""}};
    for (const auto& [members, name] : rows) {
        EXPECT_EQ(Accumulated({delta(members), delta(R"("content":"b")")}).choice().message.reasoning_name, name)
            << members;
    }
}

TEST(Reasoning, DetailsAreJoinedForReplay) {
    const Accumulated sum({delta(R"("reasoning":"a","reasoning_details":[{"text":"a"}])"),
                           delta(R"("reasoning":"b","reasoning_details":[{"text":"b"}])"),
                           delta(R"("reasoning_details":[])")});
    EXPECT_EQ(sum.choice().message.reasoning, "ab");
    EXPECT_EQ(sum.choice().message.extra_json, R"({"reasoning_details":[{"text":"a"},{"text":"b"}]})");
}

TEST(CumulativeMessage, BesideADeltaIsIgnored) {
    const Accumulated sum({choice(R"("delta":{"content":"a"},"message":{"content":"a"})"),
                           choice(R"("delta":{"content":"b"},"message":{"content":"ab"})")});
    EXPECT_EQ(sum.choice().message.content, "ab");
    EXPECT_EQ(sum.choice().extra_json, "");
}

TEST(WholeMessage, AfterDeltasIsARepetition) {
    const Accumulated sum(
        {delta(R"("reasoning_content":"hm","content":"Hel","annotations":[{"type":"a"}])"),
         tools(R"({"index":0,"id":"a","function":{"name":"f","arguments":"1"},"extra_content":1})"),
         delta(R"("content":"lo")"),
         choice(R"("finish_reason":"stop","message":{"role":"assistant","reasoning_content":"hm",)"
                R"("content":"Hello","annotations":[{"type":"a"}],"tool_calls":)"
                R"([{"index":0,"id":"a","function":{"name":"f","arguments":"1"},"extra_content":2}]})")});
    const Message& message = sum.choice().message;
    EXPECT_EQ(message.content, "Hello");
    EXPECT_EQ(message.reasoning, "hm");
    ASSERT_EQ(sum.calls().size(), 1U);
    EXPECT_EQ(sum.calls().at(0).arguments, "1");
    EXPECT_EQ(sum.choice().extra_json, R"({"annotations":[{"type":"a"}]})");
    EXPECT_EQ(sum.sink.seen.back(), "finish 0 stop");
    EXPECT_EQ(sum.sink.seen.size(), 6U);
}

TEST(WholeMessage, AddsWhatNoDeltaContained) {
    const Accumulated sum(
        {delta(R"("reasoning_content":"hm")"), delta(R"("content":"Hel")"),
         choice(R"("message":{"content":"Hello","tool_calls":[{"id":"a","function":{"name":"f"}}]})")});
    EXPECT_EQ(sum.choice().message.content, "Hello");
    EXPECT_EQ(sum.calls().size(), 1U);
    EXPECT_EQ(
        Accumulated({delta(R"("content":"Hi")"), choice(R"("message":{"content":"Hello"})")}).choice().message.content,
        "Hi");
}

TEST(WholeMessage, WithoutDeltasCountsAsADelta) {
    const Accumulated sum({choice(R"("message":{"content":"ha"})"), choice(R"("message":{"content":"ha"})")});
    EXPECT_EQ(sum.choice().message.content, "haha");
}

TEST(Usage, OfZerosIsIgnored) {
    const std::string zeros = R"({"choices":[],"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}})";
    EXPECT_FALSE(Accumulated({zeros}).answer().usage.present);
    const Accumulated sum(
        {R"({"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":1,"total_tokens":6}})", zeros});
    EXPECT_EQ(sum.answer().usage.total_tokens, 6);
    EXPECT_TRUE(Accumulated({R"({"choices":[],"usage":{"total_tokens":0,"cost":0}})"}).answer().usage.present);
}

TEST(Usage, OfAChoiceCountsIfTheAnswerHasNone) {
    const Accumulated sum(
        {delta(R"("content":"a")"),
         choice(R"("delta":{},"finish_reason":"stop","usage":{"prompt_tokens":19,"completion_tokens":21,)"
                R"("total_tokens":40,"cached_tokens":10})")});
    EXPECT_EQ(sum.answer().usage.total_tokens, 40);
    EXPECT_EQ(sum.answer().usage.cached_input_tokens, 10);
    EXPECT_EQ(sum.choice().extra_json, "");
    EXPECT_EQ(sum.sink.seen.back(), "usage 40");
    const Accumulated both({R"({"choices":[{"index":0,"usage":{"total_tokens":1}}],"usage":{"total_tokens":2}})"});
    EXPECT_EQ(both.answer().usage.total_tokens, 2);
    EXPECT_EQ(both.choice().extra_json, R"({"usage":{"total_tokens":1}})");
}

TEST(Usage, TheLastOneWinsAndNullOrEmptyIsIgnored) {
    const Accumulated sum({R"({"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":1,"total_tokens":6}})",
                           R"({"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":9,"total_tokens":14}})",
                           R"({"choices":[],"usage":null})", R"({"choices":[],"usage":{}})"});
    EXPECT_EQ(sum.answer().usage.total_tokens, 14);
    EXPECT_THAT(sum.sink.seen, ElementsAre("usage 6", "usage 14", "other", "other"));
}

TEST(Usage, OfXGroqCounts) {
    const Accumulated sum(
        {R"({"choices":[],"x_groq":{"id":"r","usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}})"});
    EXPECT_EQ(sum.answer().usage.total_tokens, 3);
    EXPECT_EQ(sum.answer().usage.raw_json, R"({"prompt_tokens":1,"completion_tokens":2,"total_tokens":3})");
}

TEST(FinishReason, TheLastNonEmptyOneWins) {
    const Accumulated sum({choice(R"("finish_reason":"length")"), choice(R"("finish_reason":"length")"),
                           choice(R"("finish_reason":"")"), choice(R"("finish_reason":"stop")"),
                           choice(R"("finish_reason":null)")});
    EXPECT_EQ(sum.choice().finish_reason, FinishReason::stop);
    EXPECT_THAT(sum.sink.seen, ElementsAre("started 0", "finish 0 length", "other", "other", "finish 0 stop", "other"));
}

TEST(FinishReason, AnUnknownValueIsOtherAndKept) {
    const Accumulated sum({choice(R"("finish_reason":"out_of_wool")")});
    EXPECT_EQ(sum.choice().finish_reason, FinishReason::other);
    EXPECT_EQ(sum.choice().finish_reason_text, "out_of_wool");
}

TEST(FinishReason, IsMappedForEachProvider) {
    using enum FinishReason;
    const std::pair<std::string_view, FinishReason> rows[] = {{"STOP", stop},
                                                              {"end_turn", stop},
                                                              {"eos", stop},
                                                              {"MAX_TOKENS", length},
                                                              {"model_length", length},
                                                              {"FINISH_REASON_MAX_TOKENS", length},
                                                              {"tool_use", tool_calls},
                                                              {"tool-calls", tool_calls},
                                                              {"function_call", function_call},
                                                              {"SAFETY", content_filter},
                                                              {"RECITATION", content_filter},
                                                              {"PROHIBITED_CONTENT", content_filter},
                                                              {"sensitive", content_filter},
                                                              {"content-filter", content_filter},
                                                              {"network_error", error},
                                                              {"abort", error},
                                                              {"insufficient_system_resource", error},
                                                              {"MALFORMED_FUNCTION_CALL", error},
                                                              {"OTHER", other},
                                                              {"", none}};
    for (const auto& [word, reason] : rows) EXPECT_EQ(finish_reason_from(word), reason) << word;
}

TEST(FinishReason, AFailureIsNotReportedAsAFinish) {
    const Accumulated sum({delta(R"("content":"a")"), choice(R"("finish_reason":"network_error")")});
    EXPECT_THAT(sum.sink.seen, ElementsAre("started 0", "content 0 'a'", "other"));
    EXPECT_EQ(sum.answers.failure_reason(), "network_error");
    EXPECT_EQ(Accumulated({choice(R"("finish_reason":"error")"), choice(R"("finish_reason":"stop")")})
                  .answers.failure_reason(),
              "");
}

TEST(Media, AudioIsReportedInPiecesAndJoined) {
    const Accumulated sum({delta(R"("content":null,"audio":{"id":"a1","transcript":"Ba"})"),
                           delta(R"("audio":{"data":"UklG"})"), delta(R"("audio":{"data":"RiQA","transcript":"a"})"),
                           delta(R"("audio":{"expires_at":7})")});
    EXPECT_THAT(sum.sink.seen, ElementsAre("started 0", "media 0 transcript 'Ba'", "media 0 audio 'UklG'",
                                           "media 0 audio 'RiQA'", "media 0 transcript 'a'", "other"));
    EXPECT_TRUE(sum.answers.has_content());
    EXPECT_EQ(sum.choice().extra_json, R"({"audio":{"data":"UklGRiQA","expires_at":7,"id":"a1","transcript":"Baa"}})");
}

TEST(Media, ImagesAndFilesAreReportedOneByOneAndAllKept) {
    const Accumulated sum(
        {delta(R"("content":"","images":[{"type":"image_url","image_url":{"url":"data:a"},"index":0}])"),
         delta(R"("images":{"type":"image_url","image_url":{"url":"data:b"},"index":1})"),
         delta(R"("files":[{"id":"f"}])"), delta(R"("images":[],"files":null)")});
    EXPECT_THAT(sum.sink.seen, ElementsAre("started 0", "media 0 image 'data:a'", "media 0 image 'data:b'",
                                           R"(media 0 file '{"id":"f"}')", "other"));
    EXPECT_TRUE(sum.answers.has_content());
    EXPECT_EQ(sum.choice().message.extra_json, "") << "servers reject them in requests";
    EXPECT_EQ(sum.choice().extra_json,
              R"({"files":[{"id":"f"}],"images":[{"image_url":{"url":"data:a"},"index":0,"type":"image_url"},)"
              R"({"image_url":{"url":"data:b"},"index":1,"type":"image_url"}]})");
}

TEST(Media, InsideTheContentIsKeptBesideTheText) {
    const Accumulated sum(
        {delta(R"("content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"u"}}])")});
    EXPECT_THAT(sum.sink.seen, ElementsAre("started 0", "content 0 'a'", "media 0 image 'u'"));
    EXPECT_EQ(sum.choice().extra_json, R"({"content_parts":[{"image_url":{"url":"u"},"type":"image_url"}]})");
}

TEST(Media, AMessageThatRepeatsTheDeltasIsReportedOnce) {
    const Accumulated sum({delta(R"("images":[{"image_url":{"url":"u"}}])"),
                           choice(R"("message":{"images":[{"image_url":{"url":"u"}}]},"finish_reason":"stop")")});
    EXPECT_THAT(sum.sink.seen, ElementsAre("started 0", "media 0 image 'u'", "finish 0 stop"));
    EXPECT_EQ(sum.choice().extra_json, R"({"images":[{"image_url":{"url":"u"}}]})");
}

TEST(Progress, IsContentOnly) {
    ChunkAccumulator answers(SIZE_MAX);
    const auto add = [&](const std::string& chunk) {
        AnswerDom dom;
        AnswerFields fields;
        EXPECT_EQ(dom.read(chunk, AnswerShape::chunk, fields), AnswerDom::Read::ok);
        const auto before = answers.progress();
        EXPECT_EQ(answers.add(fields, chunk, nullptr), ChunkAccumulator::Added::ok);
        return answers.progress() > before;
    };
    EXPECT_FALSE(add(delta(R"("role":"assistant","content":"")")));
    EXPECT_TRUE(add(delta(R"("content":"a")")));
    EXPECT_FALSE(add(delta(R"("role":"assistant","content":null)")));
    EXPECT_FALSE(add(R"({"type":"ping"})"));
    EXPECT_FALSE(add(R"({"choices":[],"usage":{"total_tokens":3}})"));
    EXPECT_TRUE(add(delta(R"("reasoning":"hm")")));
    EXPECT_TRUE(add(delta(R"("audio":{"data":"QQ"})")));
    EXPECT_TRUE(add(tools(R"({"index":0,"id":"a","function":{"arguments":"{"}})"))) << "even before its name";
    EXPECT_FALSE(add(tools(R"({"index":0,"function":{"arguments":""}})")));
    EXPECT_TRUE(add(choice(R"("finish_reason":"stop")")));
    EXPECT_FALSE(add(choice(R"("finish_reason":"stop")")));
}

TEST(Reasoning, IsReadUnderAllNames) {
    const std::pair<std::string, std::string_view> rows[] = {
        {R"("reasoning_content":"hm")", "reasoning_content"},
        {R"("reasoning":"hm")", "reasoning"},
        {R"("reasoning_text":"hm")", "reasoning_text"},
        {R"("thinking":"hm")", "message.thinking"},
        {R"("content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]}])", "thinking"},
        {R"("content":[{"type":"reasoning","text":"hm"}])", "thinking"},
        {R"("reasoning_details":[{"type":"reasoning.text","text":"hm"}])", "reasoning_details"},
        {R"("thinking_blocks":[{"type":"thinking","thinking":"hm"}])", "thinking_blocks"}};
    for (const auto& [members, name] : rows) {
        for (const bool tree_only : {false, true}) {
            const Accumulated sum({delta(members), delta(members)}, tree_only);
            EXPECT_EQ(sum.choice().message.reasoning, "hmhm") << members;
            EXPECT_EQ(sum.choice().message.reasoning_name, name);
            EXPECT_EQ(sum.choice().message.content, "");
        }
    }
}

TEST(Reasoning, FragmentsOfABlockAreOneBlock) {
    const Accumulated details(
        {delta(R"("reasoning_details":[{"type":"reasoning.text","text":"Count ","format":"f","index":0}])"),
         delta(R"("reasoning_details":[{"type":"reasoning.summary","summary":"wool","index":1}])"),
         delta(R"("reasoning_details":[{"type":"reasoning.text","text":"sheep","format":"f","index":0}])"),
         delta(
             R"("reasoning_details":[{"type":"reasoning.text","signature":"c2ln","index":0},)"
             R"({"type":"reasoning.encrypted","data":"x","id":"e1"},{"type":"reasoning.encrypted","data":"y","id":"e2"}])")});
    EXPECT_EQ(
        details.choice().message.extra_json,
        R"({"reasoning_details":[{"format":"f","index":0,"signature":"c2ln","text":"Count sheep","type":"reasoning.text"},)"
        R"({"index":1,"summary":"wool","type":"reasoning.summary"},{"data":"x","id":"e1","type":"reasoning.encrypted"},)"
        R"({"data":"y","id":"e2","type":"reasoning.encrypted"}]})");
    const Accumulated blocks({delta(R"("thinking_blocks":[{"type":"thinking","thinking":"a"}])"),
                              delta(R"("thinking_blocks":[{"type":"thinking","thinking":"b","signature":"s"}])"),
                              delta(R"("thinking_blocks":[{"type":"thinking","thinking":"c"}])")});
    EXPECT_EQ(
        blocks.choice().message.extra_json,
        R"({"thinking_blocks":[{"signature":"s","thinking":"ab","type":"thinking"},{"thinking":"c","type":"thinking"}]})");
    const Accumulated whole({delta(R"("reasoning_details":[{"type":"t","text":"a"},{"type":"t","text":"b"}])")});
    EXPECT_EQ(whole.choice().message.extra_json,
              R"({"reasoning_details":[{"text":"a","type":"t"},{"text":"b","type":"t"}]})");
}

TEST(OutputOnlyMembers, AreKeptOutsideTheMessage) {
    for (const bool tree_only : {false, true}) {
        const Accumulated sum({delta(R"("content":"a","citations":"c","provider_specific_fields":7,"odd":1)")},
                              tree_only);
        EXPECT_EQ(sum.choice().message.extra_json, R"({"odd":1})");
        EXPECT_EQ(sum.choice().extra_json, R"({"citations":"c","provider_specific_fields":7})");
    }
}

TEST(TopLevel, TheFirstNonEmptyValueWins) {
    const Accumulated sum(
        {R"({"id":"","model":"","created":0,"object":"","choices":[]})",
         R"({"id":"a","model":"m","created":1.5,"choices":[],"system_fingerprint":"fp","service_tier":"flex"})",
         R"({"id":"b","model":"n","created":2,"choices":[]})"});
    EXPECT_EQ(sum.answer().id, "a");
    EXPECT_EQ(sum.answer().model, "m");
    EXPECT_EQ(sum.answer().created, 1);
    EXPECT_EQ(sum.answer().system_fingerprint, "fp");
    EXPECT_EQ(sum.answer().service_tier, "flex");
}

TEST(UnknownMembers, AreKeptInPlaceAndTheLastValueWins) {
    const Accumulated sum(
        {R"({"provider":"x","obfuscation":"zz","choices":[{"index":0,"delta":{"a":1},"seed":7}]})",
         R"({"provider":"y","citations":["u"],"n":null,"choices":[{"index":0,"delta":{"a":2,"b":[1]},"seed":null}]})"});
    EXPECT_EQ(sum.answer().extra_json, R"({"citations":["u"],"provider":"y"})");
    EXPECT_EQ(sum.choice().extra_json, R"({"seed":7})");
    EXPECT_EQ(sum.choice().message.extra_json, R"({"a":2,"b":[1]})");
}

TEST(ResponseOnlyMembers, StayOutsideTheMessageToBeSentBack) {
    const Accumulated sum(
        {delta(R"("annotations":[{"i":1}],"parsed":{"x":1},"audio":{"id":"a","data":"QQ","transcript":"h"})"),
         delta(R"("annotations":[{"i":2}],"audio":{"data":"Qg","transcript":"i","expires_at":5})")});
    // A spoken answer is sent back by its id alone.
    EXPECT_EQ(sum.choice().message.extra_json, R"({"audio":{"id":"a"}})");
    EXPECT_EQ(
        sum.choice().extra_json,
        R"({"annotations":[{"i":1},{"i":2}],"audio":{"data":"QQQg","expires_at":5,"id":"a","transcript":"hi"},"parsed":{"x":1}})");
}

TEST(Citations, AreReadFromTheAnnotationsOfAllChunks) {
    const Accumulated sum(
        {delta(
             R"("annotations":[{"type":"url_citation","url_citation":{"start_index":1,"end_index":9,"url":"u","title":"t"}}])"),
         delta(
             R"("annotations":[{"type":"file_citation"},{"url_citation":{"url":"v","start_index":"3"}},{"url_citation":7}])")});
    ASSERT_EQ(sum.choice().citations.size(), 2U);
    EXPECT_EQ(sum.choice().citations[0].url, "u");
    EXPECT_EQ(sum.choice().citations[0].title, "t");
    EXPECT_EQ(sum.choice().citations[0].start_index, 1);
    EXPECT_EQ(sum.choice().citations[0].end_index, 9);
    EXPECT_EQ(sum.choice().citations[1].start_index, 3);
    EXPECT_TRUE(Accumulated({delta(R"("annotations":{"url_citation":{"url":"u"}})")}).choice().citations.empty());
}

TEST(LegacyFunctionCall, IsJoinedAndEmptyObjectsAreIgnored) {
    const Accumulated sum(
        {delta(R"("function_call":{"name":"f","arguments":"{"})"), delta(R"("function_call":{"arguments":"}"})")});
    EXPECT_EQ(sum.choice().message.extra_json, R"({"function_call":{"arguments":"{}","name":"f"}})");
    const Accumulated none(
        {delta(R"("function_call":{"name":"","arguments":""},"audio":{"id":"","data":""},"content":"a")")});
    EXPECT_EQ(none.choice().message.extra_json, "");
    EXPECT_EQ(none.choice().extra_json, "");
}

TEST(Logprobs, AreJoinedOverChunks) {
    const Accumulated sum({choice(R"("delta":{"content":"a"},"logprobs":{"content":[{"token":"a"}],"refusal":null})"),
                           choice(R"("delta":{"content":"b"},"logprobs":{"content":[{"token":"b"}]})"),
                           choice(R"("logprobs":null)")});
    EXPECT_EQ(sum.choice().logprobs_json, R"({"content":[{"token":"a"},{"token":"b"}]})");
    EXPECT_EQ(Accumulated({choice(R"("logprobs":-0.5)")}).choice().extra_json, R"({"logprobs":-0.5})");
}

TEST(Content, IsNotCopiedByTheScanner) {
    // The scanner's fields point into the chunk: nothing of a usual content chunk is copied on the way.
    const std::string chunk = R"({"id":"c","choices":[{"index":0,"delta":{"content":"wool"},"finish_reason":null}]})";
    AnswerFields fields;
    std::string scratch;
    ASSERT_TRUE(scan_answer(chunk, AnswerShape::chunk, scratch, fields));
    EXPECT_EQ(fields.choices.at(0).content.data(), chunk.data() + chunk.find("wool"));
    EXPECT_EQ(scratch.size(), 0U);
}

TEST(HostileChunks, ManyToolIndexesCostNoMoreThanTheirNumber) {
    ChunkAccumulator answers(SIZE_MAX);
    AnswerFields fields;
    fields.choices.emplace_back();
    for (std::int64_t index = 0; index < 200'000; ++index) {
        fields.tool_calls.push_back({.index = index * 1'000'003 % 2'147'483'647, .arguments = "1"});
    }
    EXPECT_EQ(answers.add(fields, "", nullptr), ChunkAccumulator::Added::ok);
    EXPECT_EQ(answers.completion().tool_calls().size(), 200'000U);
}

}  // namespace
}  // namespace holysheep::wire
