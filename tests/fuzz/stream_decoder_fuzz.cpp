// The body of a stream tells the same story however it is cut: events, verdict, error, answer. Nothing is thrown.
#include <set>
#include <string>

#include "chunk_recorder.hpp"
#include "claim.hpp"
#include "cuts.hpp"
#include "wire/stream_decoder.hpp"
#include "wire/utf8.hpp"

namespace holysheep::fuzz {
namespace {

bool is_valid_utf8(std::string_view text) {
    std::string valid;
    wire::append_valid_utf8(valid, text);
    return valid == text;
}

std::string describe(const Error& error) {
    return std::string(to_string(error.code)) + "|" + error.message + "|" + error.provider_type + "|" +
           error.provider_code + "|" + error.provider_param + "|" + error.request_id + "|" +
           std::to_string(error.http_status) + "|" + std::to_string(error.effective_status) + "|" + error.raw_body;
}

void claim_calls_are_apart(const std::vector<ToolCall>& calls) {
    std::set<std::string_view> ids;
    for (const ToolCall& call : calls) claim(ids.insert(call.id).second, "no two calls share an id");
}

std::string story_of(const wire::Pieces& pieces, bool clean) {
    wire::ChunkRecorder sink;
    wire::StreamDecoder decoder({.max_event_bytes = 2048, .max_total_bytes = 4096, .skip_malformed_chunks = 1}, sink);
    for (const std::string_view piece : pieces) decoder.feed(piece);
    const auto state = decoder.end_of_body(clean);
    claim(state != wire::StreamDecoder::State::open, "the end of the body is a verdict");
    std::string story;
    bool told_content = false;
    for (const std::string& line : sink.seen) {
        story += line + "\n";
        for (const std::string_view kind : {"content", "reasoning", "refusal", "tool_call", "media"})
            told_content = told_content || line.compare(0, kind.size(), kind) == 0;
    }
    claim(told_content == decoder.has_content(), "the commit point is the first delta that was told");
    claim(!told_content || decoder.progress() > 0, "what is told is progress");
    if (state == wire::StreamDecoder::State::failed) {
        claim(!decoder.error().message.empty(), "an error has a message");
        claim(is_valid_utf8(decoder.error().message), "a message is UTF-8");
        story += "failed: " + describe(decoder.error()) + "\n";
    }
    const ChatCompletion answer = decoder.take_completion();
    for (const Choice& choice : answer.choices) {
        claim(is_valid_utf8(choice.message.content), "text is UTF-8");
        claim_calls_are_apart(choice.message.tool_calls);
    }
    return story + wire::describe(answer);
}

}  // namespace
}  // namespace holysheep::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    using namespace holysheep;
    const std::string_view text = fuzz::as_text(bytes, size);
    for (const bool clean : {true, false}) {
        const std::string story = fuzz::story_of({text}, clean);
        for (const std::size_t piece : {1U, 5U, 100U}) {
            fuzz::claim_equal(story, fuzz::story_of(wire::in_pieces_of(piece, text), clean), "whole and in pieces");
        }
    }
    return 0;
}
