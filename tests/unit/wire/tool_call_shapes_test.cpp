// Tool calls sent in all known shapes, cut, interleaved and packed at random, are decoded to the same calls.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "chunk_recorder.hpp"
#include "wire/answer_dom.hpp"
#include "wire/answer_scan.hpp"
#include "wire/chunk_accumulator.hpp"

namespace holysheep::wire {
namespace {

using Random = std::mt19937;

std::size_t below(Random& random, std::size_t limit) { return random() % limit; }

struct Call {
    std::string name, arguments;
};

std::string json_text(std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
}

/// Arguments that contain text like the boundaries that the decoder looks for.
std::string random_arguments(Random& random, int depth = 0) {
    static const std::vector<std::string> kTexts{"wool", "{", "}", "{}", "\"", "\\", "a\"}{\"b", "x: y", ""};
    std::string out = "{";
    const std::size_t members = 1 + below(random, 3);
    for (std::size_t i = 0; i < members; ++i) {
        out += (i == 0 ? "\"" : ",\"") + std::string(1, static_cast<char>('a' + i)) + "\":";
        switch (below(random, depth < 2 ? 4 : 3)) {
            case 0: out += std::to_string(random() % 1000); break;
            case 1: out += json_text(kTexts[below(random, kTexts.size())]); break;
            case 2: out += "[1,{\"x\":" + std::to_string(random() % 10) + "},null]"; break;
            default: out += random_arguments(random, depth + 1); break;
        }
    }
    return out + "}";
}

std::vector<std::string> cut(const std::string& text, Random& random) {
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t size = 1 + below(random, 9);
        pieces.push_back(text.substr(at, size));
        at += size;
    }
    return pieces;
}

std::string entry(std::string_view index, std::string_view id, std::string_view name, std::string_view arguments) {
    std::string out = "{";
    if (!index.empty()) out += "\"index\":" + std::string(index) + ",";
    if (!id.empty()) out += "\"id\":" + json_text(id) + ",";
    out += "\"type\":\"function\",\"function\":{";
    if (!name.empty()) out += "\"name\":" + json_text(name) + ",";
    return out + "\"arguments\":" + json_text(arguments) + "}}";
}

/// How a provider or a relay writes one call as entries of `tool_calls`. With `sequential`, calls come one after
/// another, because only their order distinguishes them.
struct Shape {
    std::string_view name;
    bool sequential;
    std::vector<std::string> (*write)(const Call&, std::size_t number, Random&);
};
void PrintTo(const Shape& shape, std::ostream* out) { *out << shape.name; }

std::string id_of(std::size_t number) { return "id" + std::to_string(number); }

template <class Rest>
std::vector<std::string> first_and_rest(const std::string& first, const std::string& arguments, Random& random,
                                        Rest&& rest) {
    std::vector<std::string> entries{first};
    for (const std::string& piece : cut(arguments, random)) entries.push_back(rest(piece));
    return entries;
}

const Shape kShapes[] = {
    {"ByIndex", false,
     [](const Call& call, std::size_t n, Random& random) {
         const std::string index = std::to_string(n);
         return first_and_rest(entry(index, id_of(n), call.name, ""), call.arguments, random,
                               [&](const std::string& piece) { return entry(index, "", "", piece); });
     }},
    {"ByIndexFromOneWithGaps", false,
     [](const Call& call, std::size_t n, Random& random) {
         const std::string index = std::to_string(100 + 3 * n);
         return first_and_rest(entry(index, id_of(n), call.name, ""), call.arguments, random,
                               [&](const std::string& piece) { return entry(index, id_of(n), "", piece); });
     }},
    {"ByIndexWithALateId", false,
     [](const Call& call, std::size_t n, Random& random) {
         const std::string index = std::to_string(n);
         auto entries = first_and_rest(entry(index, "", call.name, ""), call.arguments, random,
                                       [&](const std::string& piece) { return entry(index, "", "", piece); });
         entries.push_back(entry(index, id_of(n), "", ""));
         return entries;
     }},
    {"ByIndexWithALateName", false,
     [](const Call& call, std::size_t n, Random& random) {
         const std::string index = std::to_string(n);
         auto entries = first_and_rest(entry(index, id_of(n), "", ""), call.arguments, random,
                                       [&](const std::string& piece) { return entry(index, "", "", piece); });
         entries.push_back(entry(index, "", call.name, ""));
         return entries;
     }},
    {"ByIndexWithTheNameOnEachPiece", false,
     [](const Call& call, std::size_t n, Random& random) {
         const std::string index = std::to_string(n);
         return first_and_rest(entry(index, id_of(n), call.name, ""), call.arguments, random,
                               [&](const std::string& piece) { return entry(index, id_of(n), call.name, piece); });
     }},
    {"ByIndexWithAnIdThatChanges", false,
     [](const Call& call, std::size_t n, Random& random) {
         const std::string index = std::to_string(n);
         std::size_t count = 0;
         return first_and_rest(entry(index, id_of(n), call.name, ""), call.arguments, random,
                               [&](const std::string& piece) {
                                   return entry(index, id_of(n) + "-" + std::to_string(count++), "", piece);
                               });
     }},
    {"ByIndexWithAPlaceholder", false,
     [](const Call& call, std::size_t n, Random& random) {
         const std::string index = std::to_string(n);
         return first_and_rest(entry(index, id_of(n), call.name, "{}"), call.arguments, random,
                               [&](const std::string& piece) { return entry(index, "", "", piece); });
     }},
    {"ByIndexAndThenAllAgain", false,
     [](const Call& call, std::size_t n, Random& random) {
         const std::string index = std::to_string(n);
         auto entries = first_and_rest(entry(index, id_of(n), call.name, ""), call.arguments, random,
                                       [&](const std::string& piece) { return entry(index, "", "", piece); });
         entries.push_back(entry(index, "", "", call.arguments));
         return entries;
     }},
    {"ByIndexWithAllSoFar", false,
     [](const Call& call, std::size_t n, Random& random) {
         const std::string index = std::to_string(n);
         std::vector<std::string> entries{entry(index, id_of(n), call.name, "")};
         std::string so_far;
         for (const std::string& piece : cut(call.arguments, random)) {
             so_far += piece;
             // At the beginning a nested object may follow, so the whole text so far may be repeated or nested.
             const bool ambiguous = entries.size() == 1 && std::string_view(":,[").find(so_far.back()) != so_far.npos;
             if (!ambiguous) entries.push_back(entry(index, "", "", so_far));
         }
         return entries;
     }},
    {"ById", false,
     [](const Call& call, std::size_t n, Random& random) {
         return first_and_rest(entry("", id_of(n), call.name, ""), call.arguments, random,
                               [&](const std::string& piece) { return entry("", id_of(n), "", piece); });
     }},
    {"ByIdOnOneIndex", false,
     [](const Call& call, std::size_t n, Random& random) {
         return first_and_rest(entry("50", id_of(n), call.name, ""), call.arguments, random,
                               [&](const std::string& piece) { return entry("50", id_of(n), "", piece); });
     }},
    {"WholeWithAnId", false,
     [](const Call& call, std::size_t n, Random&) {
         return std::vector<std::string>{entry("51", id_of(n), call.name, call.arguments)};
     }},
    {"WholeOnOneIndexWithoutAnId", true,
     [](const Call& call, std::size_t, Random&) {
         return std::vector<std::string>{entry("0", "", call.name, call.arguments)};
     }},
    {"WholeWithNeither", true,
     [](const Call& call, std::size_t, Random&) {
         return std::vector<std::string>{entry("", "", call.name, call.arguments)};
     }},
    {"InPiecesOnOneIndexWithoutAnId", true,
     [](const Call& call, std::size_t, Random& random) {
         return first_and_rest(entry("0", "", call.name, ""), call.arguments, random,
                               [&](const std::string& piece) { return entry("0", "", "", piece); });
     }},
    {"InPiecesOnOneIndexWithTheIdFirst", true,
     [](const Call& call, std::size_t n, Random& random) {
         return first_and_rest(entry("0", id_of(n), call.name, ""), call.arguments, random,
                               [&](const std::string& piece) { return entry("0", "", "", piece); });
     }},
    {"InPiecesWithNeither", true,
     [](const Call& call, std::size_t, Random& random) {
         return first_and_rest(entry("", "", call.name, ""), call.arguments, random,
                               [&](const std::string& piece) { return entry("", "", "", piece); });
     }},
};

std::vector<Call> random_calls(Random& random) {
    std::vector<Call> calls(1 + below(random, 4));
    for (std::size_t n = 0; n < calls.size(); ++n) calls[n] = {"tool" + std::to_string(n), random_arguments(random)};
    return calls;
}

/// Mixes the entries of all calls; the entries of each call stay in order.
std::vector<std::string> interleaved(std::vector<std::vector<std::string>> calls, bool sequential, Random& random) {
    std::vector<std::string> all;
    std::vector<std::size_t> next(calls.size(), 0);
    for (;;) {
        std::vector<std::size_t> left;
        for (std::size_t n = 0; n < calls.size(); ++n) {
            if (next[n] < calls[n].size()) left.push_back(n);
        }
        if (left.empty()) return all;
        const std::size_t chosen = sequential ? left.front() : left[below(random, left.size())];
        all.push_back(calls[chosen][next[chosen]++]);
    }
}

struct ToolCallSink final : ChunkSink {
    std::vector<std::string> names{}, arguments{};
    void on_chunk(const ChatChunk& chunk) override {
        if (chunk.event != ChunkEvent::tool_call) return;
        const auto index = static_cast<std::size_t>(chunk.tool_index);
        names.resize(std::max(names.size(), index + 1));
        arguments.resize(names.size());
        names[index] += chunk.tool_name;
        arguments[index] += chunk.tool_arguments;
    }
};

/// Sends a random number of entries per chunk, decoded by the in-place scanner or by the DOM parser.
void expect_calls(const std::vector<Call>& calls, const std::vector<std::string>& entries, Random& random) {
    std::vector<std::string> chunks;
    for (const std::string& entry : entries) {
        if (!chunks.empty() && below(random, 4) == 0) {
            chunks.back() += "," + entry;
        } else {
            chunks.push_back(entry);
        }
    }
    std::string sent;
    ToolCallSink sink;
    ChunkAccumulator answer(SIZE_MAX);
    for (const std::string& chunk : chunks) {
        const std::string text = R"({"choices":[{"index":0,"delta":{"tool_calls":[)" + chunk + "]}}]}";
        sent += text + "\n";
        AnswerFields fields;
        std::string scratch;
        AnswerDom dom;
        const bool by_tree = below(random, 2) == 0;
        if (by_tree || !scan_answer(text, AnswerShape::chunk, scratch, fields)) {
            ASSERT_EQ(dom.read(text, AnswerShape::chunk, fields), AnswerDom::Read::ok);
        }
        ASSERT_EQ(answer.add(fields, text, &sink), ChunkAccumulator::Added::ok);
    }
    answer.seal(&sink);
    const auto& read = answer.completion().tool_calls();
    ASSERT_EQ(read.size(), calls.size()) << sent;
    ASSERT_EQ(sink.names.size(), calls.size()) << sent;
    for (const Call& call : calls) {
        const auto found = std::ranges::find(read, call.name, &ToolCall::name);
        ASSERT_NE(found, read.end()) << sent;
        EXPECT_EQ(found->arguments, call.arguments) << sent;
        const auto slot = static_cast<std::size_t>(found - read.begin());
        EXPECT_EQ(sink.names[slot], call.name) << sent;
        EXPECT_EQ(sink.arguments[slot], call.arguments) << "as reported in events\n" << sent;
        EXPECT_EQ(std::ranges::count(read, found->id, &ToolCall::id), 1) << sent;
    }
}

class ToolCallShape : public testing::TestWithParam<Shape> {};

TEST_P(ToolCallShape, IsAssembledInAnyInterleaving) {
    const Shape& shape = GetParam();
    Random random(11);
    for (int round = 0; round < 60 && !HasFailure(); ++round) {
        const std::vector<Call> calls = random_calls(random);
        std::vector<std::vector<std::string>> entries;
        for (std::size_t n = 0; n < calls.size(); ++n) entries.push_back(shape.write(calls[n], n, random));
        expect_calls(calls, interleaved(std::move(entries), shape.sequential, random), random);
    }
}

INSTANTIATE_TEST_SUITE_P(KnownShapes, ToolCallShape, testing::ValuesIn(kShapes),
                         [](const auto& shape) { return std::string(shape.param.name); });

TEST(ToolCallShapes, MayBeMixedInOneAnswer) {
    Random random(12);
    std::vector<Shape> shapes;
    for (const Shape& shape : kShapes) {
        if (!shape.sequential) shapes.push_back(shape);
    }
    for (int round = 0; round < 400 && !HasFailure(); ++round) {
        const std::vector<Call> calls = random_calls(random);
        std::vector<std::vector<std::string>> entries;
        for (std::size_t n = 0; n < calls.size(); ++n)
            entries.push_back(shapes[below(random, shapes.size())].write(calls[n], n, random));
        expect_calls(calls, interleaved(std::move(entries), false, random), random);
    }
}

}  // namespace
}  // namespace holysheep::wire
