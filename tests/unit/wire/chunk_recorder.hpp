// Writes answers and events as lines of text, so that tests can compare them easily.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "wire/chunk_sink.hpp"

namespace holysheep::wire {

/// Replaces ids that the library generated, which differ in every run, by "generated".
inline std::string shown_id(std::string_view id) {
    const bool generated = id.size() == 29 && id.substr(0, 5) == "call_";
    return generated ? "generated" : std::string(id);
}

inline std::string_view name_of(MediaKind kind) {
    switch (kind) {
        case MediaKind::none: break;
        case MediaKind::audio: return "audio";
        case MediaKind::transcript: return "transcript";
        case MediaKind::image: return "image";
        case MediaKind::file: return "file";
    }
    return "none";
}

/// One line per event: "content 0 'Hello'", "tool_call 0 #0 call_1 wool '{}'", "finish 0 stop", "usage 12".
struct ChunkRecorder final : ChunkSink {
    std::vector<std::string> seen{};

    void on_chunk(const ChatChunk& chunk) override {
        std::string line(to_string(chunk.event));
        const std::string choice = std::to_string(chunk.choice);
        switch (chunk.event) {
            case ChunkEvent::started: line += " " + choice; break;
            case ChunkEvent::content:
            case ChunkEvent::reasoning:
            case ChunkEvent::refusal: line += " " + choice + " '" + std::string(chunk.text) + "'"; break;
            case ChunkEvent::tool_call:
                line += " " + choice + " #" + std::to_string(chunk.tool_index) + " " + shown_id(chunk.tool_id) + " " +
                        std::string(chunk.tool_name) + " '" + std::string(chunk.tool_arguments) + "'";
                break;
            case ChunkEvent::media:
                line += " " + choice + " " + std::string(name_of(chunk.media)) + " '" + std::string(chunk.text) + "'";
                break;
            case ChunkEvent::finish: line += " " + choice + " " + std::string(to_string(chunk.finish_reason)); break;
            case ChunkEvent::usage: line += " " + std::to_string(chunk.usage->total_tokens); break;
            case ChunkEvent::keep_alive:
            case ChunkEvent::restarted:
            case ChunkEvent::other: break;
        }
        seen.push_back(std::move(line));
    }
};

inline std::string describe(const Usage& usage) {
    if (!usage.present) return "none";
    std::string out = std::to_string(usage.prompt_tokens) + "+" + std::to_string(usage.completion_tokens) + "=" +
                      std::to_string(usage.total_tokens) + " cached " + std::to_string(usage.cached_input_tokens) +
                      " written " + std::to_string(usage.cache_write_tokens) + " reasoning " +
                      std::to_string(usage.reasoning_tokens) + " audio " + std::to_string(usage.audio_tokens);
    if (usage.reported_cost) out += " cost " + std::to_string(usage.reported_cost->nano);
    return out + " " + usage.raw_json;
}

/// Describes every member that decoding fills.
inline std::string describe(const ChatCompletion& answer) {
    std::string out = answer.id + "|" + answer.model + "|" + std::to_string(answer.created) + "|" +
                      answer.service_tier + "|" + answer.system_fingerprint + "|" + answer.extra_json + "\n";
    for (const Choice& choice : answer.choices) {
        const Message& message = choice.message;
        out += "choice " + std::to_string(choice.index) + " role " + std::to_string(static_cast<int>(message.role)) +
               "\n content '" + message.content + "'\n reasoning '" + message.reasoning + "'\n refusal '" +
               message.refusal + "'\n finish " + std::string(to_string(choice.finish_reason)) + "/" +
               choice.finish_reason_text + "\n logprobs " + choice.logprobs_json + "\n extra " + choice.extra_json +
               "\n message extra " + message.extra_json + "\n";
        for (const ToolCall& call : message.tool_calls) {
            std::string raw = call.raw_json;
            const bool generated = shown_id(call.id) != call.id && raw.find(call.id) != std::string::npos;
            if (generated) raw.replace(raw.find(call.id), call.id.size(), shown_id(call.id));
            out += " call " + shown_id(call.id) + " " + call.type + " " + call.name + " '" + call.arguments + "' " +
                   raw + "\n";
        }
    }
    return out + "usage " + describe(answer.usage) + "\n";
}

}  // namespace holysheep::wire
