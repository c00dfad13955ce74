// Runs the three forms of reading a stream alike: what a caller sees must not depend on the form.
#pragma once

#include <array>
#include <functional>

#include "call_flow.hpp"

namespace holysheep::flow {

struct SeenStream {
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

using TellEvent = std::function<void(const ChatChunk&)>;
struct StreamForm {
    const char* name;
    std::function<Result<ChatCompletion>(CallFlow&, CallOptions, TellEvent)> read;
};

inline const std::array<StreamForm, 3>& stream_forms() {
    static const std::array<StreamForm, 3> forms{{
        {"range",
         [](CallFlow& flow, CallOptions options, const TellEvent& tell) {
             auto stream = flow.client.stream(a_question(), options);
             for (const auto& chunk : stream) tell(chunk);
             return stream.finish();
         }},
        {"stream_to", [](CallFlow& flow, CallOptions options,
                         const TellEvent& tell) { return flow.client.stream_to(a_question(), options, tell); }},
        {"stream_async",
         [](CallFlow& flow, CallOptions options, const TellEvent& tell) {
             std::promise<Result<ChatCompletion>> done;
             flow.client.stream_async(a_question(), options, tell,
                                      [&](Result<ChatCompletion> result) { done.set_value(std::move(result)); });
             return said_by(done);
         }},
    }};
    return forms;
}

/// Reads a stream in this form; events are described in short, without those that have no content.
inline SeenStream read_stream(const StreamForm& form, CallFlow& flow, CallOptions options) {
    SeenStream seen;
    seen.result = form.read(flow, std::move(options), [&](const ChatChunk& chunk) {
        if (chunk.event == ChunkEvent::other) return;
        seen.events.push_back(describe(chunk));
        if (chunk.event == ChunkEvent::restarted) seen.since_restart.clear();
        if (chunk.event == ChunkEvent::content) seen.since_restart += chunk.text;
    });
    return seen;
}

}  // namespace holysheep::flow
