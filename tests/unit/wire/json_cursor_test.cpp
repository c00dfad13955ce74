// The strict parser agrees with a JSON library about what is valid, and the tolerant one repairs common server
// mistakes.
#include "wire/json_cursor.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "wire/json_dom.hpp"

namespace holysheep::wire {
namespace {

TEST(JsonCursor, AcceptsOnlyValidJson) {
    for (const std::string_view text : {"{}", " [ ] ", "0", "-0", "-1.5e+10", "1E5", "1e-999", "1e308", "\"\"",
                                        R"("\u00e4\ud83d\udc11\/")", "true", "null", R"({"a":[1,{"b":null}],"a":2})"}) {
        EXPECT_TRUE(is_json(text)) << text;
    }
    for (const std::string_view text : {"",       " ",           "{",           "}",
                                        "[1,]",   "{,}",         "{\"a\"}",     "{\"a\":}",
                                        "{a:1}",  "01",          "1.",          ".5",
                                        "+1",     "1e",          "-",           "nul",
                                        "truex",  "\"",          "\"\\x\"",     "\"\\u12\"",
                                        "\"\n\"", R"("\ud83d")", R"("\udc11")", R"("\ud83dx")",
                                        "1 2",    "[1 2]",       "\"\xC3\"",    "\"\xED\xA0\x80\"",
                                        "NaN",    "1e999",       "[-1E+400]"}) {
        EXPECT_FALSE(is_json(text)) << text;
    }
    EXPECT_TRUE(is_json_object(" {} "));
    EXPECT_FALSE(is_json_object("[]"));
}

TEST(JsonCursor, AgreesWithNlohmannJsonOnRandomTexts) {
    constexpr std::string_view kBytes = "{}[]\",:0123.eE+-\\u/ntfalsrd \n\xC3\xA4";
    std::mt19937 random(11);
    int accepted = 0;
    for (int round = 0; round < 100000; ++round) {
        std::string text;
        const std::size_t length = 1 + random() % 9;
        for (std::size_t i = 0; i < length; ++i) text += kBytes[random() % kBytes.size()];
        const bool library = nlohmann::json::accept(text);
        ASSERT_EQ(is_json(text), library) << text;
        accepted += library;
    }
    EXPECT_GT(accepted, 300);
}

TEST(JsonCursor, StopsAtTheDepthLimit) {
    const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    EXPECT_TRUE(is_json(nested(kMaxJsonDepth)));
    EXPECT_FALSE(is_json(nested(kMaxJsonDepth + 2)));
    EXPECT_FALSE(is_json(nested(1'000'000)));
}

TEST(JsonCursor, FindsTheFirstSpecialByteAtEveryOffset) {
    for (std::size_t length = 0; length < 40; ++length) {
        for (std::size_t at = 0; at < length; ++at) {
            for (const char special : {'"', '\\', '\0', '\x1F', '\x80', '\xFF'}) {
                std::string text(length, 'a');
                text[at] = special;
                EXPECT_EQ(skip_plain_text(text, 0), at);
            }
        }
        for (const char plain : {' ', '!', '#', '[', ']', '\x7F'}) {
            EXPECT_EQ(skip_plain_text(std::string(length, plain), 0), length);
        }
    }
}

TEST(JsonCursor, UnescapesIntoOneBuffer) {
    std::string scratch;
    const std::string_view text = R"(["a\nb","plain","\u00e4\ud83d\udc11\"\\\/\b\f\r\t"])";
    JsonCursor cursor(text, scratch);
    std::vector<std::string_view> read;
    EXPECT_TRUE(cursor.read_array([&] { return cursor.read_string(read.emplace_back()); }));
    EXPECT_EQ(read, (std::vector<std::string_view>{"a\nb", "plain", "ä🐑\"\\/\b\f\r\t"}));
}

