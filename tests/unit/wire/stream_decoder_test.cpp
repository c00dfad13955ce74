// Decodes whole bodies to events and a verdict; every body also byte by byte and cut at each position.
#include "wire/stream_decoder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "chunk_recorder.hpp"
#include "cuts.hpp"

namespace holysheep::wire {
namespace {

using State = StreamDecoder::State;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// The result of decoding a body.
struct Outcome {
    std::vector<std::string> events{};
    State state = State::open;
    bool has_content = false;
    Error error{};
    ChatCompletion answer{};
};

enum class End { none, clean, lost };

Outcome decode_stream(const Pieces& pieces, End end = End::clean, StreamDecoderOptions options = {}) {
    ChunkRecorder sink;
    StreamDecoder decoder(options, sink);
    for (const std::string_view piece : pieces) decoder.feed(piece);
    if (end != End::none) decoder.end_of_body(end == End::clean);
    Outcome outcome{.events = sink.seen, .state = decoder.state(), .has_content = decoder.has_content()};
    if (outcome.state == State::failed) outcome.error = decoder.error();
    outcome.answer = decoder.take_completion();
    return outcome;
}

Outcome decode_stream(std::string_view body, End end = End::clean, StreamDecoderOptions options = {}) {
    return decode_stream(Pieces{body}, end, options);
}

std::string event_of(std::string_view json) { return "data: " + std::string(json) + "\n\n"; }
/// A chunk with this delta, e.g. `"content":"a"`.
std::string delta(std::string_view members, std::string_view finish = "null") {
    return event_of(R"({"id":"c1","model":"m","choices":[{"index":0,"delta":{)" + std::string(members) +
                    R"(},"finish_reason":)" + std::string(finish) + "}]}");
}
std::string content(std::string_view text) { return delta("\"content\":\"" + std::string(text) + "\""); }
const std::string kStop = delta("", "\"stop\"");
const std::string kDone = "data: [DONE]\n\n";

TEST(StreamDecoder, ReportsAndAssemblesAnOrdinaryStreamForAnyChunking) {
    const std::string body =
        ": connected\n\n" + delta(R"("role":"assistant","content":"")") + content("Meri") + content("no für 羊 🐑") +
        kStop +
        event_of(R"({"id":"c1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}})") +
        kDone;
    const std::vector<std::string> expected = {
        "keep_alive", "started 0", "content 0 'Meri'", "content 0 'no für 羊 🐑'", "finish 0 stop", "usage 7"};
    for (const Pieces& pieces : all_cuts(body)) {
        const Outcome outcome = decode_stream(pieces, End::none);
        ASSERT_EQ(outcome.events, expected) << pieces.size();
        ASSERT_EQ(outcome.state, State::complete);
        EXPECT_EQ(outcome.answer.text(), "Merino für 羊 🐑");
        EXPECT_EQ(outcome.answer.id, "c1");
        EXPECT_EQ(outcome.answer.model, "m");
        EXPECT_EQ(outcome.answer.usage.total_tokens, 7);
        EXPECT_FALSE(outcome.answer.done_marker_missing);
    }
}

// Streams with non-standard framing, as some relays send them.

/// Chunks "a" and "b", the finish and the usage, each as a line of JSON.
const std::vector<std::string> kFramedChunks = {
    R"({"id":"c1","choices":[{"index":0,"delta":{"content":"a{"}}]})",
    R"({"id":"c1","choices":[{"index":0,"delta":{"content":"b: \"}"}}]})",
    R"({"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})",
    R"({"id":"c1","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})",
};

struct FramingRow {
    std::string_view name, before, after, end;
};
void PrintTo(const FramingRow& row, std::ostream* out) { *out << row.name; }

class NonStandardFraming : public testing::TestWithParam<FramingRow> {};

TEST_P(NonStandardFraming, GivesTheSameAnswer) {
    const FramingRow& row = GetParam();
    std::string body;
    for (const std::string& chunk : kFramedChunks) body += std::string(row.before) + chunk + std::string(row.after);
    body += row.end;
    for (const Pieces& pieces : all_cuts(body)) {
        const Outcome outcome = decode_stream(pieces);
        ASSERT_EQ(outcome.state, State::complete) << body << outcome.error.message;
        ASSERT_EQ(outcome.answer.text(), "a{b: \"}");
        ASSERT_EQ(outcome.answer.choices[0].finish_reason, FinishReason::stop);
        ASSERT_EQ(outcome.answer.usage.total_tokens, 3);
    }
}

