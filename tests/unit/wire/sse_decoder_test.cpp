// The rules of event streams, each tested with every way of cutting the bytes: whole, one by one, and at each position.
#include "wire/sse_decoder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "cuts.hpp"

namespace holysheep::wire {
namespace {

using testing::ElementsAre;

/// Records the calls of a sink, one line per call: "message|a", "#comment", "!error".
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
    bool on_other_line(std::string_view line) override {
        others.emplace_back(line);
        return true;
    }
    bool is_whole(std::string_view data) override {
        return data.size() > 1 && data.front() == '{' && data.back() == '}';
    }
    std::vector<std::string> others{};
};

enum class Body { open, ended };

std::vector<std::string> decode(const Pieces& pieces, Body body = Body::open, std::size_t stop_after = SIZE_MAX) {
    SseRecorder sink;
    sink.stop_after = stop_after;
    SseDecoder decoder(1U << 20U);
    for (const std::string_view piece : pieces) decoder.feed(piece, sink);
    if (body == Body::ended) decoder.finish(sink);
    return sink.seen;
}

struct Row {
    std::string_view name;
    std::string_view bytes;
    std::vector<std::string> expected;
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

class SseRows : public testing::TestWithParam<Row> {};

TEST(SseDecoder, ACompleteFirstLineEndsItsEventWhenAnotherFollows) {
    for (const Pieces& pieces :
         all_cuts("event: e\ndata: {1}\ndata: {2}\ndata: x\ndata: {3}\n\ndata: {4\ndata: }\n\n")) {
        EXPECT_THAT(decode(pieces), ElementsAre("e|{1}", "e|{2}", "e|x\n{3}", "message|{4\n}"));
    }
}

TEST(SseDecoder, SkipsLinesOfOtherFields) {
    for (const Pieces& pieces : all_cuts("{\n \"a\": 1\n}\nfoo: bar\ndata: a\n\n")) {
        SseRecorder sink;
        SseDecoder decoder(1U << 20U);
        for (const std::string_view piece : pieces) decoder.feed(piece, sink);
        EXPECT_THAT(sink.others, ElementsAre("{", " \"a\": 1", "}", "foo: bar"));
        EXPECT_THAT(sink.seen, ElementsAre("message|a"));
    }
}

TEST_P(SseRows, GiveTheSameEventsForAnyChunking) {
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

struct MemoryRow {
    std::string_view name, bytes, last_id;
    std::optional<std::uint64_t> wait{};
};

void PrintTo(const MemoryRow& row, std::ostream* out) { *out << row.name; }

class SseMemory : public testing::TestWithParam<MemoryRow> {};

TEST_P(SseMemory, IsTheSameForAnyChunking) {
    const auto& row = GetParam();
    for (const Pieces& pieces : all_cuts(row.bytes)) {
        SseRecorder sink;
        SseDecoder decoder(1024);
        for (const std::string_view piece : pieces) decoder.feed(piece, sink);
        EXPECT_EQ(decoder.last_event_id(), row.last_id) << pieces.size() << " " << pieces.front().size();
        EXPECT_EQ(decoder.reconnection_milliseconds(), row.wait) << pieces.size() << " " << pieces.front().size();
    }
}

const MemoryRow kMemoryRows[] = {
    {"AnIdHoldsForTheEventsAfterIt", "id: 7\ndata: a\n\ndata: b\n\n", "7"},
    {"AnIdWithANulIsIgnored", "id: 7\n\nid: 1\0 2\n\n"sv, "7"},
    {"AnEmptyIdForgetsTheLast", "id: 7\n\nid\n\n", ""},
    {"AWaitOfDigitsIsTaken", "retry: 1000\n", "", 1000U},
    {"AWaitWithALetterIsIgnored", "retry: 1x\n", ""},
    {"AnEmptyWaitIsIgnored", "retry:\n", ""},
    {"ANegativeWaitIsIgnored", "retry: -1\n", ""},
    {"AnIgnoredWaitLeavesTheLast", "retry: 1000\nretry: x\n", "", 1000U},
};

INSTANTIATE_TEST_SUITE_P(EventStream, SseMemory, testing::ValuesIn(kMemoryRows),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(SseDecoder, StopsOnceTheSinkStopsForAnyChunking) {
    for (const Pieces& pieces : all_cuts("data: a\n\ndata: b\n\ndata: c"))
        EXPECT_THAT(decode(pieces, Body::ended, 1), ElementsAre("message|a")) << pieces.size();
    SseRecorder sink;
    sink.stop_after = 1;
    SseDecoder decoder(1024);
    EXPECT_EQ(decoder.feed("data: a\n\ndata: b\n\n", sink), SseDecoder::Status::stopped);
    EXPECT_EQ(decoder.feed("data: c\n\n", sink), SseDecoder::Status::stopped);
}

TEST(SseDecoder, DeliversALastEventWithoutABlankLineForAnyChunking) {
    for (const std::string_view bytes : {"data: a", "data: a\n", "data: a\r\n", "data: a\r"}) {
        for (const Pieces& pieces : all_cuts(bytes)) {
            EXPECT_THAT(decode(pieces, Body::ended), ElementsAre("message|a")) << bytes;
            EXPECT_THAT(decode(pieces, Body::open), ElementsAre()) << bytes;
        }
    }
}

std::vector<std::string> decode_limited(const Pieces& pieces) {
    SseRecorder sink;
    SseDecoder decoder(100);
    for (const std::string_view piece : pieces) decoder.feed(piece, sink);
    return sink.seen;
}

TEST(SseDecoder, RefusesAnEventBeyondTheLimitForAnyChunking) {
    const std::string longer(200, 'x');
    const std::string bytes = "data: " + longer + "\n\n";
    for (const Pieces& pieces : all_cuts(bytes)) {
        SseRecorder sink;
        SseDecoder decoder(100);
        auto status = SseDecoder::Status::open;
        for (const std::string_view piece : pieces) status = decoder.feed(piece, sink);
        EXPECT_EQ(status, SseDecoder::Status::too_long);
        EXPECT_THAT(sink.seen, ElementsAre());
    }
    // A comment after data counts as well, even if the data is still in the bytes that are being fed.
    const std::string behind = "data: " + std::string(60, 'x') + "\n: " + std::string(60, 'y') + "\n\n";
    for (const Pieces& pieces : all_cuts(behind)) EXPECT_THAT(decode_limited(pieces), ElementsAre()) << pieces.size();
    SseRecorder sink;
    SseDecoder decoder(100);
    for (int line = 0; line < 20; ++line) decoder.feed("data: 0123456789\n", sink);
    EXPECT_EQ(decoder.feed("\n", sink), SseDecoder::Status::too_long);
}

/// Bytes examined and copied per byte fed, with input in pieces of this size.
double work_per_byte(std::string_view text, std::size_t piece) {
    SseRecorder sink;
    SseDecoder decoder(64U << 20U);
    for (const std::string_view bytes : in_pieces_of(piece, text)) decoder.feed(bytes, sink);
    return static_cast<double>(decoder.work()) / static_cast<double>(text.size());
}

TEST(SseDecoder, CostIsLinearInTheBytes) {
    const std::string line = "data: " + std::string(1U << 20U, 'x') + "\n\n";
    const std::string crs(1U << 20U, '\r'), lfs(1U << 20U, '\n');
    std::string fields, events;
    for (int i = 0; i < 100'000; ++i) {
        fields += "data: y\n";
        events += "data: z\r\n\r\n";
    }
    for (const std::string_view text : {std::string_view(line), std::string_view(crs), std::string_view(lfs),
                                        std::string_view(fields), std::string_view(events)}) {
        for (const std::size_t piece : {std::size_t{1}, std::size_t{1000}, text.size()})
            EXPECT_LT(work_per_byte(text, piece), 8.0) << text.substr(0, 8) << " in pieces of " << piece;
    }
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
