// Escaping, numbers, and the joining of members.
#include "wire/json_writer.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

namespace holysheep::wire {
namespace {

std::string in_quotes(std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
}

template <class Number>
std::string digits(Number number) {
    std::string out;
    append_json_number(out, number);
    return out;
}

TEST(JsonString, EscapesSpecialCharacters) {
    EXPECT_EQ(in_quotes("a\"b\\c/\b\f\n\r\t"), R"("a\"b\\c/\b\f\n\r\t")");
    EXPECT_EQ(in_quotes(std::string_view("\0\x1F\x7F", 3)), "\"\\u0000\\u001f\x7F\"");
    EXPECT_EQ(in_quotes("für 羊 🐑\u2028"), "\"für 羊 🐑\u2028\"");
    EXPECT_EQ(in_quotes(""), "\"\"");
}

TEST(JsonString, ReplacesEachIllFormedSequenceOnce) {
    EXPECT_EQ(in_quotes("\x80"), "\"\uFFFD\"");
    EXPECT_EQ(in_quotes("\xC0\xAF"), "\"\uFFFD\uFFFD\"");
    EXPECT_EQ(in_quotes("\xED\xA0\x80"), "\"\uFFFD\uFFFD\uFFFD\"");
    EXPECT_EQ(in_quotes("\xF0\x9F\x90"), "\"\uFFFD\"");
    EXPECT_EQ(in_quotes("\xF0\x9F\x90"
                        "a"),
              "\"\uFFFDa\"");
    EXPECT_EQ(in_quotes("\xF4\x90\x80\x80"), "\"\uFFFD\uFFFD\uFFFD\uFFFD\"");
}

TEST(JsonString, AnyBytesGiveValidJsonThatReadsBack) {
    std::mt19937 random(7);
    const auto byte = [&] { return static_cast<char>(static_cast<unsigned char>(random() & 0xFFU)); };
    for (int round = 0; round < 20000; ++round) {
        std::string text(random() % 40, ' ');
        const bool ascii = random() % 2 == 0;
        for (char& c : text) c = ascii ? static_cast<char>(byte() & 0x7F) : byte();
        const auto read = nlohmann::json::parse(in_quotes(text), nullptr, false);
        ASSERT_TRUE(read.is_string());
        if (ascii) {
            EXPECT_EQ(read.get<std::string>(), text);
        }
    }
}

TEST(JsonNumber, IsTheShortestThatReadsBack) {
    EXPECT_EQ(digits(0.1), "0.1");
    EXPECT_EQ(digits(1.0), "1");
    EXPECT_EQ(digits(1e300), "1e+300");
    EXPECT_EQ(digits(std::numeric_limits<double>::infinity()), "null");
    EXPECT_EQ(digits(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
}

TEST(JsonMembers, JoinArraysAndStringsByTheirText) {
    JsonMembers members;
    members.append("a", "[]");
    members.append("a", "[1]");
    members.append("a", "[2,3]");
    members.append("a", "[]");
    members.append("s", "\"x\\n\"");
    members.append("s", "\"\"");
    members.append("s", "\"y\"");
    members.append("n", "1");
    members.append("n", "2");
    members.set("z", "1");
    members.set("z", "\"last\"");
    EXPECT_EQ(members.to_object(), R"({"a":[1,2,3],"n":2,"s":"x\ny","z":"last"})");
    EXPECT_EQ(JsonMembers().to_object(), "");
}

}  // namespace
}  // namespace holysheep::wire