const FramingRow kFramingRows[] = {
    {"NoBlankLineBetweenEvents", "data: ", "\n", "data: [DONE]\n\n"},
    {"NoBlankLineAtAll", "data:", "\n", "data:[DONE]"},
    {"NoBlankLineAndNoDone", "data: ", "\r\n", ""},
    {"DataInsideData", "data: data: ", "\n\n", "data: data: [DONE]\n\n"},
    {"DataInsideDataWithoutBlankLines", "data: data: ", "\n", "data: data: [DONE]\n\n"},
    {"CommentsInsideData", "data: : processing\n\ndata: ", "\n\n", "data: [DONE]\n\n"},
    {"EveryLineOfAnUpstreamInsideData", "data: event: message\ndata: id: 7\ndata: data: ", "\n\n",
     "data: data: [DONE]\n\n"},
    {"NoLineBreakBetweenEvents", "data: ", "", "data: [DONE]\n\n"},
    {"CommasBehindChunks", "data: ", ",\n\n", "data: [DONE]\n\n"},
    {"NoDataAtAll", "\n", "\n", ""},
    {"NoDataBehindAComment", ": hi\n\n", "\n", "[DONE]\n"},
    {"OneEventOverLines", "data: ", "\n\n", "data: \ndata: [DONE]\ndata: \n\n"},
};
INSTANTIATE_TEST_SUITE_P(Relays, NonStandardFraming, testing::ValuesIn(kFramingRows),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(NonStandardFraming, DelaysNoEventBeyondTheNext) {
    ChunkRecorder sink;
    StreamDecoder decoder({}, sink);
    decoder.feed("data: " + kFramedChunks[0] + "\ndata: " + kFramedChunks[1] + "\n");
    EXPECT_THAT(sink.seen, ElementsAre("started 0", "content 0 'a{'"));
}

TEST(NonStandardFraming, OneEventOverSeveralLinesStaysOne) {
    const std::string body =
        "data: {\"choices\":[{\"index\":0,\ndata: \"delta\":{\"content\":\"a\"},\ndata: "
        "\"finish_reason\":\"stop\"}]}\n\n";
    for (const Pieces& pieces : all_cuts(body)) ASSERT_EQ(decode_stream(pieces).answer.text(), "a");
}

TEST(BareError, IsTheErrorOfTheStream) {
    const std::string error =
        "{\n  \"error\": {\n    \"code\": 429,\n    \"message\": \"slow: down\",\n    "
        "\"details\": [{\"retryDelay\": \"7s\"}]\n  }\n}\n";
    for (const std::string& before : {std::string(": hi\n\n"), content("a"), std::string()}) {
        const std::string body = before + error;
        for (const Pieces& pieces : all_cuts(body)) {
            const Outcome outcome = decode_stream(pieces);
            ASSERT_EQ(outcome.state, State::failed);
            ASSERT_EQ(outcome.error.code, ErrorCode::rate_limited) << before;
            ASSERT_EQ(outcome.error.message, "slow: down");
            ASSERT_EQ(outcome.error.retry_after, std::chrono::milliseconds(7000));
            ASSERT_EQ(outcome.has_content, before == content("a"));
        }
    }
}

TEST(BareError, MeaninglessLinesAreStillIgnored) {
    const std::string body = "foo: bar\n{\"type\":\"ping\"}\n[1,2]\n{broken\n\n" + content("a") + kStop + kDone;
    for (const Pieces& pieces : all_cuts(body)) ASSERT_EQ(decode_stream(pieces).answer.text(), "a");
}

TEST(ErrorAfterATruncatedChunk, IsTheErrorOfTheStream) {
    const std::string cut = R"(data: {"choices":[{"index":0,"delta":{"content":" an ans)";
    const std::string error = R"(data: {"error":{"message":"upstream hung up","type":"upstream_error"}})";
    for (const std::string_view between : {"\n", "\n\n"}) {
        const std::string body = content("a") + cut + std::string(between) + error + "\n\n";
        for (const Pieces& pieces : all_cuts(body)) {
            const Outcome outcome = decode_stream(pieces);
            ASSERT_EQ(outcome.error.code, ErrorCode::server_failed);
            ASSERT_EQ(outcome.error.message, "upstream hung up");
            ASSERT_EQ(outcome.answer.text(), "a");
        }
    }
}

TEST(ErrorAfterATruncatedChunk, AnythingElseLeavesTheChunkMalformed) {
    const std::string cut = "data: {\"choices\":[{\n\n";
    for (const std::string& next : {content("b"), kDone, cut, std::string(": hi\n\n"), std::string()}) {
        const std::string body = content("a") + cut + next;
        for (const Pieces& pieces : all_cuts(body)) {
            const Outcome outcome = decode_stream(pieces);
            ASSERT_EQ(outcome.error.code, ErrorCode::malformed_response) << next;
            ASSERT_EQ(outcome.answer.text(), "a");
        }
    }
}

