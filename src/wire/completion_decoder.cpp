// A whole answer is read like a stream of one chunk, so there is one place that knows what each member means.
#include "wire/completion_decoder.hpp"

#include <cstdint>
#include <string_view>
#include <utility>

#include "wire/answer_dom.hpp"
#include "wire/answer_scan.hpp"
#include "wire/chunk_accumulator.hpp"
#include "wire/error_decoder.hpp"

namespace holysheep::wire {
namespace {

constexpr std::size_t kRawBodyBytes = 8192;

Error with_body(Error error, std::string_view body) {
    error.http_status = 200;
    if (error.effective_status == 0) error.effective_status = 200;
    error.raw_body = body_snippet(body, kRawBodyBytes);
    return error;
}

Error malformed(std::string message) {
    Error error;
    error.code = ErrorCode::malformed_response;
    error.message = std::move(message);
    return error;
}

Result<ChatCompletion> assemble(const AnswerFields& fields, std::string body) {
    ChunkAccumulator answer(SIZE_MAX);
    if (answer.add(fields, {}, nullptr) != ChunkAccumulator::Added::ok) {
        return with_body(malformed("a choice index is outside 0 to " + std::to_string(kMaxChoices - 1)), body);
    }
    if (answer.has_failed_choice()) {
        const char* message = "the gateway ended the answer with the finish reason 'error'";
        return with_body(error_from_fields({.message = message}), body);
    }
    answer.seal(nullptr);
    ChatCompletion completion = answer.take();
    completion.raw_json = std::move(body);
    return completion;
}

/// Some servers and proxies put one in front of their JSON.
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
        return with_body(malformed_body(text, "instead of a completion"), text);
    }
    if (fields.error) return with_body(error_from_fields(*fields.error), text);
    if (fields.choices.empty()) return with_body(malformed("the answer has no choices"), text);
    return assemble(fields, std::move(body));
}

}  // namespace holysheep::wire
