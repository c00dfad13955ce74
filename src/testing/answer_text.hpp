// Builds the texts of a gateway's answers: completions, stream events, errors, lists. Shared by the fake transport and
// the simulator, so that they agree. request → [answer text] → FakeTransport, GatewaySimulator
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holysheep::inline v0::testing::answer_text {

/// A tool call of the model.
struct ToolCall {
    std::string id{}, name{}, arguments{};
};

/// A chat answer, which is sent as a whole or as a stream.
struct Completion {
    std::string id{}, model{};
    std::int64_t created = 1'700'000'000;
    std::vector<std::string> pieces{};  ///< the text, split as a stream sends it
    std::optional<ToolCall> tool_call{};
    std::string finish_reason = "stop";
    int choices = 1;
    std::int64_t prompt_tokens = 1;
};

/// The events of a stream: the first announces the role, `content_events` with text follow, then the rest.
struct StreamEvents {
    std::vector<std::string> events{};
    std::size_t content_events = 0;
};

struct StreamMarks {
    bool usage = false;       ///< a chunk with the usage and no choices, near the end
    bool done_marker = true;  ///< `data: [DONE]`
    bool finish_reason = true;
};

std::string completion_json(const Completion& completion);
StreamEvents stream_events(const Completion& completion, StreamMarks marks);
/// An empty `code` is sent as null, as by gateways.
std::string error_json(std::string_view message, std::string_view type, std::string_view code,
                       std::string_view param = {});
std::string error_json_for_status(int status);
std::string models_json(const std::vector<std::string>& ids);
/// Quoted and escaped; invalid UTF-8 is replaced.
std::string json_string(std::string_view text);
/// The standard reason phrase of a status.
std::string_view reason_phrase(int status);

}  // namespace holysheep::inline v0::testing::answer_text