TEST(ErrorInsideData, NamedByItsFieldIsTheErrorOfTheStream) {
    for (const Pieces& pieces : all_cuts("data: error: the decoder broke\n\n")) {
        const Outcome outcome = decode_stream(pieces);
        ASSERT_EQ(outcome.error.code, ErrorCode::server_failed);
        ASSERT_EQ(outcome.error.message, "the decoder broke");
    }
}

TEST(StatusInAComment, IsTheStatusOfTheErrorEvent) {
    const std::string body = "id:1\nevent:error\n:HTTP_STATUS/429\ndata:{\"code\":\"Odd\",\"message\":\"m\"}\n\n";
    for (const Pieces& pieces : all_cuts(body)) {
        const Outcome outcome = decode_stream(pieces);
        ASSERT_EQ(outcome.error.code, ErrorCode::rate_limited);
        ASSERT_EQ(outcome.error.effective_status, 429);
    }
    EXPECT_EQ(decode_stream(":HTTP_STATUS/429\n" + content("a") + event_of(R"({"error":{"message":"m"}})")).error.code,
              ErrorCode::server_failed);
}

TEST(WholeAnswer, IsCompleteDespiteTrailingData) {
    const std::string answer =
        R"({"id":"n","choices":[{"index":0,"message":{"content":"a"},"finish_reason":"stop"}],"usage":{"total_tokens":3}})";
    for (const std::string_view rest : {"\n\ndata: [DONE]\n\n", "\n{\"x\":1}", " ]", "\n: hi\n"}) {
        const std::string body = answer + std::string(rest);
        for (const Pieces& pieces : all_cuts(body)) {
            const Outcome outcome = decode_stream(pieces);
            ASSERT_EQ(outcome.state, State::complete) << rest;
            ASSERT_EQ(outcome.answer.text(), "a");
            ASSERT_EQ(outcome.answer.usage.total_tokens, 3);
        }
    }
    const Outcome error = decode_stream(R"({"error":{"message":"m","code":429}})"
                                        "\n\n" +
                                        content("a") + kDone);
    EXPECT_EQ(error.error.code, ErrorCode::rate_limited);
}

TEST(FailedFinish, IsAnErrorBeforeContentAndAnInterruptionAfterIt) {
    for (const std::string_view reason : {"\"network_error\"", "\"abort\"", "\"error\""}) {
        for (const std::string& end : {kDone, std::string()}) {
            const Outcome before = decode_stream(delta("\"role\":\"assistant\"") + delta("", reason) + end);
            EXPECT_EQ(before.error.code, ErrorCode::server_failed);
            EXPECT_FALSE(before.has_content);
            const Outcome after = decode_stream(content("a") + delta("", reason) + end);
            EXPECT_EQ(after.error.code, ErrorCode::stream_interrupted);
            EXPECT_EQ(after.answer.text(), "a");
        }
    }
    EXPECT_EQ(decode_stream(content("a") + delta("", "\"error\"") + kStop + kDone).state, State::complete);
    EXPECT_EQ(decode_stream(R"({"choices":[{"message":{"content":""},"finish_reason":"abort"}]})").error.code,
              ErrorCode::server_failed);
}

TEST(MediaStream, AudioIsReportedAsItComesInBoundedMemory) {
    const std::string piece(240'000, 'A');
    ChunkRecorder sink;
    StreamDecoder decoder({}, sink);
    decoder.feed(delta(R"("audio":{"id":"a1"})"));
    for (int n = 0; n < 26; ++n) {
        decoder.feed(delta(R"("audio":{"data":")" + piece + "\"}"));
        ASSERT_EQ(sink.seen.size(), static_cast<std::size_t>(n) + 2) << "reported immediately";
    }
    decoder.feed(kStop + kDone);
    ASSERT_EQ(decoder.state(), State::complete);
    EXPECT_TRUE(decoder.has_content());
    const ChatCompletion answer = decoder.take_completion();
    EXPECT_EQ(answer.choices[0].extra_json.size(),
              26 * piece.size() + std::string(R"({"audio":{"data":"","id":"a1"}})").size());
}

TEST(WholeAnswer, WithoutAChoiceStillCountsItsUsage) {
    const Outcome outcome = decode_stream(R"({"choices":[],"usage":{"prompt_tokens":5,"total_tokens":5}})");
    EXPECT_EQ(outcome.error.code, ErrorCode::malformed_response);
    EXPECT_EQ(outcome.answer.usage.prompt_tokens, 5);
}

