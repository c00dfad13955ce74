// Decodes chunks and whole answers: the in-place scanner and the DOM parser agree, text after an answer changes
// nothing, and an assembled message can be sent back.
#include <string>

#include <holysheep/chat_request.hpp>

#include <nlohmann/json.hpp>

#include "answer_fields_text.hpp"
#include "check.hpp"
#include "chunk_recorder.hpp"
#include "wire/answer_dom.hpp"
#include "wire/answer_scan.hpp"
#include "wire/chat_encoder.hpp"
#include "wire/completion_decoder.hpp"
#include "wire/json_cursor.hpp"
#include "wire/stream_decoder.hpp"

namespace holysheep::fuzz {
namespace {

using wire::AnswerShape;

void check_scan_matches_tree(std::string_view text, AnswerShape shape) {
    wire::AnswerFields scanned, read;
    std::string scratch;
    if (!wire::scan_answer(text, shape, scratch, scanned)) return;
    wire::AnswerDom dom;
    check(dom.read(text, shape, read) == wire::AnswerDom::Read::ok, "the tree accepts what the scan accepts");
    check_equal(wire::describe(scanned), wire::describe(read), "the scan and the tree");
}

/// Sends this message alone as `{"model":…,"messages":[…]}`; the body must be JSON.
void check_can_be_sent(const Message& message) {
    ChatRequest request{.model = "m", .messages = {message}};
    const auto encoded = wire::encode_chat(request, false, {});
    check(encoded.has_value(), "a message of an answer can be sent back");
    check(nlohmann::json::accept(wire::body_for_model(*encoded, "m").view()), "the encoded body is JSON");
}

void check_members_are_json(const ChatCompletion& answer) {
    const auto object = [](const std::string& text) { return text.empty() || nlohmann::json::accept(text); };
    check(object(answer.extra_json), "extra_json is JSON");
    for (const Choice& choice : answer.choices) {
        check(object(choice.extra_json) && object(choice.logprobs_json), "a choice's members are JSON");
        check(object(choice.message.extra_json), "a message's extra_json is JSON");
        for (const ToolCall& call : choice.message.tool_calls) {
            check(object(call.raw_json), "a call's raw_json is JSON");
            check(!call.id.empty() && !call.type.empty(), "a call has an id and a type");
        }
        check_can_be_sent(choice.message);
    }
}

void check_decoders_agree(std::string_view text) {
    const auto fast = wire::decode_completion(std::string(text));
    const auto reference = wire::decode_completion_by_tree(std::string(text));
    check(fast.has_value() == reference.has_value(), "scan and tree agree whether it is an answer");
    if (!fast) return check_equal(fast.error().message, reference.error().message, "scan and tree give the same error");
    check_equal(wire::describe(*fast), wire::describe(*reference), "scan and tree give the same answer");
    check_members_are_json(*fast);
}

/// Describes the answer's members, without `raw_json`: that is the body, which differs.
std::string decoded_answer(std::string body) {
    const auto answer = wire::decode_completion(std::move(body));
    return answer ? wire::describe(*answer) : "no answer";
}

std::string decoded_stream(std::string_view body) {
    wire::ChunkRecorder sink;
    wire::StreamDecoder decoder({}, sink);
    decoder.feed(body);
    std::string result = decoder.end_of_body(true) == wire::StreamDecoder::State::complete ? "" : "no answer\n";
    for (const std::string& line : sink.seen) result += line + "\n";
    return result + wire::describe(decoder.take_completion());
}

/// An answer is recognized despite trailing data, because relays append events or prose. A chunk is not.
void check_trailing_data_is_ignored(std::string_view text) {
    wire::AnswerDom dom;
    wire::AnswerFields fields;
    if (!wire::is_json_object(text) || !dom.read_answer(text, fields)) return;
    for (const std::string_view more : {"\n\ndata: [DONE]\n\n", " and more", "\n{\"error\":\"late\"}", "}"}) {
        const std::string body = std::string(text).append(more);
        check_equal(decoded_answer(std::string(text)), decoded_answer(body),
                    "an answer with and without trailing data");
        check_equal(decoded_stream(text), decoded_stream(body), "the same for a streamed request");
    }
}

}  // namespace
}  // namespace holysheep::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    using namespace holysheep;
    const std::string_view text = fuzz::as_text(bytes, size);
    fuzz::check_scan_matches_tree(text, wire::AnswerShape::chunk);
    fuzz::check_scan_matches_tree(text, wire::AnswerShape::whole);
    fuzz::check_decoders_agree(text);
    fuzz::check_trailing_data_is_ignored(text);
    return 0;
}
