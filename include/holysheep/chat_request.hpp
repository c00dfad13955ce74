// A request to a model: the body of POST {base}/chat/completions.
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

/// Which reasoning of earlier answers is sent back with their messages. Some providers need it to continue after tool
/// calls, others refuse it.
enum class ReasoningReplay {
    marked,  ///< what providers mark for replay (`reasoning_details`, `thinking_blocks`, signatures), but not the text
    all,     ///< also the text, under the name that it came with
    none     ///< neither
};

/// Only members that are set are sent, so the gateway's defaults apply to the others; empty strings, lists and maps
/// count as not set. Ranges are not checked, because providers differ: a refusal by the gateway is returned as an
/// error. There is no member `stream`; it follows from the function that is called.
struct ChatRequest {
    std::string model{};                  ///< name of the model; see also `ClientOptions::model_rules`
    std::vector<Message> messages{};      ///< the conversation, oldest first
    std::optional<double> temperature{};  ///< randomness of sampling, usually 0..2
    std::optional<double> top_p{};        ///< nucleus sampling: the share of probability considered, 0..1
    std::optional<std::int64_t> max_completion_tokens{};  ///< longest answer, including reasoning tokens
    std::optional<std::int64_t> max_tokens{};   ///< its older name, the only one that many compatible servers know
    std::optional<int> n{};                     ///< number of choices
    std::vector<std::string> stop{};            ///< sequences that end the answer
    std::optional<std::int64_t> seed{};         ///< for repeatable sampling, if the provider supports it
    std::optional<double> frequency_penalty{};  ///< discourages frequent tokens, usually -2..2
    std::optional<double> presence_penalty{};   ///< discourages tokens that have occurred, usually -2..2
    std::map<std::string, int> logit_bias{};    ///< token id → bias, -100..100
    std::optional<bool> logprobs{};             ///< return log probabilities; see `Choice::logprobs_json`
    std::optional<int> top_logprobs{};          ///< alternatives per token, with `logprobs`
    std::optional<ResponseFormat> response_format{};             ///< shape of the answer
    std::vector<Tool> tools{};                                   ///< what the model may call
    std::optional<ToolChoice> tool_choice{};                     ///< whether and which tools it must call
    std::optional<bool> parallel_tool_calls{};                   ///< whether one answer may call several tools
    std::string reasoning_effort{};                              ///< such as "low", "medium", "high"
    std::string verbosity{};                                     ///< such as "low", "medium", "high"
    ReasoningReplay reasoning_replay = ReasoningReplay::marked;  ///< reasoning that is sent back; not sent itself
    std::vector<std::string> modalities{};                       ///< kinds of answer: "text", "audio"
    std::string prediction{};                                    ///< expected text; repeating parts of it is faster
    std::string service_tier{};                                  ///< the provider's processing class
    std::string user{};                                          ///< id of the end user
    std::string safety_identifier{};                             ///< hashed id of the end user, for abuse detection
    std::string prompt_cache_key{};                 ///< groups requests with a common prefix for the provider's cache
    std::map<std::string, std::string> metadata{};  ///< stored with the answer by the provider
    std::optional<bool> store{};                    ///< whether the provider stores the answer
    std::optional<bool> include_usage{};            ///< streams only: `stream_options.include_usage`
    std::optional<bool> include_obfuscation{};      ///< streams only: `stream_options.include_obfuscation`
    std::string extra_json{};  ///< a JSON object merged over the body; `CallOptions::extra_json` is merged after it
};

}  // namespace v0
}  // namespace holysheep
