// For any chunking of a body, events, verdict, error and answer are the same, and nothing is thrown. The events add up
// to the answer, and chunks mean the same in the fast path, the in-place scanner and the DOM parser, as events and as
// bare lines.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "check.hpp"
#include "chunk_recorder.hpp"
#include "cuts.hpp"
#include "wire/answer_dom.hpp"
#include "wire/json_cursor.hpp"
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

void check_ids_differ(const std::vector<ToolCall>& calls) {
    std::set<std::string_view> ids;
    for (const ToolCall& call : calls) check(ids.insert(call.id).second, "no two calls share an id");
}

struct EventTotals final : wire::ChunkSink {
    struct Texts {
        std::string content{}, reasoning{}, refusal{};
        std::map<int, std::string> arguments{};
    };
    std::map<int, Texts> choices{};
    void on_chunk(const ChatChunk& chunk) override {
        switch (chunk.event) {
            case ChunkEvent::content: choices[chunk.choice].content += chunk.text; break;
            case ChunkEvent::reasoning: choices[chunk.choice].reasoning += chunk.text; break;
            case ChunkEvent::refusal: choices[chunk.choice].refusal += chunk.text; break;
            case ChunkEvent::tool_call:
                choices[chunk.choice].arguments[chunk.tool_index] += chunk.tool_arguments;
                break;
            case ChunkEvent::started:
            case ChunkEvent::media:
            case ChunkEvent::finish:
            case ChunkEvent::usage:
            case ChunkEvent::keep_alive:
            case ChunkEvent::restarted:
            case ChunkEvent::other: break;
        }
    }
};

void check_events_match_answer(std::string_view body) {
    EventTotals totals;
    wire::StreamDecoder decoder({.skip_malformed_chunks = 1}, totals);
    decoder.feed(body);
    const bool complete = decoder.end_of_body(true) == wire::StreamDecoder::State::complete;
    for (const Choice& choice : decoder.completion().choices) {
        const EventTotals::Texts& texts = totals.choices[choice.index];
        check_equal(texts.content, choice.message.content, "content of events and answer");
        check_equal(texts.reasoning, choice.message.reasoning, "reasoning of events and answer");
        check_equal(texts.refusal, choice.message.refusal, "refusals of events and answer");
        int slot = 0;
        for (const ToolCall& call : choice.message.tool_calls) {
            const auto found = texts.arguments.find(slot++);
            const std::string_view arguments = found == texts.arguments.end() ? "" : std::string_view(found->second);
            // After a failure, arguments that were held back are never reported.
            check_equal(arguments, complete ? call.arguments : call.arguments.substr(0, arguments.size()),
                        "arguments of events and answer");
        }
    }
}

/// The lines of a text that are JSON objects, with any text around them removed.
std::vector<std::string> objects_of(std::string_view text) {
    std::vector<std::string> objects;
    while (!text.empty()) {
        std::string line(text.substr(0, text.find_first_of("\r\n")));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        if (const auto brace = line.find('{'); brace != std::string::npos) line.erase(0, brace);
        line.erase(line.find_last_of('}') + 1);
        if (wire::is_json_object(line)) objects.push_back(std::move(line));
    }
    return objects;
}

std::string as_events(const std::vector<std::string>& objects) {
    std::string body = ":\n";
    for (const std::string& object : objects) body += "data: " + object + "\n\n";
    return body;
}

/// Adds a member without meaning that makes the in-place scanner fall back to the DOM parser.
std::vector<std::string> for_the_tree(std::vector<std::string> objects) {
    for (std::string& object : objects) {
        object.pop_back();
        const bool empty = object.find_first_not_of(" \t", 1) == std::string::npos;
        object += empty ? "\"error\":{}}" : ",\"error\":{}}";
    }
    return objects;
}

/// Puts each object on its own line, without `data:` before it.
std::string as_bare_lines(const std::vector<std::string>& objects) {
    std::string body = ":\n";
    for (const std::string& object : objects) body += object + "\n";
    return body;
}

/// Whether the object has an error, choices or usage; these count outside of events, too.
bool is_certain(const std::string& object) {
    wire::AnswerDom dom;
    wire::AnswerFields fields;
    return dom.read(object, wire::AnswerShape::chunk, fields) == wire::AnswerDom::Read::ok &&
           (fields.error || !fields.choices.empty() || fields.has_usage);
}

std::string short_result_of(std::string_view body) {
    wire::ChunkRecorder sink;
    wire::StreamDecoder decoder({}, sink);
    decoder.feed(body);
    std::string result;
    if (decoder.end_of_body(true) == wire::StreamDecoder::State::failed)
        result = std::string(to_string(decoder.error().code)) + " " + decoder.error().message + "\n";
    for (const std::string& line : sink.seen) result += line + "\n";
    return result + wire::describe(decoder.take_completion());
}

void check_decoders_agree(std::string_view text) {
    std::vector<std::string> objects = objects_of(text);
    objects.erase(std::remove_if(objects.begin(), objects.end(), [](const auto& one) { return !is_certain(one); }),
                  objects.end());
    check_equal(short_result_of(as_events(objects)), short_result_of(as_bare_lines(objects)), "as events and as lines");
    const auto names_error = [](const std::string& one) { return one.find("\"error\"") != std::string::npos; };
    objects.erase(std::remove_if(objects.begin(), objects.end(), names_error), objects.end());
    check_equal(short_result_of(as_events(objects)), short_result_of(as_events(for_the_tree(objects))),
                "by the fast paths and by the tree");
}

std::string result_of(const wire::Pieces& pieces, bool clean) {
    wire::ChunkRecorder sink;
    wire::StreamDecoder decoder({.max_event_bytes = 2048, .max_total_bytes = 4096, .skip_malformed_chunks = 1}, sink);
    for (const std::string_view piece : pieces) decoder.feed(piece);
    const auto state = decoder.end_of_body(clean);
    check(state != wire::StreamDecoder::State::open, "the end of the body gives a verdict");
    std::string result;
    bool content_reported = false;
    for (const std::string& line : sink.seen) {
        result += line + "\n";
        for (const std::string_view kind : {"content", "reasoning", "refusal", "tool_call", "media"})
            content_reported = content_reported || line.compare(0, kind.size(), kind) == 0;
    }
    check(content_reported == decoder.has_content(), "the commit point is the first reported content");
    check(!content_reported || decoder.progress() > 0, "reported content is progress");
    if (state == wire::StreamDecoder::State::failed) {
        check(!decoder.error().message.empty(), "an error has a message");
        check(is_valid_utf8(decoder.error().message), "a message is UTF-8");
        result += "failed: " + describe(decoder.error()) + "\n";
    }
    const ChatCompletion answer = decoder.take_completion();
    for (const Choice& choice : answer.choices) {
        check(is_valid_utf8(choice.message.content), "text is UTF-8");
        check_ids_differ(choice.message.tool_calls);
    }
    return result + wire::describe(answer);
}

}  // namespace
}  // namespace holysheep::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    using namespace holysheep;
    const std::string_view text = fuzz::as_text(bytes, size);
    for (const bool clean : {true, false}) {
        const std::string result = fuzz::result_of({text}, clean);
        for (const std::size_t piece : {1U, 5U, 100U}) {
            fuzz::check_equal(result, fuzz::result_of(wire::in_pieces_of(piece, text), clean), "whole and in pieces");
        }
    }
    fuzz::check_events_match_answer(text);
    fuzz::check_decoders_agree(text);
    return 0;
}
