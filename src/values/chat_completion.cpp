// Shortcuts into an answer's first choice, and names of finish reasons and stream events.
#include <holysheep/chat_completion.hpp>

namespace holysheep {
inline namespace v0 {
namespace {

/// Used by the shortcuts if there is no choice.
const Message& first_message(const ChatCompletion& completion) {
    static const Message nothing;
    return completion.choices.empty() ? nothing : completion.choices.front().message;
}

}  // namespace

const std::string& ChatCompletion::text() const { return first_message(*this).content; }

const std::string& ChatCompletion::reasoning_text() const { return first_message(*this).reasoning; }

const std::vector<ToolCall>& ChatCompletion::tool_calls() const { return first_message(*this).tool_calls; }

std::string_view to_string(FinishReason reason) {
    switch (reason) {
        case FinishReason::none: return "none";
        case FinishReason::stop: return "stop";
        case FinishReason::length: return "length";
        case FinishReason::tool_calls: return "tool_calls";
        case FinishReason::content_filter: return "content_filter";
        case FinishReason::function_call: return "function_call";
        case FinishReason::error: return "error";
        case FinishReason::other: return "other";
    }
    return "unknown";
}

std::string_view to_string(ChunkEvent event) {
    switch (event) {
        case ChunkEvent::started: return "started";
        case ChunkEvent::content: return "content";
        case ChunkEvent::reasoning: return "reasoning";
        case ChunkEvent::refusal: return "refusal";
        case ChunkEvent::tool_call: return "tool_call";
        case ChunkEvent::media: return "media";
        case ChunkEvent::finish: return "finish";
        case ChunkEvent::usage: return "usage";
        case ChunkEvent::keep_alive: return "keep_alive";
        case ChunkEvent::restarted: return "restarted";
        case ChunkEvent::other: return "other";
    }
    return "unknown";
}

}  // namespace v0
}  // namespace holysheep
