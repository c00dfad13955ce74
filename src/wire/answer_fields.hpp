// One chunk of a stream, or one whole answer, as flat fields: both readers produce them, the accumulator consumes them.
// JSON text → answer_scan or answer_dom → [AnswerFields] → chunk_accumulator
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <holysheep/chat_completion.hpp>
#include <holysheep/usage.hpp>

#include "wire/error_fields.hpp"

namespace holysheep::wire {

/// A whole answer has `choices[].message`, a chunk has `choices[].delta`.
enum class AnswerShape { whole, chunk };

struct ToolCallDelta {
    std::size_t choice = 0;  ///< position in AnswerFields::choices
    std::optional<std::int64_t> index{};
    std::string_view id{}, type{}, name{}, arguments{};
};

struct ChoiceDelta {
    std::int64_t index = 0;
    std::string_view role{}, content{}, reasoning{}, refusal{}, finish_reason{};
    std::string_view reasoning_name{};  ///< the member that contained `reasoning`: see Message::reasoning_name
    bool is_message = false;            ///< a chunk's choice with a `message` instead of a `delta`
};

/// A piece of content that is not text, as ChunkEvent::media reports it.
struct MediaDelta {
    std::size_t choice = 0;
    MediaKind kind = MediaKind::none;
    std::string_view text{};
};

/// Members of a message that servers reject when they are sent back. They are stored with the choice.
inline bool is_output_only(std::string_view name) {
    return name == "citations" || name == "provider_specific_fields" || name == "search_results" ||
           name == "executed_tools" || name == "content_filter_results";
}

/// Where a member without a typed field was found, which decides where it is stored. `logprobs`, `audio` and
/// `function_call` are the members of those objects; `tool_body` is the object `function` or `custom` of a tool call.
enum class MemberScope { answer, choice, message, tool_call, tool_body, logprobs, audio, function_call };

/// The member's value as JSON text; never null. `owner` is the position in `choices` or, for tool_call and tool_body,
/// in `tool_calls`.
struct LooseMember {
    MemberScope scope = MemberScope::answer;
    std::size_t owner = 0;
    std::string_view name{}, json{};
};

/// The views are valid as long as the text and the reader that filled this object.
struct AnswerFields {
    std::string_view id{}, model{}, service_tier{}, system_fingerprint{};
    std::int64_t created = 0;
    bool has_choices = false;  ///< the array `choices` is present; it may be empty
    std::vector<ChoiceDelta> choices{};
    std::vector<ToolCallDelta> tool_calls{};  ///< in wire order, so grouped by choice
    std::vector<MediaDelta> media{};          ///< in wire order
    std::vector<LooseMember> loose{};
    bool has_usage = false;
    Usage usage{};
    std::optional<ErrorFields> error{};

    /// For an answer with an error: its usage is billed, so it is kept.
    void keep_usage_alone() {
        choices.clear();
        tool_calls.clear();
        media.clear();
        loose.clear();
    }
    /// Keeps the capacity, so that the next chunk causes no allocation.
    void clear() {
        id = model = service_tier = system_fingerprint = {};
        created = 0;
        has_choices = has_usage = false;
        choices.clear();
        tool_calls.clear();
        media.clear();
        loose.clear();
        error.reset();
    }
};

}  // namespace holysheep::wire