TEST(JsonDom, ToleratesCommonServerMistakes) {
    nlohmann::json tree;
    std::string repaired;
    EXPECT_TRUE(parse_json(R"({"a":NaN,"b":[-Infinity,Infinity],"c":"NaN","d":1e999,"e":-1e999,"f":1e5,"g":1e-999})",
                           tree, repaired));
    EXPECT_EQ(tree.dump(), R"({"a":null,"b":[null,null],"c":"NaN","d":null,"e":null,"f":100000.0,"g":0.0})");
    EXPECT_TRUE(parse_json("{\"a\":\"x\xFF\",\"b\":\"\\ud83d\\ud83d\\udc11\\udc11\"}", tree, repaired));
    EXPECT_EQ(tree.dump(), "{\"a\":\"x\uFFFD\",\"b\":\"\uFFFD🐑\uFFFD\"}");
    EXPECT_FALSE(parse_json("{\"a\":", tree, repaired));
    EXPECT_FALSE(parse_json("{\"a\":\"\\", tree, repaired));
    EXPECT_FALSE(parse_json("{\"a\":\"\\u12", tree, repaired));
    EXPECT_FALSE(parse_json("", tree, repaired));
    EXPECT_FALSE(parse_json(std::string("{\"a\":\"\0\"}", 9), tree, repaired));
}

// If each byte were examined repeatedly, this would not end.
TEST(JsonDom, RepairsLongTextsInOnePass) {
    nlohmann::json tree;
    std::string repaired, run = "[";
    for (int i = 0; i < 2'000'000; ++i) run += "1e";
    EXPECT_FALSE(parse_json(run, tree, repaired));
    std::string list = "[";
    for (int i = 0; i < 500'000; ++i) list += "NaN,";
    EXPECT_TRUE(parse_json(list + "-Infinity]", tree, repaired));
    EXPECT_EQ(tree.size(), 500'001U);
}

TEST(JsonDom, RefusesATextWhoseTreeWouldBeTooLarge) {
    nlohmann::json tree;
    std::string repaired;
    const std::string deep = std::string(300, '[') + std::string(300, ']');
    EXPECT_FALSE(parse_json(deep, tree, repaired));
    EXPECT_EQ(excess_of(deep), "JSON nested deeper than 256 levels");
    std::string wide = "[0";
    for (int i = 0; i < 4'000'000; ++i) wide += ",0";
    EXPECT_FALSE(parse_json(wide + "]", tree, repaired));
    EXPECT_EQ(excess_of(wide), "JSON with more than 4000000 values");
    EXPECT_EQ(excess_of("{broken"), "");
    EXPECT_EQ(excess_of("\"" + deep + "\""), "");
}

TEST(JsonDom, GettersAcceptEveryType) {
    nlohmann::json tree;
    ASSERT_TRUE(
        parse_json(R"({"i":5,"f":5.9,"s":"6","t":"x","n":null,"b":true,"o":{"i":7},"a":[1],"big":18446744073709551615,
                              "huge":1e300,"neg":-3})",
                   tree));
    EXPECT_EQ(integer_of(member(tree, "i")), 5);
    EXPECT_EQ(integer_of(member(tree, "f")), 5);
    EXPECT_EQ(integer_of(member(tree, "s")), 6);
    EXPECT_EQ(integer_of(member(tree, "neg")), -3);
    for (const char* name : {"t", "n", "b", "o", "a", "big", "huge", "absent"}) {
        EXPECT_EQ(integer_of(member(tree, name)), std::nullopt) << name;
    }
    EXPECT_EQ(integer_of(member(tree, "o", "i")), 7);
    EXPECT_EQ(member(tree, "a", "i"), nullptr);
    EXPECT_EQ(text_of(member(tree, "i")), "");
    EXPECT_EQ(scalar_text_of(member(tree, "i")), "5");
    EXPECT_EQ(raw_member(R"({"a":1, "u": {"x": 1.0} ,"b":2})", "u"), R"({"x": 1.0})");
}

}  // namespace
}  // namespace holysheep::wire
