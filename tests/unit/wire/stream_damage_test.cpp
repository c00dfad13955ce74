// Damaged streams: the verdict does not depend on how the bytes were cut, and nothing is thrown.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "answer_samples.hpp"
#include "chunk_recorder.hpp"
#include "cuts.hpp"
#include "damage.hpp"
#include "wire/stream_decoder.hpp"

namespace holysheep::wire {
namespace {

/// Events, verdict and answer as one text.
std::string result_of(const Pieces& pieces) {
    ChunkRecorder sink;
    StreamDecoder decoder({.skip_malformed_chunks = 1}, sink);
    for (const std::string_view piece : pieces) decoder.feed(piece);
    const bool failed = decoder.end_of_body(true) == StreamDecoder::State::failed;
    std::string text;
    for (const std::string& line : sink.seen) text += line + "\n";
    if (failed)
        text += "failed: " + std::string(to_string(decoder.error().code)) + " " + decoder.error().message + "\n";
    return text + describe(decoder.take_completion());
}

TEST(DamagedStream, GivesTheSameResultForAnyChunking) {
    std::mt19937 random(99);
    const auto& samples = kUsualChunks;
    for (int round = 0; round < 2000; ++round) {
        std::string body;
        for (std::size_t chunk = 0; chunk < 1 + random() % 5; ++chunk) {
            const auto& from = random() % 4 == 0 ? kUnusualChunks : samples;
            body += "data: " + std::string(from[random() % from.size()]) + "\n\n";
        }
        body += "data: [DONE]\n\n";
        body = damaged(std::move(body), random);
        const std::string result = result_of({body});
        ASSERT_EQ(result, result_of(in_pieces_of(1, body))) << body;
        ASSERT_EQ(result, result_of(in_pieces_of(13, body))) << body;
    }
}

}  // namespace
}  // namespace holysheep::wire
