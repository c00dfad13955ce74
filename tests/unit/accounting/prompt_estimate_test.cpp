// The estimated number of tokens of a prompt.
#include "accounting/prompt_estimate.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holysheep::accounting {
namespace {

const std::string kMegabyte(1'000'000, 'A');

std::int64_t tokens_of(const std::string& json) { return estimated_tokens(json.size(), media_in(json)); }

TEST(PromptEstimate, CountsFourBytesOfTextAsAToken) { EXPECT_EQ(estimated_tokens(4'000), 1'000); }

TEST(PromptEstimate, CountsAPictureAsAUnitNotByItsBytes) {
    ChatRequest request{.messages = {{.parts = {TextPart{.text = "What is this?"},
                                                ImagePart{.url = "data:image/png;base64," + kMegabyte}}}}};
    const auto media = media_in(request);
    EXPECT_EQ(media.tokens, 1'000);
    EXPECT_EQ(estimated_tokens(request, {}, media.bytes + 400), 1'100);
    request.messages[0].parts[1] = ImagePart{.url = "https://example.com/sheep.png"};
    EXPECT_EQ(media_in(request).tokens, 1'000) << "a URL says nothing about the size";
}

TEST(PromptEstimate, HasSeparateFiguresForSoundAndFiles) {
    const ChatRequest request{
        .messages = {{.parts = {AudioPart{.data_base64 = kMegabyte, .format = "wav"},
                                FilePart{.data_base64 = "data:application/pdf;base64," + kMegabyte},
                                FilePart{.file_id = "file-7"}}}}};
    EXPECT_EQ(media_in(request).tokens, 1'000 + 5'000 + 5'000);
    EXPECT_GE(media_in(request).bytes, 2'000'000U);
}

TEST(PromptEstimate, FindsMediaInExtraJson) {
    for (const auto& json : {R"({"type":"image_url","image_url":{"url":"data:image/png;base64,)" + kMegabyte + R"("}})",
                             R"({"type":"input_audio","input_audio":{"data" : ")" + kMegabyte + R"(","format":"wav"}})",
                             R"({"file":{"file_data":")" + kMegabyte + R"("}})",
                             R"({"file":{"file_data":"data:application\/pdf;base64,)" + kMegabyte + R"("}})"}) {
        EXPECT_NEAR(static_cast<double>(tokens_of(json)), 1'020, 20) << json.substr(0, 60);
        EXPECT_EQ(media_in(ChatRequest{.messages = {{.parts = {RawPart{.json = json}}}}}).tokens, 1'000);
        EXPECT_EQ(media_in(ChatRequest{.messages = {{.extra_json = json}}}).tokens, 1'000);
    }
}

TEST(PromptEstimate, DoesNotTakeTextForMedia) {
    const std::string words = R"({"data":"no base64 at all, but )" + std::string(3'000, 'x') + R"("})";
    EXPECT_EQ(media_in(words).tokens, 0);
    EXPECT_EQ(media_in(R"({"input":")" + kMegabyte + R"("})").tokens, 0) << "counted as text";
    EXPECT_EQ(media_in(R"({"data":"short"})" + std::string(2'000, ' ')).tokens, 0);
    EXPECT_EQ(media_in(R"({"x":"a;base64,)" + kMegabyte).tokens, 0) << "truncated JSON";
}

TEST(PromptEstimate, IsNotNegativeForABodyWithoutItsMedia) {
    const ChatRequest replaced{.messages = {{.parts = {ImagePart{.url = kMegabyte}}}}};
    EXPECT_EQ(estimated_tokens(replaced, {}, 400), 1'000);
}

}  // namespace
}  // namespace holysheep::accounting
