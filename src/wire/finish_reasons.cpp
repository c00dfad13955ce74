// Maps finish reasons with a table. Sources:
// developers.openai.com/api/reference (chat completions); docs.claude.com, "Handling stop reasons";
// ai.google.dev/api/generate-content#FinishReason; docs.mistral.ai/api; api-docs.deepseek.com (chat completions);
// docs.bigmodel.cn (sensitive, network_error); docs.cohere.com/reference/chat; openrouter.ai/docs, "Finish reason";
// docs.aws.amazon.com/bedrock, Converse `stopReason`; github.com/vllm-project/vllm (abort);
// github.com/huggingface/text-generation-inference (eos_token, stop_sequence).
#include "wire/finish_reasons.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "values/ascii.hpp"

namespace holysheep::wire {
namespace {

using enum FinishReason;

constexpr std::pair<std::string_view, FinishReason> kReasons[] = {
    {"stop", stop},
    {"end_turn", stop},
    {"stop_sequence", stop},
    {"stop_token", stop},
    {"eos", stop},
    {"eos_token", stop},
    {"end", stop},
    {"done", stop},
    {"complete", stop},
    {"completed", stop},
    {"finished", stop},
    {"normal", stop},
    {"length", length},
    {"max_tokens", length},
    {"max_output_tokens", length},
    {"max_new_tokens", length},
    {"max_length", length},
    {"model_length", length},
    {"token_limit", length},
    {"context_length", length},
    {"model_context_window_exceeded", length},
    {"error_limit", length},
    {"tool_calls", tool_calls},
    {"tool_call", tool_calls},
    {"tool_use", tool_calls},
    {"function_call", function_call},
    {"content_filter", content_filter},
    {"content_filtered", content_filter},
    {"content_policy", content_filter},
    {"content_policy_violation", content_filter},
    {"safety", content_filter},
    {"recitation", content_filter},
    {"language", content_filter},
    {"blocklist", content_filter},
    {"blocked", content_filter},
    {"prohibited_content", content_filter},
    {"spii", content_filter},
    {"image_safety", content_filter},
    {"image_prohibited_content", content_filter},
    {"image_recitation", content_filter},
    {"model_armor", content_filter},
    {"sensitive", content_filter},
    {"moderation", content_filter},
    {"guardrail_intervened", content_filter},
    {"error_toxic", content_filter},
    {"refusal", content_filter},
    {"error", error},
    {"network_error", error},
    {"abort", error},
    {"aborted", error},
    {"cancel", error},
    {"cancelled", error},
    {"canceled", error},
    {"failed", error},
    {"failure", error},
    {"timeout", error},
    {"time_limit", error},
    {"internal_error", error},
    {"server_error", error},
    {"system_error", error},
    {"upstream_error", error},
    {"connection_error", error},
    {"overloaded", error},
    {"insufficient_system_resource", error},
    {"malformed_function_call", error},
    {"malformed_response", error},
    {"unexpected_tool_call", error},
};

}  // namespace

FinishReason finish_reason_from(std::string_view text) {
    if (text.empty()) return none;
    if (text == "stop") return stop;  // by far the most common one
    std::string word(text.substr(0, 64));
    std::transform(word.begin(), word.end(), word.begin(),
                   [](char c) { return c == '-' || c == ' ' ? '_' : values::lower(c); });
    // Some of Google's interfaces prefix the enumerators with their type name.
    std::string_view name = word;
    if (constexpr std::string_view kType = "finish_reason_"; name.starts_with(kType)) name.remove_prefix(kType.size());
    const auto found =
        std::find_if(std::begin(kReasons), std::end(kReasons), [&](const auto& row) { return row.first == name; });
    return found == std::end(kReasons) ? other : found->second;
}

}  // namespace holysheep::wire