// How a stream ends.

TEST(StreamEnd, DoneCompletesEvenWithoutAFinishReason) {
    const Outcome outcome = decode_stream(content("a") + kDone, End::none);
    EXPECT_EQ(outcome.state, State::complete);
    EXPECT_EQ(outcome.answer.choices.at(0).finish_reason, FinishReason::none);
    EXPECT_FALSE(outcome.answer.done_marker_missing);
}

TEST(StreamEnd, DoneIsRecognizedInEverySpelling) {
    for (const std::string_view done : {"data: [DONE]", "data:[DONE]\n", "data: [DONE] \n\n", "data: [DONE]\r\n\r\n",
                                        "data: [DONE]\r", "data:  [DONE]\t\n\n"}) {
        const std::string body = content("a") + std::string(done);
        for (const Pieces& pieces : all_cuts(body)) {
            const Outcome outcome = decode_stream(pieces);
            ASSERT_EQ(outcome.state, State::complete) << done;
            ASSERT_FALSE(outcome.answer.done_marker_missing) << done;
        }
    }
}

TEST(StreamEnd, DoneIsComparedAsAWhole) {
    EXPECT_EQ(decode_stream(content("a") + event_of("[DONE]x")).error.code, ErrorCode::malformed_response);
    EXPECT_EQ(decode_stream(content("a") + event_of("[DONE")).error.code, ErrorCode::malformed_response);
    EXPECT_EQ(decode_stream(content("say [DONE]") + kStop).answer.text(), "say [DONE]");
}

TEST(StreamEnd, NothingAfterDoneIsRead) {
    const std::string body = content("a") + kDone + content("b") + event_of("{broken") + event_of(R"({"error":"x"})");
    for (const Pieces& pieces : all_cuts(body)) {
        const Outcome outcome = decode_stream(pieces);
        ASSERT_EQ(outcome.state, State::complete);
        ASSERT_EQ(outcome.answer.text(), "a");
        ASSERT_THAT(outcome.events, ElementsAre("started 0", "content 0 'a'"));
    }
}

TEST(StreamEnd, DoneWithoutAnyChoiceIsMalformed) {
    EXPECT_EQ(decode_stream(kDone).error.code, ErrorCode::malformed_response);
    EXPECT_EQ(decode_stream(event_of(R"({"type":"ping"})") + kDone).error.code, ErrorCode::malformed_response);
    EXPECT_EQ(decode_stream(event_of(R"({"choices":[],"usage":{"total_tokens":4}})") + kDone).error.code,
              ErrorCode::malformed_response);
}

TEST(StreamEnd, EveryChoiceFinishedIsCompleteAndFlagged) {
    for (const End end : {End::clean, End::lost}) {
        const Outcome outcome = decode_stream(content("a") + kStop, end);
        EXPECT_EQ(outcome.state, State::complete);
        EXPECT_TRUE(outcome.answer.done_marker_missing);
    }
}

TEST(StreamEnd, ATruncatedLastEventAfterEveryFinishIsHarmless) {
    for (const End end : {End::clean, End::lost}) {
        EXPECT_EQ(decode_stream(content("a") + kStop + "data: {\"choices\":[],\"usa", end).state, State::complete);
        EXPECT_EQ(decode_stream(content("a") + kStop + "data: [DO", end).state, State::complete);
    }
}

TEST(StreamEnd, OneUnfinishedChoiceIsAnInterruption) {
    const std::string other = event_of(R"({"choices":[{"index":1,"delta":{"content":"b"},"finish_reason":null}]})");
    for (const End end : {End::clean, End::lost}) {
        const Outcome outcome = decode_stream(content("a") + other + kStop, end);
        EXPECT_EQ(outcome.error.code, ErrorCode::stream_interrupted);
        EXPECT_EQ(outcome.answer.text(), "a");
        EXPECT_EQ(outcome.answer.choices.size(), 2U);
    }
}

TEST(StreamEnd, BeforeContentALossIsATransportError) {
    const std::string role = delta(R"("role":"assistant","content":"")");
    EXPECT_EQ(decode_stream(role, End::lost).error.code, ErrorCode::transport_failed);
    EXPECT_EQ(decode_stream(role, End::clean).error.code, ErrorCode::transport_failed);
    EXPECT_EQ(decode_stream("", End::lost).error.code, ErrorCode::transport_failed);
    EXPECT_EQ(decode_stream(": ping\n\n", End::lost).error.code, ErrorCode::transport_failed);
}

