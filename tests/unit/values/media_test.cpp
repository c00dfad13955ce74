// Media parts from bytes and from files; invalid input gives an error with the reason.
#include <holysheep/media.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace holysheep {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using namespace std::string_view_literals;

/// Gives each test its own folder.
class Media : public testing::Test {
  protected:
    Media() {
        std::string pattern = (std::filesystem::temp_directory_path() / "holysheep-media-XXXXXX").string();
        folder_ = ::mkdtemp(pattern.data());
    }
    ~Media() override { std::filesystem::remove_all(folder_); }

    std::string file(const std::string& name, std::string_view bytes) const {
        const auto path = folder_ / name;
        std::ofstream(path, std::ios::binary) << bytes;
        return path.string();
    }
    std::string folder() const { return folder_.string(); }

  private:
    std::filesystem::path folder_{};
};

TEST(Base64, MatchesTheExamplesOfTheStandard) {
    const std::pair<std::string_view, std::string_view> rows[] = {{"", ""},
                                                                  {"f", "Zg=="},
                                                                  {"fo", "Zm8="},
                                                                  {"foo", "Zm9v"},
                                                                  {"foob", "Zm9vYg=="},
                                                                  {"fooba", "Zm9vYmE="},
                                                                  {"foobar", "Zm9vYmFy"},
                                                                  {"\xFB\xFF\xBF\0"sv, "+/+/AA=="}};
    for (const auto& [bytes, text] : rows) EXPECT_EQ(to_base64(bytes), text);
}

TEST(Parts, AreMadeFromBytes) {
    const ImagePart image = image_part("foo", "image/png", "low");
    EXPECT_EQ(image.url, "data:image/png;base64,Zm9v");
    EXPECT_EQ(image.detail, "low");
    const AudioPart audio = audio_part("foo", "wav");
    EXPECT_EQ(audio.data_base64, "Zm9v");
    EXPECT_EQ(audio.format, "wav");
    const FilePart file = file_part("foo", "a.pdf", "application/pdf");
    EXPECT_EQ(file.filename, "a.pdf");
    EXPECT_EQ(file.data_base64, "data:application/pdf;base64,Zm9v");
}

TEST_F(Media, DetectsPicturesByTheirFirstBytes) {
    const std::pair<std::string_view, const char*> rows[] = {{"\x89PNG\r\n\x1A\n...", "image/png"},
                                                             {"\xFF\xD8\xFF\xE0...", "image/jpeg"},
                                                             {"GIF87a...", "image/gif"},
                                                             {"GIF89a...", "image/gif"},
                                                             {"RIFF....WEBP...", "image/webp"}};
    for (const auto& [bytes, type] : rows) {
        const auto part = image_file(file("named.txt", bytes), "high");
        ASSERT_TRUE(part.has_value()) << type;
        EXPECT_EQ(part->url, "data:" + std::string(type) + ";base64," + to_base64(bytes));
        EXPECT_EQ(part->detail, "high");
    }
}

TEST_F(Media, AcceptsWavAndMp3) {
    EXPECT_EQ(audio_file(file("a", "RIFF....WAVEfmt "))->format, "wav");
    EXPECT_EQ(audio_file(file("a", "ID3\x04..."))->format, "mp3");
    EXPECT_EQ(audio_file(file("a", "\xFF\xFB\x90..."))->format, "mp3");
    EXPECT_EQ(audio_file(file("a", "RIFF....WAVE"))->data_base64, to_base64("RIFF....WAVE"));
    EXPECT_FALSE(audio_file(file("a", "\xFF\xF1\x50.... (AAC)")));
    EXPECT_FALSE(audio_file(file("a", "OggS....")));
}

TEST_F(Media, AcceptsPdfAndTextDocuments) {
    const auto pdf = document_file(file("flock.bin", "%PDF-1.7\n\x01\xFF"));
    ASSERT_TRUE(pdf.has_value());
    EXPECT_EQ(pdf->filename, "flock.bin");
    EXPECT_THAT(pdf->data_base64, StartsWith("data:application/pdf;base64,"));
    EXPECT_THAT(document_file(file("a.md", "Wolle für 羊 🐑\n"))->data_base64, StartsWith("data:text/plain;base64,"));
    EXPECT_FALSE(document_file(file("a.txt", "cut: \xE7\xBE")));
    EXPECT_FALSE(document_file(file("a.txt", "NUL \0"sv)));
}

TEST_F(Media, NamesUnusableMediaWithTheReason) {
    const std::pair<std::string, const char*> rows[] = {{folder() + "/none.png", "there is no such file"},
                                                        {folder(), "not a regular file"},
                                                        {"/dev/zero", "not a regular file"},
                                                        {"", "there is no such file"},
                                                        {file("empty", ""), "empty"},
                                                        {file("a.png", "BM....."), "PNG, JPEG, GIF or WebP"}};
    for (const auto& [path, why] : rows) {
        const auto part = image_file(path);
        ASSERT_FALSE(part.has_value()) << path;
        EXPECT_EQ(part.error().code, ErrorCode::invalid_request);
        EXPECT_THAT(part.error().message, StartsWith(path + ": "));
        EXPECT_THAT(part.error().message, HasSubstr(why));
    }
    EXPECT_THAT(audio_file(file("a", "x")).error().message, HasSubstr("WAV nor MP3"));
    EXPECT_THAT(document_file(file("a", "\x01")).error().message, HasSubstr("PDF nor UTF-8"));
    const std::string sparse = file("huge", "x");
    std::filesystem::resize_file(sparse, std::uintmax_t{600} << 20U);
    EXPECT_THAT(image_file(sparse).error().message, HasSubstr("512 MiB"));
}

}  // namespace
}  // namespace holysheep
