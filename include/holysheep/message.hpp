// The content of a request: messages, their parts, tools, and the shape of the answer.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <holysheep/export.hpp>

namespace holysheep {
inline namespace v0 {

/// The author of a message.
enum class Role { system, developer, user, assistant, tool };

/// Text as a part of a message. <holysheep/media.hpp> makes the other parts from bytes and files.
struct TextPart {
    std::string text{};        ///< UTF-8
    std::string extra_json{};  ///< a JSON object merged over the part, such as `{"cache_control":{…}}`
};
/// An image.
struct ImagePart {
    std::string url{};         ///< an https URL or a `data:` URL
    std::string detail{};      ///< "auto", "low", "high", or empty
    std::string extra_json{};  ///< a JSON object merged over the part
};
/// Audio.
struct AudioPart {
    std::string data_base64{};  ///< the audio in Base64
    std::string format{};       ///< "wav" or "mp3"
    std::string extra_json{};   ///< a JSON object merged over the part
};
/// A document: either its name and data, or the id of an uploaded file.
struct FilePart {
    std::string filename{};     ///< name, with `data_base64`
    std::string data_base64{};  ///< a `data:` URL
    std::string file_id{};      ///< id of an uploaded file
    std::string extra_json{};   ///< a JSON object merged over the part
};
/// A part of a kind that this library does not know.
struct RawPart {
    std::string json{};  ///< one JSON object, sent unchanged
};
/// An earlier refusal of the assistant.
struct RefusalPart {
    std::string refusal{};     ///< its text
    std::string extra_json{};  ///< a JSON object merged over the part
};
/// One part of a message.
using ContentPart = std::variant<TextPart, ImagePart, AudioPart, FilePart, RawPart, RefusalPart>;

/// A tool call that the model requests.
struct ToolCall {
    std::string id{};               ///< for `tool_result`
    std::string type = "function";  ///< "function" or "custom"
    std::string name{};             ///< name of the tool
    std::string arguments{};        ///< as sent: JSON text, but it may be "" or broken
    std::string raw_json{};         ///< the call as sent
};

/// One message of the conversation.
struct Message {
    Role role = Role::user;            ///< author
    std::string content{};             ///< text; ignored if `parts` is not empty
    std::vector<ContentPart> parts{};  ///< text and media, in order
    std::string name{};                ///< name of the author, to tell authors of the same role apart
    std::string tool_call_id{};        ///< for `Role::tool`: the call that this is the result of
    std::string refusal{};             ///< of an assistant: its refusal
    std::string reasoning{};           ///< of an assistant; see `ChatRequest::reasoning_replay` for sending it back
    /// The member that contained `reasoning`, under which it is sent back; empty means "reasoning_content". "thinking"
    /// stands for parts of that type inside `content`, "message.thinking" for a member of that name.
    std::string reasoning_name{};
    std::vector<ToolCall> tool_calls{};  ///< of an assistant: the calls that it requests
    std::string extra_json{};  ///< a JSON object merged over the message; also holds unknown members of an answer
};

/// A system message. It is not named `system`, because under a using-directive that name could call the C library's
/// function that runs a command.
HOLYSHEEP_EXPORT Message system_prompt(std::string text);
/// A user message.
HOLYSHEEP_EXPORT Message user(std::string text);
/// An assistant message.
HOLYSHEEP_EXPORT Message assistant(std::string text);
/// The result of a tool call, by `ToolCall::id`.
HOLYSHEEP_EXPORT Message tool_result(std::string tool_call_id, std::string text);

/// A tool that the model may call.
struct Tool {
    std::string name{};             ///< unique within the request
    std::string description{};      ///< tells the model when and how to use it
    std::string parameters_json{};  ///< JSON Schema of the arguments
    std::optional<bool> strict{};   ///< whether arguments must match the schema exactly; unset: the gateway's default
    std::string extra_json{};       ///< a JSON object merged over the tool
    /// A `custom` tool takes text instead of JSON arguments.
    enum class Kind { function, custom } kind = Kind::function;
    std::string format_json{};  ///< for `custom`: its grammar, such as `{"type":"grammar","grammar":{…}}`
};

/// Whether the model may or must call tools, named as in `ChatRequest::tools`.
struct ToolChoice {
    /// `automatic`: the model decides. `none`: no calls. `required`: at least one. `named`: the tool `name`.
    enum class Mode { automatic, none, required, named } mode = Mode::automatic;
    std::string name{};                  ///< for `named`
    std::vector<std::string> allowed{};  ///< for `automatic` and `required`: only these may be called. Empty: any
};

/// The shape of the answer. See also `chat_as` in <holysheep/structured.hpp>.
struct ResponseFormat {
    /// `json_object`: any JSON object. `json_schema`: JSON that matches `schema_json`.
    enum class Kind { text, json_object, json_schema } kind = Kind::text;
    std::string name{};            ///< for `json_schema`: name of the schema
    std::string schema_json{};     ///< for `json_schema`: JSON text of the schema
    std::optional<bool> strict{};  ///< for `json_schema`: whether the answer must match exactly
    std::string description{};     ///< for `json_schema`: tells the model what the schema is for
};

}  // namespace v0
}  // namespace holysheep
