// Turns a scripted step and a request into the list of actions that a transfer makes.
// FakeTransport's script → [TransferScript] → actions, each with a delay → events
#include "testing/transfer_script.hpp"

#include <algorithm>
#include <iterator>

#include <nlohmann/json.hpp>

#include "testing/answer_text.hpp"

namespace holysheep::inline v0::testing {
namespace {

using Kind = Action::Kind;
using Json = nlohmann::json;

struct RequestTraits {
    std::string model = "fake-model";
    bool stream = false, usage = false;
};

RequestTraits traits_of(const HttpRequest& request) {
    RequestTraits traits;
    const Json json = Json::parse(request.body.view(), nullptr, false);
    if (!json.is_object()) return traits;
    if (const auto model = json.find("model"); model != json.end() && model->is_string()) traits.model = *model;
    if (const auto stream = json.find("stream"); stream != json.end()) traits.stream = *stream == Json(true);
    if (const auto options = json.find("stream_options"); options != json.end() && options->is_object())
        traits.usage = options->value("include_usage", Json()) == Json(true);
    return traits;
}

Action connect_after(std::chrono::nanoseconds delay) {
    Action action;
    action.after = delay;
    return action;
}

Action end_with(ErrorCode code, std::string detail, std::chrono::nanoseconds delay) {
    Action action;
    action.kind = Kind::end;
    action.after = delay;
    action.end.error = code;
    action.end.detail = std::move(detail);
    return action;
}

Action body_after(std::chrono::nanoseconds delay, std::string bytes) {
    Action body;
    body.kind = Kind::body;
    body.after = delay;
    body.bytes = std::move(bytes);
    return body;
}

// The actions of every answer, in order: connect, head, portions, end.
std::vector<Action> answer(const RawStep& step, const HttpRequest& request, std::string_view region) {
    const bool early_head = !step.timing.late_head && request.method == "POST" && step.status < 300;
    const std::chrono::nanoseconds none{0};
    std::vector<Action> actions{connect_after(step.timing.connect)};
    Action head;
    head.kind = Kind::head;
    head.after = early_head ? none : step.timing.first_byte;
    head.head = {step.status, step.headers};
    actions.push_back(std::move(head));
    auto delay = early_head ? step.timing.first_byte : none;
    for (const auto& portion : step.portions) {
        actions.push_back(body_after(delay, portion));
        delay = step.timing.between;
    }
    switch (step.end) {
        case StreamEnd::silent: break;
        case StreamEnd::complete: {
            Action end;
            end.kind = Kind::end;
            end.after = step.portions.empty() ? delay : none;
            actions.push_back(std::move(end));
            break;
        }
        case StreamEnd::cut:
            actions.push_back(end_with(ErrorCode::transport_failed,
                                       std::string(region) + ": the connection was lost (scripted)",
                                       step.timing.between));
            break;
    }
    return actions;
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

std::vector<Action> chat_answer(const ChatStep& step, const HttpRequest& request, std::string_view region,
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
    const RequestTraits traits = traits_of(request);
    answer_text::Completion completion;
    completion.id = "chatcmpl-" + std::to_string(id);
    completion.model = traits.model;
    completion.pieces = step.pieces;
    completion.finish_reason = step.options.finish_reason;
    completion.prompt_tokens = 7;
    if (traits.stream) {
        raw.headers[0].second = "text/event-stream";
        // If cut or silent, only the text arrives, without any mark of the end.
        const bool whole = step.options.end == StreamEnd::complete;
        auto stream =
            answer_text::stream_events(completion, {.usage = whole && step.options.usage && traits.usage,
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
std::vector<Action> frozen_answer(const FreezeStep& step, const HttpRequest& request, std::string_view region,
                                  TransferId id) {
    const ChatStep whole{.pieces = step.pieces, .options = {.timing = step.timing}};
    auto actions = chat_answer(whole, request, region, id);
    if (request.method != "POST") return actions;
    const bool stream = traits_of(request).stream;
    const auto head = std::ranges::find(actions, Kind::head, &Action::kind);
    const auto end = std::ranges::find(actions, Kind::end, &Action::kind);
    std::string first = std::next(head)->bytes;
    std::vector<Action> body;
    switch (step.at) {
        case FreezeAt::before_head: actions.erase(head, actions.end()); break;
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
        actions.erase(std::next(std::ranges::find(actions, Kind::head, &Action::kind)), actions.end());
        std::ranges::move(body, std::back_inserter(actions));
    }
    Action freeze;
    freeze.kind = Kind::freeze;
    actions.push_back(std::move(freeze));
    return actions;
}

std::vector<Action> failure(const FailStep& step, std::string_view region) {
    const std::string detail = std::string(region) + ": " + step.detail;
    std::vector<Action> actions;
    if (step.certainly_not_delivered) {
        actions.push_back(end_with(step.code, detail, step.timing.connect));
    } else {
        actions.push_back(connect_after(step.timing.connect));
        actions.push_back(end_with(step.code, detail, step.timing.first_byte));
    }
    actions.back().end.certainly_not_delivered = step.certainly_not_delivered;
    actions.back().end.connection_reused = step.connection_reused;
    return actions;
}

}  // namespace

std::vector<Action> actions_for(const Step& step, const HttpRequest& request, std::string_view region, TransferId id) {
    if (const auto* chat = std::get_if<ChatStep>(&step)) return chat_answer(*chat, request, region, id);
    if (const auto* raw = std::get_if<RawStep>(&step)) return answer(*raw, request, region);
    if (const auto* freeze = std::get_if<FreezeStep>(&step)) return frozen_answer(*freeze, request, region, id);
    if (const auto* fail = std::get_if<FailStep>(&step)) return failure(*fail, region);
    if (const auto* hang = std::get_if<HangStep>(&step)) return {connect_after(hang->timing.connect)};
    return {};
}

}  // namespace holysheep::inline v0::testing
