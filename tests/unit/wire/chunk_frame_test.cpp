// The shortcut past the JSON reader: it may be used only if nothing but the content can differ, and must then give the
// same events and the same answer as the full parse.
#include "wire/chunk_frame.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "chunk_recorder.hpp"
#include "wire/answer_reader.hpp"
#include "wire/answer_scan.hpp"
#include "wire/chunk_accumulator.hpp"
#include "wire/stream_decoder.hpp"

namespace holysheep::wire {
namespace {

using testing::ElementsAre;

std::string chunk(std::string_view content, std::string_view delta_rest = "", std::string_view rest = "") {
    return R"({"id":"c1","model":"m","choices":[{"index":0,"delta":{"content":")" + std::string(content) + "\"" +
           std::string(delta_rest) + R"(},"finish_reason":null}])" + std::string(rest) + "}";
}

/// Whether `second` matches the frame that `first` left, and with which content.
std::string matched(const std::string& first, const std::string& second) {
    AnswerFields fields;
    std::string scratch;
    ChunkFrame frame;
    EXPECT_TRUE(scan_answer(first, AnswerShape::chunk, scratch, fields)) << first;
    frame.remember(first, fields);
    AnswerFields out;
    if (!frame.match(second, out)) return "(read)";
    EXPECT_EQ(out.choices.size(), 1U);
    return std::string(out.choices.at(0).content);
}

TEST(ChunkFrame, ReadsAChunkThatDiffersOnlyInContent) {
    EXPECT_EQ(matched(chunk("a"), chunk("b")), "b");
    EXPECT_EQ(matched(chunk("a"), chunk("a longer text, für 羊 🐑")), "a longer text, für 羊 🐑");
    EXPECT_EQ(matched(chunk("für"), chunk("a")), "a");
}

TEST(ChunkFrame, RejectsAChunkThatDiffersElsewhere) {
    EXPECT_EQ(matched(chunk("a"), chunk("b", R"(,"role":"user")")), "(read)");
    EXPECT_EQ(matched(chunk("a"), chunk("b", "", R"(,"usage":{"total_tokens":1})")), "(read)");
    EXPECT_EQ(matched(chunk("a"), chunk(R"(b\n)")), "(read)") << "escape sequence";
    EXPECT_EQ(matched(chunk("a"), chunk(R"(b","refusal":"c)")), "(read)")
        << "the string ends and another member follows";
    EXPECT_EQ(matched(chunk("a"), chunk("b\xFF")), "(read)") << "not UTF-8";
    EXPECT_EQ(matched(chunk("a"), chunk("b\x01")), "(read)") << "control character";
    EXPECT_EQ(matched(chunk("a"), chunk("")), "(read)");
    EXPECT_EQ(matched(chunk("a"), chunk("a").substr(0, 40)), "(read)");
}

TEST(ChunkFrame, IsNotMadeFromAChunkWithOtherMembers) {
    for (const auto& first : {chunk("a", R"(,"reasoning":"b")"), chunk("a", R"(,"refusal":"b")"), chunk(R"(\u0061)"),
                              chunk("a", "", R"(,"usage":{"total_tokens":1})"),
                              chunk("a", R"(,"tool_calls":[{"index":0,"function":{"name":"f","arguments":"1"}}])")}) {
        EXPECT_EQ(matched(first, first), "(read)") << first;
    }
}

/// The result of a stream with the shortcut, and chunk by chunk without it.
struct Decoded {
    std::vector<std::string> events{};
    std::string answer{};
    friend bool operator==(const Decoded&, const Decoded&) = default;
};

Decoded by_decoder(const std::vector<std::string>& chunks) {
    ChunkRecorder recorder;
    StreamDecoder decoder({}, recorder);
    for (const auto& text : chunks) decoder.feed("data: " + text + "\n\n");
    decoder.feed("data: [DONE]\n\n");
    return {recorder.seen, describe(decoder.take_completion())};
}

Decoded by_tree(const std::vector<std::string>& chunks) {
    ChunkRecorder recorder;
    ChunkAccumulator answer(std::size_t{64} << 20U);
    AnswerReader reader;
    for (const auto& text : chunks) {
        EXPECT_EQ(reader.dom.read(text, AnswerShape::chunk, reader.fields), AnswerDom::Read::ok) << text;
        answer.add(reader.fields, text, &recorder);
    }
    answer.seal(&recorder);
    return {recorder.seen, describe(answer.take())};
}

TEST(ChunkFrame, MatchesAJsonTreeForRandomStreams) {
    // Parts that chunks share and that change sometimes, chosen so that equal neighbours are frequent.
    const std::vector<std::string> contents = {
        "a", "für", " 羊", R"(\n)", R"(\"x\")", "", "longer text without end", R"(\u00e9)"};
    const std::vector<std::string> deltas = {"",
                                             "",
                                             "",
                                             R"(,"role":"assistant")",
                                             R"(,"role":"user")",
                                             R"(,"refusal":null)",
                                             R"(,"reasoning":"r")",
                                             R"(,"mood":"calm")"};
    const std::vector<std::string> rests = {"",
                                            "",
                                            "",
                                            R"(,"provider":"p")",
                                            R"(,"provider":"q")",
                                            R"(,"usage":null)",
                                            R"(,"usage":{"total_tokens":3})",
                                            R"(,"obfuscation":"xyz")"};
    std::mt19937 random(5);
    const auto pick = [&](const std::vector<std::string>& from) { return from[random() % from.size()]; };
    for (int stream = 0; stream < 400; ++stream) {
        std::vector<std::string> chunks;
        std::string delta;
        std::string rest;
        for (int i = 0; i < 40; ++i) {
            if (random() % 6 == 0) delta = pick(deltas);
            if (random() % 6 == 0) rest = pick(rests);
            chunks.push_back(chunk(pick(contents), delta, rest));
        }
        ASSERT_EQ(by_decoder(chunks), by_tree(chunks)) << "stream " << stream;
    }
}

TEST(ChunkFrame, AnotherStreamMayBeReadInsideACallback) {
    struct Nested final : ChunkSink {
        std::vector<std::string> inner;
        std::string outer;
        void on_chunk(const ChatChunk& chunk_seen) override {
            if (chunk_seen.event != ChunkEvent::content) return;
            inner = by_decoder({chunk("in"), chunk("side")}).events;
            outer += chunk_seen.text;
        }
    } sink;
    StreamDecoder decoder({}, sink);
    for (const auto* text : {"Me", "ri", "no"}) decoder.feed("data: " + chunk(text) + "\n\n");
    EXPECT_EQ(sink.outer, "Merino");
    EXPECT_THAT(sink.inner, ElementsAre("started 0", "content 0 'in'", "content 0 'side'"));
    EXPECT_EQ(decoder.take_completion().text(), "Merino");
}

}  // namespace
}  // namespace holysheep::wire
