// ASCII comparison, independent of the locale.
#include "values/ascii.hpp"

#include <clocale>
#include <string>

#include <gtest/gtest.h>

namespace holysheep::values {
namespace {

TEST(Ascii, LowersLettersOnly) {
    EXPECT_EQ(lower("Content-TYPE: [@`{] 09"), "content-type: [@`{] 09");
    EXPECT_EQ(lower(std::string_view("\xc4\xdc\x00Z", 4)), std::string("\xc4\xdc\x00z", 4));
}

TEST(Ascii, CharacterClassesHaveExactBounds) {
    for (int c = 0; c < 256; ++c) {
        const char byte = static_cast<char>(c);
        EXPECT_EQ(is_digit(byte), c >= 0x30 && c <= 0x39) << c;
        EXPECT_EQ(is_letter(byte), (c >= 0x41 && c <= 0x5a) || (c >= 0x61 && c <= 0x7a)) << c;
        EXPECT_EQ(is_alphanumeric(byte), is_digit(byte) || is_letter(byte)) << c;
    }
}

TEST(Ascii, TrimsBothEnds) {
    EXPECT_EQ(trim(" \t\r\n\v\fa b\f\v\n\r\t "), "a b");
    EXPECT_EQ(trim("a"), "a");
    EXPECT_EQ(trim(""), "");
    EXPECT_EQ(trim(" \n "), "");
    EXPECT_EQ(trim("\n a \n", " \t"), "\n a \n") << "trims only the given characters";
    EXPECT_EQ(trim("\xa0 a"), "\xa0 a") << "not ASCII white space";
}

TEST(Ascii, ComparesIgnoringCase) {
    EXPECT_TRUE(equal_ignoring_case("Authorization", "aUTHORIZATION"));
    EXPECT_TRUE(equal_ignoring_case("", ""));
    EXPECT_FALSE(equal_ignoring_case("a", "ab"));
    EXPECT_FALSE(equal_ignoring_case("ab", "a"));
    EXPECT_FALSE(equal_ignoring_case("[", "{")) << "they differ in the case bit but are not letters";
    EXPECT_FALSE(equal_ignoring_case("\xc4", "\xe4"));
}

TEST(Ascii, FindsAWordIgnoringCase) {
    EXPECT_TRUE(contains_ignoring_case("Connection REFUSED by peer", "refused"));
    EXPECT_TRUE(contains_ignoring_case("text", ""));
    EXPECT_FALSE(contains_ignoring_case("refuse", "refused"));
}

TEST(Ascii, IgnoresTheLocale) {
    const std::string before = std::setlocale(LC_ALL, nullptr);
    for (const char* name : {"tr_TR.ISO8859-9", "de_DE.ISO8859-1", "C.UTF-8"}) {
        if (std::setlocale(LC_ALL, name) == nullptr) continue;
        EXPECT_EQ(lower('I'), 'i') << name;
        EXPECT_FALSE(equal_ignoring_case("\xc4", "\xe4")) << name;
        EXPECT_FALSE(is_letter('\xe4')) << name;
    }
    std::setlocale(LC_ALL, before.c_str());
}

}  // namespace
}  // namespace holysheep::values
