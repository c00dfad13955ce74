// Any bytes, cut into any pieces, give the same events as a slow reference decoder.
#include <algorithm>
#include <string>
#include <vector>

#include "check.hpp"
#include "cuts.hpp"
#include "wire/sse_decoder.hpp"

namespace holysheep::fuzz {
namespace {

constexpr std::size_t kLimit = 256;

struct Recorder final : wire::SseSink {
    std::string seen{};
    bool on_event(std::string_view name, std::string_view data) override { return add('=', name, data); }
    bool on_comment(std::string_view text) override { return add('#', text, {}); }
    bool on_error_field(std::string_view text) override { return add('!', text, {}); }
    bool on_other_line(std::string_view line) override { return add('?', line, {}); }
    bool is_whole(std::string_view data) override { return !data.empty() && data.back() == '}'; }
    bool add(char kind, std::string_view a, std::string_view b) {
        seen += kind;
        seen.append(a).append("|").append(b).append("\n\n");
        return true;
    }
};

std::string decode(const wire::Pieces& pieces, std::size_t limit) {
    Recorder sink;
    wire::SseDecoder decoder(limit);
    auto status = wire::SseDecoder::Status::open;
    for (const std::string_view piece : pieces) status = decoder.feed(piece, sink);
    if (status != wire::SseDecoder::Status::too_long) decoder.finish(sink);
    if (status == wire::SseDecoder::Status::too_long) sink.seen += "too long";
    return sink.seen + "id " + std::string(decoder.last_event_id()) + " retry " +
           std::to_string(decoder.reconnection_milliseconds().value_or(0));
}

/// Splits the bytes into lines; fields and events are later passes.
std::vector<std::string> lines_of(std::string_view bytes) {
    std::vector<std::string> lines(1);
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        const bool crlf = bytes[at] == '\r' && at + 1 < bytes.size() && bytes[at + 1] == '\n';
        if (bytes[at] != '\r' && bytes[at] != '\n') {
            lines.back().push_back(bytes[at]);
        } else {
            lines.emplace_back();
            if (crlf) ++at;
        }
    }
    // Text after the last line end counts as a line only if it is not empty.
    if (lines.back().empty()) lines.pop_back();
    return lines;
}

std::string reference(std::string_view bytes) {
    if (bytes.substr(0, 3) == "\xEF\xBB\xBF") bytes.remove_prefix(3);
    Recorder out;
    std::string name, id, retry = "0";
    std::vector<std::string> data;
    auto lines = lines_of(bytes);
    lines.emplace_back();  // the end of the body also dispatches the event
    for (const std::string& line : lines) {
        if (line.empty()) {
            std::string text;
            for (const std::string& part : data) text += (&part == data.data() ? "" : "\n") + part;
            if (!data.empty()) out.on_event(name.empty() ? "message" : name, text);
            data.clear();
            name.clear();
            continue;
        }
        const std::size_t colon = std::min(line.find(':'), line.size());
        const std::string field = line.substr(0, colon);
        std::string value = colon == line.size() ? "" : line.substr(colon + 1);
        if (colon == 0) {
            out.on_comment(value);
            continue;
        }
        if (value.substr(0, 1) == " ") value.erase(0, 1);
        const bool digits = !value.empty() && value.find_first_not_of("0123456789") == std::string::npos;
        if (field == "data") {
            // A first line that is complete by itself is an event of its own when another line follows.
            if (data.size() == 1 && out.is_whole(data.front())) {
                out.on_event(name.empty() ? "message" : name, data.front());
                data.clear();
            }
            data.push_back(value);
        }
        if (field == "event") name = value;
        if (field == "id" && value.find('\0') == std::string::npos) id = value;
        if (field == "retry" && digits && value.size() < 19) retry = std::to_string(std::stoull(value));
        if (field == "error") out.on_error_field(value);
        if (field != "data" && field != "event" && field != "id" && field != "retry" && field != "error")
            out.on_other_line(line);
    }
    return out.seen + "id " + id + " retry " + retry;
}

/// A retry time of more than 18 digits may be kept or refused by the decoder; no server sends one.
bool has_overlong_number(std::string_view bytes) {
    std::size_t run = 0;
    for (const char c : bytes) {
        run = c >= '0' && c <= '9' ? run + 1 : 0;
        if (run > 18) return true;
    }
    return false;
}

}  // namespace
}  // namespace holysheep::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    using namespace holysheep;
    const std::string_view text = fuzz::as_text(bytes, size);
    const std::string whole = fuzz::decode({text}, 1U << 20U);
    if (!fuzz::has_overlong_number(text))
        fuzz::check_equal(whole, fuzz::reference(text), "the decoder and the reference");
    const std::string limited = fuzz::decode({text}, fuzz::kLimit);
    for (const std::size_t piece : {1U, 2U, 3U, 7U, 64U}) {
        fuzz::check_equal(whole, fuzz::decode(wire::in_pieces_of(piece, text), 1U << 20U), "whole and in pieces");
        fuzz::check_equal(limited, fuzz::decode(wire::in_pieces_of(piece, text), fuzz::kLimit),
                          "the same with a limit");
    }
    return 0;
}