TEST(StreamEnd, AnEmptyBodyThatEndsInOrderIsMalformed) {
    for (const std::string_view body : {"", "\n\n", ": ping\n\n", "data: \n\n", "data: {\"type\":\"ping\"}\n\n"}) {
        EXPECT_EQ(decode_stream(body).error.code, ErrorCode::malformed_response) << body;
    }
}

TEST(StreamEnd, ALastEventWithoutABlankLineCounts) {
    for (const std::string_view tail : {"", "\n"}) {
        std::string stop = kStop;
        stop.resize(stop.size() - 2);
        const std::string body = content("a") + stop + std::string(tail);
        for (const Pieces& pieces : all_cuts(body)) {
            const Outcome outcome = decode_stream(pieces);
            ASSERT_EQ(outcome.state, State::complete);
            ASSERT_EQ(outcome.answer.choices.at(0).finish_reason, FinishReason::stop);
        }
    }
}

TEST(StreamEnd, ATruncatedEventIsAnInterruption) {
    const std::string whole = content("a") + content("b");
    for (std::size_t size = content("a").size(); size < whole.size() - 3; ++size) {
        const Outcome outcome = decode_stream(whole.substr(0, size));
        EXPECT_EQ(outcome.error.code, ErrorCode::stream_interrupted);
        EXPECT_EQ(outcome.answer.text(), "a");
    }
}

TEST(StreamEnd, TheAnswerSoFarCanBeTakenAtAnyTime) {
    ChunkRecorder sink;
    StreamDecoder decoder({}, sink);
    decoder.feed(content("partial") + delta(R"("x":1)"));
    EXPECT_EQ(decoder.completion().text(), "partial");
    const ChatCompletion answer = decoder.take_completion();
    EXPECT_EQ(answer.text(), "partial");
    EXPECT_EQ(answer.choices.at(0).message.extra_json, R"({"x":1})");
}

// Errors inside a 200.

struct ErrorRow {
    std::string_view name;
    std::string body;
    ErrorCode code;
    std::string_view message;
};
void PrintTo(const ErrorRow& row, std::ostream* out) { *out << row.name; }

class StreamErrors : public testing::TestWithParam<ErrorRow> {};

TEST_P(StreamErrors, AreFoundInEveryForm) {
    const auto& row = GetParam();
    for (const Pieces& pieces : all_cuts(row.body)) {
        const Outcome outcome = decode_stream(pieces, End::none);
        ASSERT_EQ(outcome.state, State::failed);
        ASSERT_EQ(outcome.error.code, row.code) << outcome.error.message;
        ASSERT_THAT(outcome.error.message, HasSubstr(row.message));
        EXPECT_EQ(outcome.error.http_status, 200);
    }
}

