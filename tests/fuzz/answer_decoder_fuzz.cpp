// Decodes chunks and whole answers: the in-place scanner and the DOM parser agree, text after an answer changes
// nothing, and an assembled message can be sent back.
#include <string>

#include <holysheep/chat_request.hpp>

#include <nlohmann/json.hpp>

#include "answer_fields_text.hpp"
#include "chunk_recorder.hpp"
#include "claim.hpp"
#include "wire/answer_dom.hpp"
#include "wire/answer_scan.hpp"
#include "wire/chat_encoder.hpp"
#include "wire/completion_decoder.hpp"
#include "wire/json_cursor.hpp"
#include "wire/stream_decoder.hpp"

namespace holysheep::fuzz {
namespace {

using wire::AnswerShape;

void claim_scan_is_tree(std::string_view text, AnswerShape shape) {
    wire::AnswerFields scanned, read;
    std::string scratch;
    if (!wire::scan_answer(text, shape, scratch, scanned)) return;
    wire::AnswerDom dom;
    claim(dom.read(text, shape, read) == wire::AnswerDom::Read::ok, "the tree reads what the scan took");
    claim_equal(wire::describe(scanned), wire::describe(read), "the scan and the tree");
}

/// Sends this message alone as `{"model":…,"messages":[…]}`; the body must be JSON.
void claim_can_be_sent(const Message& message) {
    ChatRequest request{.model = "m", .messages = {message}};
    const auto encoded = wire::encode_chat(request, false, {});
    claim(encoded.has_value(), "a message of an answer can be sent back");
    claim(nlohmann::json::accept(wire::body_for_model(*encoded, "m")), "and makes a JSON body");
}

void claim_members_are_json(const ChatCompletion& answer) {
    const auto object = [](const std::string& text) { return text.empty() || nlohmann::json::accept(text); };
    claim(object(answer.extra_json), "extra_json is JSON");
    for (const Choice& choice : answer.choices) {
        claim(object(choice.extra_json) && object(choice.logprobs_json), "a choice's members are JSON");
        claim(object(choice.message.extra_json), "a message's extra_json is JSON");
        for (const ToolCall& call : choice.message.tool_calls) {
            claim(object(call.raw_json), "a call's raw_json is JSON");
            claim(!call.id.empty() && !call.type.empty(), "a call has an id and a type");
        }
        claim_can_be_sent(choice.message);
    }
}

void claim_both_ways_are_equal(std::string_view text) {
    const auto fast = wire::decode_completion(std::string(text));
    const auto slow = wire::decode_completion_by_tree(std::string(text));
    claim(fast.has_value() == slow.has_value(), "both ways come to the same verdict");
    if (!fast) return claim_equal(fast.error().message, slow.error().message, "both ways give the same error");
    claim_equal(wire::describe(*fast), wire::describe(*slow), "both ways give the same answer");
    claim_members_are_json(*fast);
}

/// Describes the answer's members, without `raw_json`: that is the body, which differs.
std::string whole_story_of(std::string body) {
    const auto answer = wire::decode_completion(std::move(body));
    return answer ? wire::describe(*answer) : "no answer";
}

std::string streamed_story_of(std::string_view body) {
    wire::ChunkRecorder sink;
    wire::StreamDecoder decoder({}, sink);
    decoder.feed(body);
    std::string story = decoder.end_of_body(true) == wire::StreamDecoder::State::complete ? "" : "no answer\n";
    for (const std::string& line : sink.seen) story += line + "\n";
    return story + wire::describe(decoder.take_completion());
}

/// A whole answer is recognized whatever follows it, because relays append their own events or prose. A chunk is not.
void claim_what_follows_changes_nothing(std::string_view text) {
    wire::AnswerDom dom;
    wire::AnswerFields fields;
    if (!wire::is_json_object(text) || !dom.read_answer(text, fields)) return;
    for (const std::string_view more : {"\n\ndata: [DONE]\n\n", " and more", "\n{\"error\":\"late\"}", "}"}) {
        const std::string body = std::string(text).append(more);
        claim_equal(whole_story_of(std::string(text)), whole_story_of(body), "an answer, and with more behind it");
        claim_equal(streamed_story_of(text), streamed_story_of(body), "the same where a stream was asked for");
    }
}

}  // namespace
}  // namespace holysheep::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    using namespace holysheep;
    const std::string_view text = fuzz::as_text(bytes, size);
    fuzz::claim_scan_is_tree(text, wire::AnswerShape::chunk);
    fuzz::claim_scan_is_tree(text, wire::AnswerShape::whole);
    fuzz::claim_both_ways_are_equal(text);
    fuzz::claim_what_follows_changes_nothing(text);
    return 0;
}
