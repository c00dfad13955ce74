// Streams with broken framing: for any chunking, the frames equal those of a slow reference parser, and a badly framed
// stream means the same as its frames in standard form.
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "check.hpp"
#include "chunk_recorder.hpp"
#include "cuts.hpp"
#include "reference_json.hpp"
#include "wire/json_cursor.hpp"
#include "wire/json_dom.hpp"
#include "wire/loose_frames.hpp"
#include "wire/stream_decoder.hpp"

namespace holysheep::fuzz {
namespace {

using Kind = wire::LooseFrame::Kind;

struct Frame {
    Kind kind;
    std::string text;
    bool of_error_event = false;
};

std::string describe(const std::vector<Frame>& frames) {
    constexpr std::string_view kNames[] = {"json", "done", "comment", "error", "unreadable"};
    std::string out;
    for (const Frame& frame : frames) {
        out.append(kNames[static_cast<std::size_t>(frame.kind)]).append(frame.of_error_event ? "!" : " ");
        out.append(frame.text).append("\n\n");
    }
    return out;
}

std::vector<Frame> frames_of(std::string_view text) {
    std::vector<Frame> frames;
    wire::LooseFrames loose(text);
    for (auto frame = loose.next(); frame; frame = loose.next())
        frames.push_back({frame->kind, std::string(frame->text), frame->of_error_event});
    return frames;
}

// ---- the reference ----

/// Removes the first line from `text` and returns the rest of that line.
std::string take_line(std::string& text) {
    std::size_t end = 0;
    while (end < text.size() && !is_line_break(text[end])) ++end;
    const std::string line(stripped(std::string_view(text).substr(0, end)));
    text.erase(0, end);
    return line;
}

std::string line_of(std::string text) { return take_line(text); }

std::vector<Frame> reference_frames(std::string text) {
    std::vector<Frame> frames;
    bool error_event = false, has_open_object = false;
    for (;;) {
        while (!text.empty() && is_space(text.front())) text.erase(0, 1);
        if (text.empty()) return frames;
        const auto drop = [&](std::string_view field) {
            const bool found = starts_with(text, field);
            if (found) text.erase(0, field.size());
            return found;
        };
        if (drop("data:")) continue;
        if (drop("event:")) {
            error_event = take_line(text) == "error";
        } else if (drop("id:") || drop("retry:")) {
            take_line(text);
        } else if (drop("error:") || drop("Error:")) {
            frames.push_back({Kind::error, take_line(text)});
        } else if (drop(":")) {
            frames.push_back({Kind::comment, take_line(text)});
        } else if (line_of(text) == "[DONE]") {
            frames.push_back({Kind::done, take_line(text)});
        } else {
            std::size_t end = std::string::npos;
            if (text.front() == '{' || text.front() == '[') {
                end = reference_end_of_json(text, false);
                // If one object never closes, later ones are not searched for beyond their own line.
                if (end == std::string::npos && !has_open_object) {
                    end = reference_end_of_json(text, true);
                    has_open_object = end == std::string::npos;
                }
            }
            if (end == std::string::npos) {
                frames.push_back({Kind::unreadable, take_line(text), error_event});
                continue;
            }
            frames.push_back({Kind::json, text.substr(0, end), error_event});
            error_event = false;
            text.erase(0, end);
            drop(",");
        }
    }
}

/// The end of an object is found at the same position for any chunking.
void check_end_in_pieces(std::string_view text) {
    if (text.empty() || (text.front() != '{' && text.front() != '[')) return;
    const std::size_t whole = reference_end_of_json(text, true);
    for (const std::size_t size : {1U, 2U, 5U}) {
        wire::JsonOutline outline;
        std::size_t end = std::string_view::npos, before = 0;
        for (const std::string_view piece : wire::in_pieces_of(size, text)) {
            end = wire::end_of_json(piece, outline);
            if (end != std::string_view::npos) break;
            before += piece.size();
            // A line break within a string ends the search; the rest is not read.
            if (outline_of(text.substr(0, before)).broken_string) break;
        }
        check((end == std::string_view::npos ? end : before + end) == whole, "the end of JSON in pieces");
    }
    const std::string_view leading = wire::leading_json(text);
    check(leading.size() == (whole == std::string_view::npos ? 0 : whole), "the leading JSON");
}

// ---- meaning of streams ----

std::string as_data_lines(std::string_view text) {
    std::string out = "data: ";
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '\r' && at + 1 < text.size() && text[at + 1] == '\n') ++at;
        is_line_break(text[at]) ? out += "\ndata: " : out += text[at];
    }
    return out + "\n\n";
}

bool is_one_value(std::string_view text) {
    nlohmann::json tree;
    return wire::parse_json(text, tree);
}

/// Writes the frames with the lines and blank lines that the standard requires; nullopt if it cannot express them.
std::optional<std::string> in_standard_form(const std::vector<Frame>& frames) {
    std::string body;
    for (const Frame& frame : frames) {
        if (frame.text.find('\r') != std::string::npos) return std::nullopt;
        switch (frame.kind) {
            case Kind::json:
                if (frame.text == "[DONE]") return std::nullopt;  // an array followed by more text
                if (frame.of_error_event) body += "event: error\n";
                body += as_data_lines(frame.text);
                break;
            case Kind::done: body += "data: [DONE]\n\n"; break;
            case Kind::comment:
                // A status in a comment applies to the rest of its event.
                if (frame.text.find("HTTP_STATUS") != std::string::npos) return std::nullopt;
                body += ":" + frame.text + "\n";
                break;
            case Kind::error: body += "error: " + frame.text + "\n"; break;
            case Kind::unreadable:
                if (is_one_value(frame.text)) return std::nullopt;  // as an event it would be ignored
                body += as_data_lines(frame.text);
                break;
        }
    }
    return body;
}

std::string result_of(std::string_view body) {
    wire::ChunkRecorder sink;
    wire::StreamDecoder decoder({.skip_malformed_chunks = 1}, sink);
    decoder.feed(":\n");  // makes the decoder treat the body as an event stream
    decoder.feed(body);
    decoder.end_of_body(true);
    std::string result;
    for (const std::string& line : sink.seen) result += line + "\n";
    if (decoder.state() == wire::StreamDecoder::State::failed)
        result += std::string(to_string(decoder.error().code)) + " " + decoder.error().message;
    return result + wire::describe(decoder.take_completion());
}

/// Compares one event that is not valid JSON as a whole with its frames as events of their own.
void check_framing_is_irrelevant(std::string_view text, const std::vector<Frame>& frames) {
    if (is_one_value(text) || text.find_first_of(std::string_view("\r\0", 2)) != std::string_view::npos) return;
    // The event decoder treats the first line of an event as an event of its own if that line is complete by itself.
    if (text.find('\n') != std::string_view::npos) {
        const std::string first = line_of(std::string(text));
        if (first == "[DONE]" || wire::is_json_object(first)) return;
    }
    if (const auto body = in_standard_form(frames)) {
        check_equal(result_of(as_data_lines(text)), result_of(*body), "bad and standard framing");
    }
}

}  // namespace
}  // namespace holysheep::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    using namespace holysheep;
    if (size > 1024) return 0;  // the reference takes quadratic time
    const std::string_view text = fuzz::as_text(bytes, size);
    const auto frames = fuzz::reference_frames(std::string(text));
    fuzz::check_equal(fuzz::describe(fuzz::frames_of(text)), fuzz::describe(frames), "the frames and the reference");
    fuzz::check_end_in_pieces(text);
    fuzz::check_framing_is_irrelevant(text, frames);
    return 0;
}
