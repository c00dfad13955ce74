// Describes the fields of one chunk or answer as text, to compare the in-place scanner with the DOM parser.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "chunk_recorder.hpp"
#include "wire/answer_fields.hpp"

namespace holysheep::wire {

inline std::string describe(const AnswerFields& fields) {
    std::string out = std::string(fields.id) + "|" + std::string(fields.model) + "|" +
                      std::string(fields.service_tier) + "|" + std::string(fields.system_fingerprint) + "|" +
                      std::to_string(fields.created) + "|" + (fields.has_choices ? "choices" : "") + "\n";
    for (const ChoiceDelta& choice : fields.choices) {
        out += "choice " + std::to_string(choice.index) + " " + std::string(choice.role) + " '" +
               std::string(choice.content) + "' '" + std::string(choice.reasoning) + "' '" +
               std::string(choice.refusal) + "' " + std::string(choice.finish_reason) + " " +
               std::string(choice.reasoning_name) + "\n";
    }
    for (const ToolCallDelta& call : fields.tool_calls) {
        out += "call " + std::to_string(call.choice) + " " + std::to_string(call.index.value_or(-7)) + " " +
               std::string(call.id) + " " + std::string(call.type) + " " + std::string(call.name) + " '" +
               std::string(call.arguments) + "'\n";
    }
    for (const MediaDelta& media : fields.media) {
        out += "media " + std::to_string(media.choice) + " " + std::string(name_of(media.kind)) + " '" +
               std::string(media.text) + "'\n";
    }
    std::vector<std::string> loose;
    for (const LooseMember& member : fields.loose) {
        loose.push_back(std::to_string(static_cast<int>(member.scope)) + " " + std::to_string(member.owner) + " " +
                        std::string(member.name) + "=" + std::string(member.json) + "\n");
    }
    std::sort(loose.begin(), loose.end());
    for (const std::string& line : loose) out += line;
    return out + (fields.has_usage ? wire::describe(fields.usage) : "no usage") + (fields.error ? " error" : "");
}

}  // namespace holysheep::wire