const ErrorRow kErrorRows[] = {
    {"Object", event_of(R"({"error":{"message":"slow","code":"rate_limit_exceeded"}})"), ErrorCode::rate_limited,
     "slow"},
    {"Text", event_of(R"({"error":"no luck"})"), ErrorCode::server_failed, "no luck"},
    {"IntegerCode", event_of(R"({"error":{"message":"m","code":503}})"), ErrorCode::server_failed, "m"},
    {"HttpStatusCode", event_of(R"({"error":{"message":"m","http_status_code":422}})"), ErrorCode::invalid_request,
     "m"},
    {"NumericText", event_of(R"({"error":{"message":"m","code":"401"}})"), ErrorCode::unauthenticated, "m"},
    {"NamedEvent", "event: error\n" + event_of(R"({"code":400,"details":"guarded"})"), ErrorCode::invalid_request,
     "guarded"},
    {"NamedEventWithStatusCode", "event: error\n" + event_of(R"({"error":{"message":"m","status_code":429}})"),
     ErrorCode::rate_limited, "m"},
    {"NamedEventWithPlainText", "event: error\n" + event_of("upstream fell over"), ErrorCode::server_failed,
     "fell over"},
    {"Field", "error: {\"code\":500,\"message\":\"slot\",\"type\":\"server_error\"}\n\n" + kDone,
     ErrorCode::server_failed, "slot"},
    {"FlatObject", event_of(R"({"object":"error","message":"too long: maximum context length is 10","code":400})"),
     ErrorCode::context_length_exceeded, "too long"},
    {"Detail", event_of(R"({"detail":"Not today"})"), ErrorCode::server_failed, "Not today"},
    {"Message", event_of(R"({"message":"Not today"})"), ErrorCode::server_failed, "Not today"},
    {"InsideAChoice", event_of(R"({"choices":[{"index":0,"delta":{},"error":{"message":"gone","code":502}}]})"),
     ErrorCode::server_failed, "gone"},
    {"NullChoices", event_of(R"({"choices":null,"base_resp":{"status_code":1004,"status_msg":"auth"}})"),
     ErrorCode::unauthenticated, "auth"},
    {"XGroq", event_of(R"({"choices":[],"x_groq":{"error":"over"}})"), ErrorCode::server_failed, "over"},
    {"FinishReason", delta("", "\"error\"") + kDone, ErrorCode::server_failed, "finish reason 'error'"},
    {"FinishReasonThenError", delta("", "\"error\"") + event_of(R"({"error":{"message":"m","code":429}})"),
     ErrorCode::rate_limited, "m"},
    {"Array", event_of(R"([{"error":{"message":"m","code":429}}])"), ErrorCode::rate_limited, "m"},
    {"NegativeChoice", event_of(R"({"choices":[{"index":-1,"delta":{"content":"a"}}]})"), ErrorCode::malformed_response,
     "choice index"},
    {"HugeChoice", event_of(R"({"choices":[{"index":128,"delta":{"content":"a"}}]})"), ErrorCode::malformed_response,
     "choice index"},
};
INSTANTIATE_TEST_SUITE_P(InsideA200, StreamErrors, testing::ValuesIn(kErrorRows),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(StreamError, NullAndEmptyErrorsAreIgnored) {
    for (const std::string_view error : {"null", "\"\"", "{}", "[]", "false"}) {
        const std::string chunk =
            R"({"error":)" + std::string(error) + R"(,"choices":[{"index":0,"delta":{"content":"a"}}]})";
        EXPECT_EQ(decode_stream(event_of(chunk) + kDone).state, State::complete) << error;
    }
}

TEST(StreamError, ComesAfterTheDeltaAndTheUsageOfItsChunk) {
    const std::string chunk = R"({"choices":[{"index":0,"delta":{"content":"b"},"finish_reason":"stop"}],)"
                              R"("usage":{"total_tokens":9},"error":{"message":"moved on","code":502}})";
    const Outcome outcome = decode_stream(content("a") + event_of(chunk) + kDone);
    EXPECT_THAT(outcome.events, ElementsAre("started 0", "content 0 'a'", "content 0 'b'", "finish 0 stop", "usage 9"));
    EXPECT_EQ(outcome.error.code, ErrorCode::server_failed);
    EXPECT_EQ(outcome.error.effective_status, 502);
    EXPECT_EQ(outcome.error.http_status, 200);
    EXPECT_EQ(outcome.answer.text(), "ab");
    EXPECT_EQ(outcome.answer.usage.total_tokens, 9);
}

TEST(StreamError, QuotesAtMostAKibibyteOfUnreadableData) {
    const Outcome outcome = decode_stream(event_of("{" + std::string(5000, 'x')));
    EXPECT_EQ(outcome.error.raw_body.size(), 1024U);
}

// Unreadable chunks.

TEST(MalformedChunk, MayBeSkippedAndIsCounted) {
    const std::string body = content("a") + event_of("{broken") + content("b") + event_of("nope") + kStop + kDone;
    const Outcome outcome = decode_stream(body, End::none, {.skip_malformed_chunks = 2});
    EXPECT_EQ(outcome.state, State::complete);
    EXPECT_EQ(outcome.answer.text(), "ab");
    EXPECT_EQ(outcome.answer.skipped_chunks, 2);
    EXPECT_EQ(decode_stream(body, End::none, {.skip_malformed_chunks = 1}).error.code, ErrorCode::malformed_response);
}

TEST(MalformedChunk, IsNeverSkippedWhileAToolCallIsOpen) {
    const std::string call = delta(R"("tool_calls":[{"index":0,"id":"1","function":{"name":"rm","arguments":"{"}}])");
    const Outcome open = decode_stream(call + event_of("{broken") + kDone, End::none, {.skip_malformed_chunks = 9});
    EXPECT_EQ(open.error.code, ErrorCode::malformed_response);
    const std::string closed = call + delta("", "\"tool_calls\"") + event_of("{broken") + kDone;
    EXPECT_EQ(decode_stream(closed, End::none, {.skip_malformed_chunks = 9}).state, State::complete);
}

TEST(MalformedChunk, WhiteSpaceIsIgnored) {
    EXPECT_EQ(decode_stream(content("a") + "data:    \n\ndata\n\n" + kStop + kDone).state, State::complete);
}

TEST(UnknownChunk, IsReportedAsOther) {
    const Outcome outcome = decode_stream(
        event_of(R"({"type":"ping"})") + event_of("5") + event_of("null") + event_of("[1]") +
        event_of(R"({"choices":[],"prompt_filter_results":[{"prompt_index":0}]})") + content("a") + kDone);
    EXPECT_EQ(outcome.state, State::complete);
    EXPECT_THAT(outcome.events, ElementsAre("other", "other", "other", "other", "other", "started 0", "content 0 'a'"));
    EXPECT_EQ(outcome.answer.extra_json, R"({"prompt_filter_results":[{"prompt_index":0}],"type":"ping"})");
}

TEST(IllFormedText, BecomesReplacementCharactersForAnyChunking) {
    const std::string body = content(
                                 "a\xFF"
                                 "b\xE2\x82") +
                             content("\\ud83d!") + kDone;
    for (const Pieces& pieces : all_cuts(body)) {
        const Outcome outcome = decode_stream(pieces);
        ASSERT_EQ(outcome.state, State::complete);
        ASSERT_EQ(outcome.answer.text(), "a\uFFFDb\uFFFD\uFFFD!");
    }
}

// Bodies that are not event streams.

TEST(PlainJson, IsReportedAsIfStreamed) {
    const std::string body =
        "\n "
        R"({"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"Hi","reasoning_content":"Hm"},)"
        R"("finish_reason":"stop"}],"usage":{"total_tokens":3}})"
        "\n";
    for (const Pieces& pieces : all_cuts(body)) {
        const Outcome outcome = decode_stream(pieces);
        ASSERT_EQ(outcome.state, State::complete);
        EXPECT_THAT(outcome.events,
                    ElementsAre("started 0", "reasoning 0 'Hm'", "content 0 'Hi'", "finish 0 stop", "usage 3"));
        EXPECT_EQ(outcome.answer.text(), "Hi");
        EXPECT_TRUE(outcome.answer.done_marker_missing);
        EXPECT_EQ(outcome.answer.raw_json, "");
    }
}

