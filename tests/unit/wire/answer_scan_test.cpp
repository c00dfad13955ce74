// The in-place scanner and the DOM parser must agree: on many shapes, and on damaged ones.
#include "wire/answer_scan.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "answer_fields_text.hpp"
#include "answer_samples.hpp"
#include "chunk_recorder.hpp"
#include "damage.hpp"
#include "wire/answer_dom.hpp"
#include "wire/completion_decoder.hpp"

namespace holysheep::wire {
namespace {

/// Whether the scanner accepted the text; if it did, the DOM parser must give the same fields.
bool scan_agrees_with_the_tree(std::string_view text, AnswerShape shape) {
    AnswerFields scanned, read;
    std::string scratch;
    if (!scan_answer(text, shape, scratch, scanned)) return false;
    AnswerDom dom;
    EXPECT_EQ(dom.read(text, shape, read), AnswerDom::Read::ok) << text;
    EXPECT_EQ(describe(scanned), describe(read)) << text;
    return true;
}

TEST(AnswerScan, AcceptsCommonChunks) {
    for (const std::string_view text : kUsualChunks) {
        EXPECT_TRUE(scan_agrees_with_the_tree(text, AnswerShape::chunk)) << text;
    }
}

TEST(AnswerScan, AcceptsCommonAnswers) {
    for (const std::string_view text : kUsualAnswers) {
        EXPECT_TRUE(scan_agrees_with_the_tree(text, AnswerShape::whole)) << text;
    }
}

TEST(AnswerScan, LeavesUnusualShapesToTheTree) {
    for (const std::string_view text : kUnusualChunks) {
        EXPECT_FALSE(scan_agrees_with_the_tree(text, AnswerShape::chunk)) << text;
    }
    for (const std::string_view text : kUnusualAnswers) {
        EXPECT_FALSE(scan_agrees_with_the_tree(text, AnswerShape::whole)) << text;
    }
}

TEST(AnswerScan, NeverAcceptsATruncatedText) {
    for (const std::string_view text : kUsualChunks) {
        for (std::size_t length = 0; length <= text.rfind('}'); ++length) {
            EXPECT_FALSE(scan_agrees_with_the_tree(text.substr(0, length), AnswerShape::chunk)) << length;
        }
    }
}

TEST(AnswerScan, AgreesWithTheTreeOnDamagedTexts) {
    std::mt19937 random(20240607);
    std::size_t taken = 0;
    for (int round = 0; round < 1500; ++round) {
        for (const std::string_view text : kUsualChunks) {
            taken += scan_agrees_with_the_tree(damaged(std::string(text), random), AnswerShape::chunk);
        }
        for (const std::string_view text : kUsualAnswers) {
            if (text.size() > 3000) continue;
            taken += scan_agrees_with_the_tree(damaged(std::string(text), random), AnswerShape::whole);
        }
        if (HasFailure()) return;
    }
    EXPECT_GT(taken, 500U);
}

TEST(CompletionDecoder, ScanAndTreeGiveEqualAnswers) {
    for (const auto& texts : {kUsualAnswers, kUnusualAnswers}) {
        for (const std::string_view text : texts) {
            const auto fast = decode_completion(std::string(text));
            const auto slow = decode_completion_by_tree(std::string(text));
            ASSERT_EQ(fast.has_value(), slow.has_value()) << text;
            if (fast) {
                EXPECT_EQ(wire::describe(*fast), wire::describe(*slow));
                EXPECT_EQ(fast->raw_json, text);
            } else {
                EXPECT_EQ(fast.error().message, slow.error().message);
            }
        }
    }
}

}  // namespace
}  // namespace holysheep::wire
