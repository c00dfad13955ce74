// One question to a model: the body of POST {base}/chat/completions.
// [ChatRequest] → wire → transport
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <holysheep/message.hpp>

namespace holysheep {
inline namespace v0 {

/// What of earlier answers' reasoning is sent back with their messages. Some providers need it to go on after tool
/// calls, some refuse it.
enum class ReasoningReplay {
    marked,  ///< what providers mark for it: `reasoning_details`, `thinking_blocks`, signatures; not the text
    all,     ///< the text too, under the name it came with
    none     ///< neither
};

/// Only members that are set are sent, so a gateway's own defaults stay in force. No range is enforced here: providers
/// differ, and the gateway's refusal is passed on. `stream` is not a member: the method that is called decides.
struct ChatRequest {
    std::string model{};
    std::vector<Message> messages{};
    std::optional<double> temperature{}, top_p{};
    std::optional<std::int64_t> max_completion_tokens{};  ///< includes reasoning tokens
    std::optional<std::int64_t> max_tokens{};             ///< the older name, which many compatible servers know only
    std::optional<int> n{};
    std::vector<std::string> stop{};
    std::optional<std::int64_t> seed{};
    std::optional<double> frequency_penalty{}, presence_penalty{};
    std::map<std::string, int> logit_bias{};
    std::optional<bool> logprobs{};
    std::optional<int> top_logprobs{};
    std::optional<ResponseFormat> response_format{};
    std::vector<Tool> tools{};
    std::optional<ToolChoice> tool_choice{};
    std::optional<bool> parallel_tool_calls{};
    std::string reasoning_effort{}, verbosity{};
    ReasoningReplay reasoning_replay = ReasoningReplay::marked;
    std::vector<std::string> modalities{};  ///< what the answer may be: "text", "audio"
    std::string prediction{};  ///< text that the answer will largely repeat; what repeats is written faster
    std::string service_tier{}, user{}, safety_identifier{}, prompt_cache_key{};
    std::map<std::string, std::string> metadata{};
    std::optional<bool> store{};
    std::optional<bool> include_usage{};        ///< streams only: `stream_options.include_usage`; unset sends nothing
    std::optional<bool> include_obfuscation{};  ///< streams only: `stream_options.include_obfuscation`
    std::string extra_json{};                   ///< a JSON object merged over the body last; see `CallOptions`
};

}  // namespace v0
}  // namespace holysheep