TEST(PlainJson, MayBeAnError) {
    EXPECT_EQ(decode_stream(R"({"error":{"message":"m","code":429}})").error.code, ErrorCode::rate_limited);
    EXPECT_EQ(decode_stream(R"([{"error":{"message":"m","code":429}}])").error.code, ErrorCode::rate_limited);
    EXPECT_EQ(decode_stream("\xEF\xBB\xBF{\"detail\":\"no\"}").error.message, "no");
}

TEST(Html, InsteadOfAStreamIsNamedByItsTitleForAnyChunking) {
    const std::string page = "\n <!DOCTYPE html><html><head><title>Sign in</title></head><body>secret</body></html>";
    for (const Pieces& pieces : all_cuts(page)) {
        const Outcome outcome = decode_stream(pieces);
        ASSERT_EQ(outcome.error.code, ErrorCode::malformed_response);
        ASSERT_EQ(outcome.error.message, "HTML instead of an event stream: Sign in");
    }
    // The decoder does not wait for the end of an endless page.
    const Outcome endless = decode_stream("<html><title>Busy</title>" + std::string(5000, 'x'), End::none);
    EXPECT_EQ(endless.error.message, "HTML instead of an event stream: Busy");
    EXPECT_LE(endless.error.raw_body.size(), 1024U);
}

TEST(PlainJson, WithoutAnAnswerIsMalformed) {
    for (const std::string_view body : {"{}", "[]", R"({"choices":[]})", "{\"choices\":[", "[1,2"}) {
        EXPECT_EQ(decode_stream(body).error.code, ErrorCode::malformed_response) << body;
    }
    EXPECT_EQ(decode_stream("{\"choices\":[", End::lost).error.code, ErrorCode::transport_failed);
}

// Limits.

TEST(StreamLimits, ATooLongEventFails) {
    const Outcome outcome =
        decode_stream(content("a") + content(std::string(2000, 'x')), End::none, {.max_event_bytes = 1000});
    EXPECT_EQ(outcome.error.code, ErrorCode::malformed_response);
    EXPECT_THAT(outcome.error.message, HasSubstr("1000 bytes"));
    const Outcome json = decode_stream("{" + std::string(2000, ' '), End::none, {.max_event_bytes = 1000});
    EXPECT_EQ(json.error.code, ErrorCode::malformed_response);
}

TEST(StreamLimits, ATooLongAnswerFailsWithItsPart) {
    std::string body;
    for (int chunk = 0; chunk < 30; ++chunk) body += content("0123456789");
    const Outcome outcome = decode_stream(body, End::none, {.max_total_bytes = 200});
    EXPECT_EQ(outcome.error.code, ErrorCode::malformed_response);
    EXPECT_EQ(outcome.answer.text().size(), 210U);
}

