// The model's answer: whole (ChatCompletion), or piece by piece (ChatChunk).
// transport → wire → [ChatChunk*, ChatCompletion] → caller
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <holysheep/attempt.hpp>
#include <holysheep/export.hpp>
#include <holysheep/message.hpp>
#include <holysheep/money.hpp>
#include <holysheep/usage.hpp>

namespace holysheep {
inline namespace v0 {

/// What a choice ended with. Providers' own words are mapped to it: MAX_TOKENS is `length`, SAFETY is `content_filter`;
/// `Choice::finish_reason_text` has the word as sent. `none`: the gateway gave no reason. `error`: the generation
/// failed (also "abort", "network_error" and the like); such an answer is an `Error`, so only its `partial` has this
/// reason. `other`: a word that is not known.
enum class FinishReason { none, stop, length, tool_calls, content_filter, function_call, error, other };
HOLYSHEEP_EXPORT std::string_view to_string(FinishReason reason);

/// A source that the answer names (`annotations` of type `url_citation`). The positions are the provider's, in the
/// text.
struct UrlCitation {
    std::int64_t start_index = 0, end_index = 0;
    std::string url{}, title{};
};

struct Choice {
    int index = 0;
    Message message{};
    FinishReason finish_reason = FinishReason::none;
    std::string finish_reason_text{}, logprobs_json{};
    /// Members of the choice that have no place here, and those of its message that servers refuse when they are sent
    /// back (`annotations`, `audio`, `images`, `files`, `citations`), as one JSON object. Media of a stream are joined.
    /// Parts of the content that are media are listed in `content_parts`.
    std::string extra_json{};
    std::vector<UrlCitation> citations{};
};

/// An answer. Strings that the gateway did not send are empty. `raw_json` is the whole body of a plain call; a stream's
/// answer is assembled, so there it is empty.
struct ChatCompletion {
    std::string id{};
    std::string model{};            ///< the model that answered, as the gateway names it
    std::string requested_model{};  ///< the model that was asked for
    std::string model_reason{};     ///< why another one was asked in the end than `requested_model`: a rule, a fallback
    std::string region{}, request_id{}, service_tier{}, system_fingerprint{};
    std::int64_t created = 0;  ///< seconds since the epoch
    std::vector<Choice> choices{};
    Usage usage{};
    /// What this answer cost, as `usage` counts it; attempts that failed or lost are in their records. Unset: unknown.
    std::optional<Money> cost{};
    bool cost_is_estimate = false;  ///< see AttemptRecord
    RateLimits rate_limits{};
    std::vector<AttemptRecord> attempts{};  ///< the trail; the last winner gave this answer
    bool done_marker_missing = false;       ///< a stream that ended well, but without its `[DONE]`
    int skipped_chunks = 0;                 ///< malformed frames passed over, with `CallOptions::skip_malformed_chunks`
    std::vector<std::pair<std::string, std::string>> headers{};
    std::string raw_json{}, extra_json{};

    /// The first choice's text, "" when there is none.
    HOLYSHEEP_EXPORT const std::string& text() const;
    /// The first choice's reasoning, however the provider names it.
    HOLYSHEEP_EXPORT const std::string& reasoning_text() const;
    /// The first choice's tool calls.
    HOLYSHEEP_EXPORT const std::vector<ToolCall>& tool_calls() const;
    /// Whether the first choice calls tools. Some servers say `stop` all the same: look here, not at the reason.
    bool has_tool_calls() const { return !tool_calls().empty(); }
    /// Tokens of the prompt that came from a cache, under whichever name the provider counts them.
    std::int64_t cached_input_tokens() const { return usage.cached_input_tokens; }
    /// The price that the gateway names itself; unset where it names none.
    const std::optional<Money>& reported_cost() const { return usage.reported_cost; }
};

/// What a chunk is. One wire chunk gives 0..n of these, in order: started, reasoning, content, refusal, media, one
/// tool_call per tool delta, finish, usage; per choice in wire order.
enum class ChunkEvent {
    started,
    content,
    reasoning,
    refusal,
    tool_call,
    media,  ///< content that is not text: see MediaKind
    finish,
    usage,
    keep_alive,
    restarted,
    other
};
HOLYSHEEP_EXPORT std::string_view to_string(ChunkEvent event);

/// What the `text` of a `media` event is.
enum class MediaKind {
    none,
    audio,       ///< the next piece of the audio's base64 data
    transcript,  ///< the next piece of the words that the audio speaks
    image,       ///< the URL of one whole image, often a `data:` URL
    file         ///< the JSON of one whole file, video, or image without a URL
};

/// One event of a stream. `restarted` comes with `StreamRecovery::restart` alone: everything before it is void. The
/// views live until the next increment of the stream or the callback's return.
struct ChatChunk {
    ChunkEvent event = ChunkEvent::other;
    int choice = 0;
    std::string_view text{};  ///< content, reasoning or refusal delta; for `media` what MediaKind says
    int tool_index = 0;       ///< position of the tool call, by first appearance
    std::string_view tool_id{}, tool_name{}, tool_arguments{};
    FinishReason finish_reason = FinishReason::none;
    const Usage* usage = nullptr;       ///< for `usage`
    std::string_view raw_json{};        ///< the wire chunk this event came from
    MediaKind media = MediaKind::none;  ///< for `media`

    /// The next piece of the answer's text; "" for every other event. (`text` is also reasoning, a refusal, or media.)
    std::string_view content() const { return event == ChunkEvent::content ? text : std::string_view(); }
};

}  // namespace v0
}  // namespace holysheep
