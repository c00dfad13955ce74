// Runs the three forms of reading a stream alike: what a caller sees must not depend on the form.
#pragma once

#include <array>
#include <functional>

#include "call_flow.hpp"

namespace holysheep::flow {

struct RecordedStream {
    std::vector<std::string> events;
    std::string since_restart;  ///< the content after the last restart
    Result<ChatCompletion> result{Error{}};
};

/// Describes an event with all its members.
inline std::string describe_fully(const ChatChunk& chunk) {
    auto text = describe(chunk) + " choice " + std::to_string(chunk.choice);
    if (chunk.event == ChunkEvent::tool_call) {
        text += " #" + std::to_string(chunk.tool_index) + " " + std::string(chunk.tool_id) + " " +
                std::string(chunk.tool_name) + " " + std::string(chunk.tool_arguments);
    }
    if (chunk.usage != nullptr) text += " " + std::to_string(chunk.usage->total_tokens);
    return text + " " + std::string(chunk.raw_json);
}

using ChunkCallback = std::function<void(const ChatChunk&)>;
struct StreamForm {
    const char* name;
    std::function<Result<ChatCompletion>(CallFlow&, CallOptions, ChunkCallback)> read;
};

inline const std::array<StreamForm, 3>& stream_forms() {
    static const std::array<StreamForm, 3> forms{{
        {"range",
         [](CallFlow& flow, CallOptions options, const ChunkCallback& on_chunk) {
             auto stream = flow.client.stream(a_question(), options);
             for (const auto& chunk : stream) on_chunk(chunk);
             return stream.finish();
         }},
        {"stream_to",
         [](CallFlow& flow, CallOptions options, const ChunkCallback& on_chunk) {
             return flow.client.stream_to(a_question(), options, on_chunk);
         }},
        {"stream_async",
         [](CallFlow& flow, CallOptions options, const ChunkCallback& on_chunk) {
             std::promise<Result<ChatCompletion>> done;
             flow.client.stream_async(a_question(), options, on_chunk,
                                      [&](Result<ChatCompletion> result) { done.set_value(std::move(result)); });
             return wait_for_result(done);
         }},
    }};
    return forms;
}

/// Reads a stream in this form; events are described in short, without those that have no content.
inline RecordedStream read_stream(const StreamForm& form, CallFlow& flow, CallOptions options) {
    RecordedStream recorded;
    recorded.result = form.read(flow, std::move(options), [&](const ChatChunk& chunk) {
        if (chunk.event == ChunkEvent::other) return;
        recorded.events.push_back(describe(chunk));
        if (chunk.event == ChunkEvent::restarted) recorded.since_restart.clear();
        if (chunk.event == ChunkEvent::content) recorded.since_restart += chunk.text;
    });
    return recorded;
}

}  // namespace holysheep::flow