TEST(StreamLimits, MembersAndToolCallsCountToo) {
    std::string members, calls;
    for (int i = 0; i < 100; ++i) {
        members += delta("\"x" + std::to_string(i) + "\":1");
        calls += delta("\"tool_calls\":[{\"index\":" + std::to_string(i) + "}]");
    }
    EXPECT_EQ(decode_stream(members, End::none, {.max_total_bytes = 5000}).state, State::failed);
    EXPECT_EQ(decode_stream(calls, End::none, {.max_total_bytes = 5000}).state, State::failed);
}

TEST(StreamLimits, AReplacedMemberCountsOnce) {
    std::string body;
    for (int chunk = 0; chunk < 100; ++chunk) {
        const std::string text(static_cast<std::size_t>(chunk % 2 == 0 ? 100 : 200), 'x');
        body += event_of(R"({"choices":[{"index":0,"delta":{"content":"a"}}],"so_far":")" + text + "\"}");
    }
    const Outcome outcome = decode_stream(body + kDone, End::none, {.max_total_bytes = 2000});
    EXPECT_EQ(outcome.state, State::complete) << outcome.error.message;
}

TEST(StreamLimits, DeepNestingIsMalformedNotACrash) {
    const std::string deep = std::string(1U << 20U, '[') + std::string(1U << 20U, ']');
    EXPECT_EQ(decode_stream(event_of(deep)).error.code, ErrorCode::malformed_response);
    EXPECT_THAT(decode_stream(event_of(deep)).error.message, HasSubstr("nested deeper than 256"));
    EXPECT_EQ(decode_stream(event_of("{\"choices\":[],\"x\":" + deep + "}")).error.code, ErrorCode::malformed_response);
    EXPECT_EQ(decode_stream(event_of("{\"a\":" + std::string(200000, '{'))).error.code, ErrorCode::malformed_response);
}

TEST(StreamLimits, ManyCallsInOneChunkEndAtTheLimit) {
    std::string chunk = R"({"choices":[{"index":0,"delta":{"tool_calls":[)";
    for (int i = 0; i < 100'000; ++i) chunk += (i == 0 ? "{\"index\":" : ",{\"index\":") + std::to_string(i) + "}";
    const Outcome outcome = decode_stream(event_of(chunk + "]}}]}"), End::none, {.max_total_bytes = 1U << 20U});
    EXPECT_EQ(outcome.error.code, ErrorCode::malformed_response);
    EXPECT_THAT(outcome.error.message, HasSubstr("max_completion_tokens"));
    EXPECT_LT(outcome.answer.tool_calls().size(), 10'000U);
}

TEST(StreamLimits, MillionsOfValuesAreNotParsed) {
    std::string chunk = R"({"choices":[],"x":[)";
    for (int i = 0; i < 4'100'000; ++i) chunk += "0,";
    const Outcome outcome = decode_stream(event_of(chunk + "0]}"));
    EXPECT_EQ(outcome.error.code, ErrorCode::malformed_response);
    EXPECT_THAT(outcome.error.message, HasSubstr("more than 4000000 values"));
}

TEST(StreamDecoder, ContentIsTheCommitPoint) {
    EXPECT_FALSE(
        decode_stream(": ping\n\n" + delta(R"("role":"assistant")") + delta(R"("content":"")"), End::none).has_content);
    EXPECT_FALSE(decode_stream(delta(R"("content":null)", "\"stop\""), End::none).has_content);
    EXPECT_TRUE(decode_stream(content("a"), End::none).has_content);
    EXPECT_TRUE(decode_stream(delta(R"("reasoning":"a")"), End::none).has_content);
    EXPECT_TRUE(decode_stream(delta(R"("refusal":"a")"), End::none).has_content);
    EXPECT_TRUE(
        decode_stream(delta(R"("tool_calls":[{"index":0,"id":"1","function":{"name":"f"}}])"), End::none).has_content);
}

TEST(StreamDecoder, AToolCallHeldBackAtAFailureIsNotContent) {
    const Outcome outcome =
        decode_stream(delta(R"("tool_calls":[{"index":0,"id":"1","function":{"arguments":"{"}}])"), End::lost);
    EXPECT_EQ(outcome.error.code, ErrorCode::transport_failed);
    EXPECT_FALSE(outcome.has_content);
    EXPECT_THAT(outcome.events, ElementsAre("started 0"));
}

}  // namespace
}  // namespace holysheep::wire
