// The conversation: messages, their parts, and tools. Everything a request says besides its settings.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <holysheep/export.hpp>

namespace holysheep {
inline namespace v0 {

enum class Role { system, developer, user, assistant, tool };

/// The parts of a message. `extra_json` is a JSON object merged over the part last, e.g. `{"cache_control":{…}}`.
/// <holysheep/media.hpp> makes them from bytes and files.
struct TextPart {
    std::string text{};
    std::string extra_json{};
};
/// `url` is an https URL or a `data:` URL; `detail` is "auto", "low", "high", or empty.
struct ImagePart {
    std::string url{}, detail{};
    std::string extra_json{};
};
/// `format` is "wav" or "mp3".
struct AudioPart {
    std::string data_base64{}, format{};
    std::string extra_json{};
};
/// Either `data_base64` (as a `data:` URL) with a name, or the id of an uploaded file.
struct FilePart {
    std::string filename{}, data_base64{}, file_id{};
    std::string extra_json{};
};
/// A part of a kind this library does not know: one JSON object, sent as it is.
struct RawPart {
    std::string json{};
};
/// An assistant's earlier refusal, as a part.
struct RefusalPart {
    std::string refusal{};
    std::string extra_json{};
};
using ContentPart = std::variant<TextPart, ImagePart, AudioPart, FilePart, RawPart, RefusalPart>;

/// A call that the model wants made. `arguments` is the raw text as it was sent, which may be "" or broken JSON.
struct ToolCall {
    std::string id{}, type = "function", name{}, arguments{}, raw_json{};
};

struct Message {
    Role role = Role::user;
    std::string content{};  ///< used when `parts` is empty
    std::vector<ContentPart> parts{};
    std::string name{}, tool_call_id{}, refusal{};
    std::string reasoning{};  ///< read from answers; whether it is sent back: `ChatRequest::reasoning_replay`
    /// The member that carried `reasoning`, under which it goes back; empty means "reasoning_content". "thinking"
    /// stands for parts of that type inside `content`, "message.thinking" for a member of that name.
    std::string reasoning_name{};
    std::vector<ToolCall> tool_calls{};
    std::string extra_json{};  ///< a JSON object merged over the message last; unknown members of answers land here
};

/// Not `system`: under a using-directive that name could call the function of the C library that runs a command.
HOLYSHEEP_EXPORT Message system_prompt(std::string text);
HOLYSHEEP_EXPORT Message user(std::string text);
HOLYSHEEP_EXPORT Message assistant(std::string text);
HOLYSHEEP_EXPORT Message tool_result(std::string tool_call_id, std::string text);

/// Something the model may call. `parameters_json` is a JSON Schema; `extra_json` merges over the tool object. A
/// `custom` tool takes text instead of arguments; `format_json` is its grammar, e.g.
/// `{"type":"grammar","grammar":{…}}`.
struct Tool {
    std::string name{}, description{}, parameters_json{};
    std::optional<bool> strict{};
    std::string extra_json{};
    enum class Kind { function, custom } kind = Kind::function;
    std::string format_json{};  ///< for `custom`
};

/// Tools are named as in `ChatRequest::tools`, where their kind is looked up.
struct ToolChoice {
    enum class Mode { automatic, none, required, named } mode = Mode::automatic;
    std::string name{};                  ///< for `named`
    std::vector<std::string> allowed{};  ///< for `automatic` and `required`: only these may be called. Empty: any
};

struct ResponseFormat {
    enum class Kind { text, json_object, json_schema } kind = Kind::text;
    std::string name{}, schema_json{};  ///< for `json_schema`
    std::optional<bool> strict{};
    std::string description{};  ///< for `json_schema`
};

}  // namespace v0
}  // namespace holysheep
