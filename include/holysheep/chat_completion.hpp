// The answer of a model: complete (ChatCompletion), or as the events of a stream (ChatChunk).
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

/// Why the generation of a choice ended. Names of other providers are mapped: MAX_TOKENS is `length`, SAFETY is
/// `content_filter`; `Choice::finish_reason_text` has the name as sent.
enum class FinishReason {
    none,            ///< the gateway gave no reason
    stop,            ///< a natural end, or a stop sequence
    length,          ///< a token limit
    tool_calls,      ///< the model calls tools
    content_filter,  ///< a content policy cut the answer
    function_call,   ///< the older form of `tool_calls`
    error,  ///< the generation failed ("abort", "network_error", …): the call fails, and only `Error::partial` contains
            ///< this
    other  ///< an unknown name
};
/// The name of the enumerator.
HOLYSHEEP_EXPORT std::string_view to_string(FinishReason reason);

/// A source that the answer cites (`annotations` of type `url_citation`).
struct UrlCitation {
    std::int64_t start_index = 0;  ///< first character of the cited text, as the provider counts it
    std::int64_t end_index = 0;    ///< character after it
    std::string url{};             ///< address of the source
    std::string title{};           ///< its title
};

/// One of the alternative answers; most requests ask for one.
struct Choice {
    int index = 0;                                    ///< position among the choices
    Message message{};                                ///< the answer; append it to `ChatRequest::messages` to continue
    FinishReason finish_reason = FinishReason::none;  ///< why the generation ended
    std::string finish_reason_text{};                 ///< the reason as the gateway sent it
    std::string logprobs_json{};                      ///< `logprobs` as JSON text
    /// Other members of the choice, and members of its message that servers refuse when they are sent back
    /// (`annotations`, `audio`, `images`, `files`, `citations`), as one JSON object. Media of a stream are joined.
    /// Parts of the content that are media are listed in `content_parts`.
    std::string extra_json{};
    std::vector<UrlCitation> citations{};  ///< sources of the text
};

/// A complete answer. Strings that the gateway did not send are empty.
struct ChatCompletion {
    std::string id{};                  ///< id of the answer
    std::string model{};               ///< the model that answered, as the gateway names it
    std::string requested_model{};     ///< the model that the program requested
    std::string model_reason{};        ///< why another model answered than requested (rule, fallback); else empty
    std::string region{};              ///< id of the region that answered
    std::string request_id{};          ///< the gateway's id of the request, from the response headers
    std::string service_tier{};        ///< as sent
    std::string system_fingerprint{};  ///< as sent
    std::int64_t created = 0;          ///< seconds since the epoch
    std::vector<Choice> choices{};     ///< at least one
    Usage usage{};                     ///< tokens of this answer
    /// What this answer cost, by `usage`. The cost of failed or overtaken attempts is in their records. Unset: unknown.
    std::optional<Money> cost{};
    bool cost_is_estimate = false;          ///< see `AttemptRecord::cost_is_estimate`
    RateLimits rate_limits{};               ///< what the response headers say about quotas
    std::vector<AttemptRecord> attempts{};  ///< in the order of dispatch; the last winner gave this answer
    bool done_marker_missing = false;       ///< the stream was complete, but its `[DONE]` did not come
    int skipped_chunks = 0;                 ///< malformed frames skipped, with `CallOptions::skip_malformed_chunks`
    std::vector<std::pair<std::string, std::string>> headers{};  ///< response headers, names as sent
    std::string raw_json{};    ///< the whole body of a plain call; empty for a stream, whose answer is assembled
    std::string extra_json{};  ///< members that this library does not know, as one JSON object

    /// The text of the first choice; "" if there is none.
    HOLYSHEEP_EXPORT const std::string& text() const;
    /// The reasoning of the first choice, under whichever name the provider sends it.
    HOLYSHEEP_EXPORT const std::string& reasoning_text() const;
    /// The tool calls of the first choice.
    HOLYSHEEP_EXPORT const std::vector<ToolCall>& tool_calls() const;
    /// Whether the first choice calls tools. Use this instead of the finish reason: some servers send `stop` with
    /// calls.
    bool has_tool_calls() const { return !tool_calls().empty(); }
    /// Prompt tokens that were read from a cache, under whichever name the provider counts them.
    std::int64_t cached_input_tokens() const { return usage.cached_input_tokens; }
    /// The price that the gateway itself reported; unset: it reported none.
    const std::optional<Money>& reported_cost() const { return usage.reported_cost; }
};

/// The kind of a stream event. One chunk on the wire gives any number of events, in this order: started, reasoning,
/// content, refusal, media, one tool_call per tool delta, finish, usage; choices in wire order.
enum class ChunkEvent {
    started,     ///< the answer begins
    content,     ///< a piece of the text
    reasoning,   ///< a piece of the reasoning
    refusal,     ///< a piece of a refusal
    tool_call,   ///< a piece of a tool call
    media,       ///< content that is not text; see MediaKind
    finish,      ///< a choice ended; see `ChatChunk::finish_reason`
    usage,       ///< token counts; see `ChatChunk::usage`
    keep_alive,  ///< a comment without content
    restarted,   ///< the answer starts over; discard everything before (`StreamRecovery::restart` only)
    other        ///< a chunk without any of these
};
/// The name of the enumerator.
HOLYSHEEP_EXPORT std::string_view to_string(ChunkEvent event);

/// What the `text` of a `media` event contains.
enum class MediaKind {
    none,        ///< the event is not `media`
    audio,       ///< the next piece of base64 audio data
    transcript,  ///< the next piece of the transcript of the audio
    image,       ///< the URL of one whole image, often a `data:` URL
    file         ///< the JSON of one whole file, video, or image without a URL
};

/// One event of a stream. Its views are valid until the stream is incremented or the callback returns.
struct ChatChunk {
    ChunkEvent event = ChunkEvent::other;             ///< what kind of event this is
    int choice = 0;                                   ///< index of the choice
    std::string_view text{};                          ///< piece of content, reasoning, refusal, or media (see `media`)
    int tool_index = 0;                               ///< for `tool_call`: its position, by first appearance
    std::string_view tool_id{};                       ///< for `tool_call`: its id; may come with the first piece only
    std::string_view tool_name{};                     ///< for `tool_call`: its name; may come with the first piece only
    std::string_view tool_arguments{};                ///< for `tool_call`: the next piece of the arguments
    FinishReason finish_reason = FinishReason::none;  ///< for `finish`
    const Usage* usage = nullptr;                     ///< for `usage`
    std::string_view raw_json{};                      ///< the chunk on the wire that this event came from
    MediaKind media = MediaKind::none;                ///< for `media`: what `text` contains

    /// The next piece of the answer's text; "" for every other event. (`text` may also be reasoning, refusal or media.)
    std::string_view content() const { return event == ChunkEvent::content ? text : std::string_view(); }
};

}  // namespace v0
}  // namespace holysheep
