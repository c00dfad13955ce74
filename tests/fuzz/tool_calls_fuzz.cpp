// Pieces of tool calls in any order and shape: the assembler assigns them as a slow reference does, and the events of a
// stream add up to its calls.
#include <string>
#include <vector>

#include "check.hpp"
#include "reference_tool_calls.hpp"
#include "wire/chunk_accumulator.hpp"
#include "wire/tool_call_assembler.hpp"

namespace holysheep::fuzz {
namespace {

struct Piece {
    wire::ToolCallDelta delta{};
    bool begins_chunk = false, is_reported = false;
};

/// Reads one piece from each line: a byte for the index, one for the id, one for the name and the type, one for the
/// chunk, then the arguments.
std::vector<Piece> pieces_of(std::string_view text) {
    constexpr std::string_view kIds[] = {"", "", "a", "b", "c"}, kNames[] = {"", "", "f", "g"},
                               kTypes[] = {"function", "", "custom"};
    constexpr std::int64_t kIndexes[] = {0, 1, 2, -1};
    std::vector<Piece> pieces;
    while (text.size() >= 4 && pieces.size() < 64) {
        const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
        Piece& piece = pieces.emplace_back();
        if (byte(0) % 5 < 4) piece.delta.index = kIndexes[byte(0) % 5];
        piece.delta.id = kIds[byte(1) % 5];
        piece.delta.name = kNames[byte(2) % 4];
        piece.delta.type = kTypes[byte(2) / 4 % 3];
        piece.begins_chunk = byte(3) % 2 == 0;
        piece.is_reported = byte(3) / 2 % 2 == 0;
        text.remove_prefix(4);
        const std::size_t end = std::min(text.find('\n'), text.size());
        piece.delta.arguments = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return pieces;
}

std::string describe(const std::string& id, const std::string& type, const std::string& name,
                     const std::string& arguments) {
    return id + "|" + type + "|" + name + "|" + arguments + "\n";
}

void check_against_reference(const std::vector<Piece>& pieces) {
    wire::ToolCallAssembler assembler;
    std::vector<ToolCall> calls;
    ReferenceToolCalls reference;
    for (const Piece& piece : pieces) {
        if (piece.begins_chunk) {
            assembler.begin_chunk();
            reference.begin_chunk();
        }
        const std::size_t slot = assembler.add(piece.delta, calls), expected = reference.add(piece.delta);
        check(slot == expected && slot < calls.size(), "a piece goes to the same call as in the reference");
        const ReferenceCall& call = reference.calls[slot];
        check(assembler.may_be_replaced(slot, calls[slot]) ==
                  (!call.is_custom() && !call.reported && call.is_placeholder()),
              "a placeholder may be replaced until it is reported");
        if (piece.is_reported && !calls[slot].arguments.empty()) {
            assembler.set_reported(slot);
            reference.calls[slot].reported = true;
        }
        std::string one, other;
        for (const ToolCall& made : calls) one += describe(made.id, made.type, made.name, made.arguments);
        for (const ReferenceCall& made : reference.calls)
            other += describe(made.id, made.type, made.name, made.arguments);
        check_equal(one, other, "the calls and the reference");
    }
}

struct EventTotals final : wire::ChunkSink {
    std::vector<ToolCall> calls{};
    void on_chunk(const ChatChunk& chunk) override {
        if (chunk.event != ChunkEvent::tool_call) return;
        const auto slot = static_cast<std::size_t>(chunk.tool_index);
        if (calls.size() <= slot) calls.resize(slot + 1);
        check(chunk.tool_name.empty() || calls[slot].name.empty(), "a name is reported once");
        calls[slot].id += chunk.tool_id;
        calls[slot].name += chunk.tool_name;
        calls[slot].arguments += chunk.tool_arguments;
    }
};

void check_events_match_calls(const std::vector<Piece>& pieces) {
    EventTotals totals;
    wire::ChunkAccumulator answer(SIZE_MAX);
    wire::AnswerFields fields;
    for (std::size_t at = 0; at < pieces.size();) {
        fields.clear();
        fields.has_choices = true;
        fields.choices.emplace_back();
        do {
            fields.tool_calls.push_back(pieces[at].delta);
        } while (++at < pieces.size() && !pieces[at].begins_chunk);
        check(answer.add(fields, {}, &totals) == wire::ChunkAccumulator::Added::ok, "the pieces are added");
    }
    answer.seal(&totals);
    const auto calls = answer.completion().tool_calls();
    check(totals.calls.size() == calls.size(), "every call is reported");
    for (std::size_t slot = 0; slot < calls.size(); ++slot) {
        check_equal(totals.calls[slot].id, calls[slot].id, "the id of events and answer");
        check_equal(totals.calls[slot].name, calls[slot].name, "the name of events and answer");
        check_equal(totals.calls[slot].arguments, calls[slot].arguments, "the arguments of events and answer");
    }
}

}  // namespace
}  // namespace holysheep::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    using namespace holysheep;
    if (size > 1024) return 0;  // the reference takes quadratic time
    const auto pieces = fuzz::pieces_of(fuzz::as_text(bytes, size));
    fuzz::check_against_reference(pieces);
    fuzz::check_events_match_calls(pieces);
    return 0;
}
