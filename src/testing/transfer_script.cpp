// Turns a scripted step and a request into the list of moves that a transfer makes.
// FakeTransport's script → [TransferScript] → moves, each with a delay → events
#include "testing/transfer_script.hpp"

#include <algorithm>
#include <iterator>

#include <nlohmann/json.hpp>

#include "testing/answer_text.hpp"

namespace holysheep::inline v0::testing {
namespace {

using Kind = Move::Kind;
using Json = nlohmann::json;

struct Asked {
    std::string model = "fake-model";
    bool stream = false, usage = false;
};

Asked what_was_asked(const HttpRequest& request) {
    Asked asked;
    const Json json = Json::parse(request.body, nullptr, false);
    if (!json.is_object()) return asked;
    if (const auto model = json.find("model"); model != json.end() && model->is_string()) asked.model = *model;
    if (const auto stream = json.find("stream"); stream != json.end()) asked.stream = *stream == Json(true);
    if (const auto options = json.find("stream_options"); options != json.end() && options->is_object())
        asked.usage = options->value("include_usage", Json()) == Json(true);
    return asked;
}

Move connect_after(std::chrono::nanoseconds delay) {
    Move move;
    move.after = delay;
    return move;
}

Move end_with(ErrorCode code, std::string detail, std::chrono::nanoseconds delay) {
    Move move;
    move.kind = Kind::end;
    move.after = delay;
    move.end.error = code;
    move.end.detail = std::move(detail);
    return move;
}

Move body_after(std::chrono::nanoseconds delay, std::string bytes) {
    Move body;
    body.kind = Kind::body;
    body.after = delay;
    body.bytes = std::move(bytes);
    return body;
}

// The moves of every answer, in order: connect, head, portions, end.
std::vector<Move> answer(const RawStep& step, const HttpRequest& request, std::string_view region) {
    const bool early_head = !step.timing.late_head && request.method == "POST" && step.status < 300;
    const std::chrono::nanoseconds none{0};
    std::vector<Move> moves{connect_after(step.timing.connect)};
    Move head;
    head.kind = Kind::head;
    head.after = early_head ? none : step.timing.first_byte;
    head.head = {step.status, step.headers};
    moves.push_back(std::move(head));
    auto delay = early_head ? step.timing.first_byte : none;
    for (const auto& portion : step.portions) {
        moves.push_back(body_after(delay, portion));
        delay = step.timing.between;
    }
    switch (step.end) {
        case StreamEnd::silent: break;
        case StreamEnd::complete: {
            Move end;
            end.kind = Kind::end;
            end.after = step.portions.empty() ? delay : none;
            moves.push_back(std::move(end));
            break;
        }
        case StreamEnd::cut:
            moves.push_back(end_with(ErrorCode::transport_failed,
                                     std::string(region) + ": the connection was lost (scripted)",
                                     step.timing.between));
            break;
    }
    return moves;
}

// Makes one portion per piece of text, so that `between` is the time between pieces: the first includes the role, the
// last everything after the text.
std::vector<std::string> portions_of(answer_text::StreamEvents stream) {
    std::vector<std::string> portions(1);
    for (std::size_t i = 0; i < stream.events.size(); ++i) {
        if (i > 1 && i <= stream.content_events) portions.emplace_back();
        portions.back() += stream.events[i];
    }
    return portions;
}

std::vector<Move> chat_answer(const ChatStep& step, const HttpRequest& request, std::string_view region,
                              TransferId id) {
    RawStep raw;
    raw.end = step.options.end;
    raw.timing = step.options.timing;
    raw.headers = {{"content-type", "application/json"}, {"x-request-id", "req-" + std::to_string(id)}};
    if (request.method == "GET" || request.method == "HEAD") {
        raw.end = StreamEnd::complete;
        if (request.method == "GET") raw.portions = {answer_text::models_json({"fake-model"})};
        return answer(raw, request, region);
    }
    const Asked asked = what_was_asked(request);
    answer_text::Completion completion;
    completion.id = "chatcmpl-" + std::to_string(id);
    completion.model = asked.model;
    completion.pieces = step.pieces;
    completion.finish_reason = step.options.finish_reason;
    completion.prompt_tokens = 7;
    if (asked.stream) {
        raw.headers[0].second = "text/event-stream";
        // If cut or silent, only the text arrives, without any mark of the end.
        const bool whole = step.options.end == StreamEnd::complete;
        auto stream =
            answer_text::stream_events(completion, {.usage = whole && step.options.usage && asked.usage,
                                                    .done_marker = whole && step.options.done_marker,
                                                    .finish_reason = whole && !step.options.finish_reason.empty()});
        raw.portions = portions_of(std::move(stream));
    } else {
        std::string json = answer_text::completion_json(completion);
        if (step.options.end != StreamEnd::complete) json.resize(json.size() / 2);
        raw.portions = {std::move(json)};
    }
    return answer(raw, request, region);
}

/// The answer up to the moment at which its region freezes.
std::vector<Move> frozen_answer(const FreezeStep& step, const HttpRequest& request, std::string_view region,
                                TransferId id) {
    const ChatStep whole{.pieces = step.pieces, .options = {.timing = step.timing}};
    auto moves = chat_answer(whole, request, region, id);
    if (request.method != "POST") return moves;
    const bool stream = what_was_asked(request).stream;
    const auto head = std::ranges::find(moves, Kind::head, &Move::kind);
    const auto end = std::ranges::find(moves, Kind::end, &Move::kind);
    std::string first = std::next(head)->bytes;
    std::vector<Move> body;
    switch (step.at) {
        case FreezeAt::before_head: moves.erase(head, moves.end()); break;
        case FreezeAt::after_head: break;
        case FreezeAt::after_role:
            body.push_back(body_after(step.timing.first_byte, stream ? first.substr(0, first.find("\n\n") + 2) : "{"));
            break;
        case FreezeAt::amid_comments:
            for (int i = 0; i < 8; ++i)
                body.push_back(body_after(std::chrono::milliseconds(200), stream ? ": wait\n\n" : " "));
            break;
        case FreezeAt::after_content:
            // If there is a single piece, its portion includes the end.
            if (stream) {
                first.resize(first.find("\n\n", first.find("\n\n") + 2) + 2);
            } else {
                first.resize(first.size() / 2);
            }
            body.push_back(body_after(step.timing.first_byte, std::move(first)));
            break;
        case FreezeAt::before_end:
            body.assign(std::next(head), end);
            if (stream) {
                auto& last = body.back().bytes;
                const auto finish = last.find("\"finish_reason\":\"");
                last.resize(last.rfind("data: ", finish));
            } else {
                body.back().bytes.pop_back();
            }
            break;
    }
    if (step.at != FreezeAt::before_head) {
        moves.erase(std::next(std::ranges::find(moves, Kind::head, &Move::kind)), moves.end());
        std::ranges::move(body, std::back_inserter(moves));
    }
    Move freeze;
    freeze.kind = Kind::freeze;
    moves.push_back(std::move(freeze));
    return moves;
}

std::vector<Move> failure(const FailStep& step, std::string_view region) {
    const std::string detail = std::string(region) + ": " + step.detail;
    std::vector<Move> moves;
    if (step.certainly_not_delivered) {
        moves.push_back(end_with(step.code, detail, step.timing.connect));
    } else {
        moves.push_back(connect_after(step.timing.connect));
        moves.push_back(end_with(step.code, detail, step.timing.first_byte));
    }
    moves.back().end.certainly_not_delivered = step.certainly_not_delivered;
    moves.back().end.connection_reused = step.connection_reused;
    return moves;
}

}  // namespace

std::vector<Move> moves_for(const Step& step, const HttpRequest& request, std::string_view region, TransferId id) {
    if (const auto* chat = std::get_if<ChatStep>(&step)) return chat_answer(*chat, request, region, id);
    if (const auto* raw = std::get_if<RawStep>(&step)) return answer(*raw, request, region);
    if (const auto* freeze = std::get_if<FreezeStep>(&step)) return frozen_answer(*freeze, request, region, id);
    if (const auto* fail = std::get_if<FailStep>(&step)) return failure(*fail, region);
    if (const auto* hang = std::get_if<HangStep>(&step)) return {connect_after(hang->timing.connect)};
    return {};
}

}  // namespace holysheep::inline v0::testing
