// The event-stream rules, each in every way of cutting the bytes: at once, one by one, and at each position.
#include "wire/sse_decoder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cuts.hpp"

namespace holysheep::wire {
namespace {

using testing::ElementsAre;

/// What a sink saw, as one line per call: "message|a", "#comment", "!error".
struct SseRecorder final : SseSink {
    std::vector<std::string> seen{};
    std::size_t stop_after = SIZE_MAX;

    bool add(std::string line) {
        seen.push_back(std::move(line));
        return seen.size() < stop_after;
    }
    bool on_event(std::string_view name, std::string_view data) override {
        return add(std::string(name) + "|" + std::string(data));
    }
    bool on_comment(std::string_view text) override { return add("#" + std::string(text)); }
    bool on_error_field(std::string_view text) override { return add("!" + std::string(text)); }
};

std::vector<std::string> decode(const Pieces& pieces) {
    SseRecorder sink;
    SseDecoder decoder(1U << 20U);
    for (const std::string_view piece : pieces) decoder.feed(piece, sink);
    return sink.seen;
}

struct Row {
    std::string_view name;
    std::string_view bytes;
    std::vector<std::string> expected;
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

class SseRows : public testing::TestWithParam<Row> {};

TEST_P(SseRows, GiveTheSameEventsHoweverTheBytesAreCut) {
    const auto& [name, bytes, expected] = GetParam();
    for (const Pieces& pieces : all_cuts(bytes)) {
        EXPECT_EQ(decode(pieces), expected) << pieces.size() << " pieces, the first of " << pieces.front().size();
    }
}

using namespace std::string_view_literals;

const Row kRows[] = {
    {"Plain", "data: a\n\n", {"message|a"}},
    {"NoSpaceAfterTheColon", "data:a\n\n", {"message|a"}},
    {"OnlyOneSpaceIsStripped", "data:  a\n\n", {"message| a"}},
    {"CrLfLines", "data: a\r\n\r\n", {"message|a"}},
    {"CrLines", "data: a\r\r", {"message|a"}},
    {"MixedLineEnds", "data: a\r\n\ndata: b\n\r\ndata: c\r\r\n", {"message|a", "message|b", "message|c"}},
    {"SeveralDataLines", "data: a\ndata: b\n\n", {"message|a\nb"}},
    {"ThreeDataLines", "data: a\ndata:\ndata: c\n\n", {"message|a\n\nc"}},
    {"FieldWithoutColon", "data\n\n", {"message|"}},
    {"EmptyData", "data:\n\n", {"message|"}},
    {"TwoEmptyDataLines", "data\ndata\n\n", {"message|\n"}},
    {"NameWithoutDataIsNoEvent", "event: x\n\ndata: a\n\n", {"message|a"}},
    {"NamedEvent", "event: error\ndata: a\n\ndata: b\n\n", {"error|a", "message|b"}},
    {"Comments", ": comment\n\n:\n\n:keep-alive\n\n", {"# comment", "#", "#keep-alive"}},
    {"CommentInsideAnEvent", "data: a\n: c\ndata: b\n\n", {"# c", "message|a\nb"}},
    {"BlankLinesFirst", "\n\n\n\ndata: a\n\n", {"message|a"}},
    {"UnknownFields", "foo: bar\nfoobar\ndata: a\n\n", {"message|a"}},
    {"LeadingSpaceMakesAnotherName", " data: a\n\n", {}},
    {"ByteOrderMark",
     "\xEF\xBB\xBF"
     "data: a\n\n",
     {"message|a"}},
    {"SecondByteOrderMarkBelongsToTheName",
     "\xEF\xBB\xBF\xEF\xBB\xBF"
     "data: a\n\n",
     {}},
    {"HalfAByteOrderMark",
     "\xEF\xBB"
     "data: a\n\ndata: b\n\n",
     {"message|b"}},
    {"MultiByteCharacters", "data: Wolle 🐑 für 羊\n\n", {"message|Wolle 🐑 für 羊"}},
    {"OtherSeparatorsEndNoLine", "data: a\u2028b\u0085c\vd\fe\n\n", {"message|a\u2028b\u0085c\vd\fe"}},
    {"EscapedLineEnds", "data: {\"a\":\"x\\n\\ny\"}\n\n", {"message|{\"a\":\"x\\n\\ny\"}"}},
    {"InvalidUtf8IsPassedOn", "data: \xFF\xC3\n\n", {"message|\xFF\xC3"}},
    {"NulIsKept", "data: a\0b\n\n"sv, {std::string("message|a\0b", 11)}},
    {"WithoutABlankLineNothingYet", "data: a\n", {}},
    {"ErrorField", "error: {\"code\":500}\n\n", {"!{\"code\":500}"}},
};

INSTANTIATE_TEST_SUITE_P(EventStream, SseRows, testing::ValuesIn(kRows),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(SseDecoder, CrAtTheEndOfOneChunkAndLfInTheNextIsOneLineEnd) {
    SseRecorder sink;
    SseDecoder decoder(1024);
    decoder.feed("data: a\r", sink);
    decoder.feed("\ndata: b\r\n", sink);
    EXPECT_THAT(sink.seen, ElementsAre());
    decoder.feed("\r", sink);
    EXPECT_THAT(sink.seen, ElementsAre("message|a\nb"));
    decoder.feed("\n", sink);
    EXPECT_THAT(sink.seen, ElementsAre("message|a\nb"));
}

TEST(SseDecoder, BareCrDispatchesWithoutWaitingForTheNextByte) {
    SseRecorder sink;
    SseDecoder decoder(1024);
    decoder.feed("data: a\r\r", sink);
    EXPECT_THAT(sink.seen, ElementsAre("message|a"));
}

TEST(SseDecoder, RemembersTheLastIdOverEvents) {
    SseRecorder sink;
    SseDecoder decoder(1024);
    decoder.feed("id: 7\ndata: a\n\ndata: b\n\n", sink);
    EXPECT_EQ(decoder.last_event_id(), "7");
    decoder.feed("id: 1\0 2\n\n"sv, sink);
    EXPECT_EQ(decoder.last_event_id(), "7");
    decoder.feed("id\n\n", sink);
    EXPECT_EQ(decoder.last_event_id(), "");
}

TEST(SseDecoder, ReadsTheReconnectionTimeOnlyFromDigits) {
    SseRecorder sink;
    SseDecoder decoder(1024);
    decoder.feed("retry: 1x\nretry:\nretry: -1\n", sink);
    EXPECT_EQ(decoder.reconnection_milliseconds(), std::nullopt);
    decoder.feed("retry: 1000\nretry: x\n", sink);
    EXPECT_EQ(decoder.reconnection_milliseconds(), 1000U);
}

TEST(SseDecoder, DecodesNothingAfterTheSinkHadEnough) {
    SseRecorder sink;
    sink.stop_after = 1;
    SseDecoder decoder(1024);
    EXPECT_EQ(decoder.feed("data: a\n\ndata: b\n\n", sink), SseDecoder::Status::stopped);
    EXPECT_EQ(decoder.feed("data: c\n\n", sink), SseDecoder::Status::stopped);
    EXPECT_THAT(sink.seen, ElementsAre("message|a"));
}

TEST(SseDecoder, DeliversALastEventWithoutItsBlankLineAtTheEnd) {
    for (const std::string_view bytes : {"data: a", "data: a\n", "data: a\r\n"}) {
        SseRecorder sink;
        SseDecoder decoder(1024);
        decoder.feed(bytes, sink);
        decoder.finish(sink);
        EXPECT_THAT(sink.seen, ElementsAre("message|a")) << bytes;
    }
}

TEST(SseDecoder, RefusesAnEventBeyondTheLimitHoweverItComes) {
    const std::string longer(200, 'x');
    const std::string bytes = "data: " + longer + "\n\n";
    for (const Pieces& pieces : {Pieces{bytes}, in_pieces_of(1, bytes)}) {
        SseRecorder sink;
        SseDecoder decoder(100);
        auto status = SseDecoder::Status::open;
        for (const std::string_view piece : pieces) status = decoder.feed(piece, sink);
        EXPECT_EQ(status, SseDecoder::Status::too_long);
        EXPECT_THAT(sink.seen, ElementsAre());
    }
    SseRecorder sink;
    SseDecoder decoder(100);
    for (int line = 0; line < 20; ++line) decoder.feed("data: 0123456789\n", sink);
    EXPECT_EQ(decoder.feed("\n", sink), SseDecoder::Status::too_long);
}

TEST(SseDecoder, CostIsLinearForLongLinesInSmallPiecesAndForMillionsOfLines) {
    const std::string line = "data: " + std::string(4U << 20U, 'x') + "\n\n";
    const std::string crs(4U << 20U, '\r');
    SseRecorder sink;
    SseDecoder decoder(64U << 20U);
    for (const std::string_view byte : in_pieces_of(1, line)) decoder.feed(byte, sink);
    EXPECT_EQ(sink.seen.size(), 1U);
    decoder.feed(crs, sink);
    EXPECT_EQ(sink.seen.size(), 1U);
}

TEST(SseDecoder, DeliversALineOf32Mebibytes) {
    const std::string text(32U << 20U, 'x');
    SseRecorder sink;
    SseDecoder decoder(64U << 20U);
    const std::string bytes = "data: " + text + "\n\n";
    for (std::size_t at = 0; at < bytes.size(); at += 16384)
        decoder.feed(std::string_view(bytes).substr(at, 16384), sink);
    ASSERT_EQ(sink.seen.size(), 1U);
    EXPECT_EQ(sink.seen.front().size(), text.size() + 8);
}

}  // namespace
}  // namespace holysheep::wire
