// Reads a whole answer like a stream of one chunk, so that only one place knows what each member means.
#include "wire/completion_decoder.hpp"

#include <cstdint>
#include <string_view>
#include <utility>

#include "wire/answer_dom.hpp"
#include "wire/answer_scan.hpp"
#include "wire/chunk_accumulator.hpp"
#include "wire/error_decoder.hpp"
#include "wire/json_cursor.hpp"
#include "wire/loose_frames.hpp"
#include "wire/stream_decoder.hpp"

namespace holysheep::wire {
namespace {

Error malformed(std::string message) {
    Error error;
    error.code = ErrorCode::malformed_response;
    error.message = std::move(message);
    return error;
}

/// Adds the partial answer to an error that came with it: it may have been paid for.
Error with_partial(Error error, ChatCompletion partial, std::string body) {
    partial.raw_json = std::move(body);
    error.partial = std::make_shared<const ChatCompletion>(std::move(partial));
    return error;
}

Result<ChatCompletion> assemble(const AnswerFields& fields, std::string body) {
    ChunkAccumulator answer(SIZE_MAX);
    if (answer.add(fields, {}, nullptr) != ChunkAccumulator::Added::ok) {
        const auto problem = "a choice index is outside 0 to " + std::to_string(kMaxChoices - 1);
        return with_body(fields.error ? error_from_fields(*fields.error) : malformed(problem), body);
    }
    const std::string failure(answer.failure_reason());
    const bool may_cost = answer.has_content() || fields.has_usage;
    answer.seal(nullptr);
    ChatCompletion completion = answer.take();
    if (fields.error || !failure.empty() || fields.choices.empty()) {
        auto error = with_body(fields.error             ? error_from_fields(*fields.error)
                               : fields.choices.empty() ? malformed("the answer has no choices")
                                                        : failed_finish(failure),
                               body);
        if (!may_cost) return error;
        return with_partial(std::move(error), std::move(completion), std::move(body));
    }
    completion.raw_json = std::move(body);
    return completion;
}

/// Some gateways stream even if streaming was not requested.
bool is_event_stream(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    return first != std::string_view::npos && text[first] != '{' && text[first] != '[' && looks_framed(text);
}

struct Unheard final : ChunkSink {
    void on_chunk(const ChatChunk&) override {}
};

Result<ChatCompletion> decode_event_stream(std::string body) {
    Unheard sink;
    StreamDecoder decoder({}, sink);
    decoder.feed(body);
    if (decoder.end_of_body(true) == StreamDecoder::State::failed) {
        Error error = decoder.error();
        // Nothing was delivered, so an interrupted answer is an incomplete response here.
        if (error.code == ErrorCode::stream_interrupted || error.code == ErrorCode::transport_failed)
            error.code = ErrorCode::malformed_response;
        error = with_body(std::move(error), body);
        if (!decoder.has_content() && !decoder.completion().usage.present) return error;
        return with_partial(std::move(error), decoder.take_completion(), std::move(body));
    }
    ChatCompletion completion = decoder.take_completion();
    completion.raw_json = std::move(body);
    return completion;
}

/// Some servers and proxies put a byte order mark in front of their JSON.
std::string_view without_byte_order_mark(std::string_view text) {
    return text.substr(0, 3) == "\xEF\xBB\xBF" ? text.substr(3) : text;
}

}  // namespace

Result<ChatCompletion> decode_completion(std::string body) {
    AnswerFields fields;
    std::string scratch;
    if (scan_answer(body, AnswerShape::whole, scratch, fields)) return assemble(fields, std::move(body));
    return decode_completion_by_tree(std::move(body));
}

Result<ChatCompletion> decode_completion_by_tree(std::string body) {
    AnswerDom dom;
    AnswerFields fields;
    const std::string_view text = without_byte_order_mark(body);
    if (dom.read(text, AnswerShape::whole, fields) != AnswerDom::Read::ok) {
        // A complete answer or error counts, whatever follows it.
        const std::string_view first = leading_json(text);
        if (first.empty() || !dom.read_answer(first, fields)) {
            if (is_json(first) || is_event_stream(text)) return decode_event_stream(std::move(body));
            return with_body(malformed_body(text, "instead of a completion"), text);
        }
    }
    return assemble(fields, std::move(body));
}

}  // namespace holysheep::wire
