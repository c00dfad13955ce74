// Assembles the chunks of a stream into one answer, and reports what each of them added.
// AnswerFields → [chunk_accumulator] → ChatChunk*, ChatCompletion
#pragma once

#include <cstddef>
#include <cstdint>

#include <string>
#include <string_view>
#include <vector>

#include <holysheep/chat_completion.hpp>

#include "wire/answer_fields.hpp"
#include "wire/chunk_sink.hpp"
#include "wire/json_writer.hpp"
#include "wire/tool_call_assembler.hpp"

namespace holysheep::wire {

/// The most choices that one request can ask for; an index beyond that is an attack or a mistake.
inline constexpr std::int64_t kMaxChoices = 128;

class ChunkAccumulator {
  public:
    enum class Added { ok, bad_choice_index, too_large };

    /// `max_bytes` limits the memory for the whole stream.
    explicit ChunkAccumulator(std::size_t max_bytes) : max_bytes_(max_bytes) {}

    /// `raw` is the chunk's text, for `ChatChunk::raw_json`. Without a sink, no events are reported. After any other
    /// result than `ok` the answer is partial.
    Added add(const AnswerFields& fields, std::string_view raw, ChunkSink* sink);
    /// Reports events that are still held back (with a sink), and writes the members that are kept as JSON
    /// (`extra_json`, `logprobs_json`, `ToolCall::raw_json`) into the answer. Nothing may be added afterwards.
    void seal(ChunkSink* sink);

    /// The answer so far; before `seal`, without its JSON members.
    const ChatCompletion& completion() const { return completion_; }
    ChatCompletion take() { return std::move(completion_); }
    void record_skipped_chunk() { ++completion_.skipped_chunks; }
    void record_missing_done_marker() { completion_.done_marker_missing = true; }

    bool has_choices() const { return !completion_.choices.empty(); }
    /// There is at least one choice, and every one seen has a finish reason.
    bool all_finished() const;
    /// A content, reasoning, refusal, media or tool-call delta was reported.
    bool has_content() const { return has_content_; }
    bool has_media() const { return has_media_; }
    /// Increases with every piece of content, including held back ones, and every finish reason, but not with pings,
    /// empty deltas, repeated roles and usage.
    std::uint64_t progress() const { return progress_; }
    /// A tool call is incomplete, so a lost piece would go unnoticed.
    bool has_open_tool_call() const;
    /// The finish reason of a failed choice, such as "error" or "network_error"; "" if none failed.
    std::string_view failure_reason() const;

  private:
    struct CallState {
        JsonMembers extra{}, body_extra{};
        std::size_t reported_bytes = 0;  ///< bytes of its arguments that were reported
        bool reported = false;           ///< its name was reported, so its pieces are reported as they arrive
        bool held = false;               ///< a part of it is not reported yet
    };
    struct ChoiceState {
        ToolCallAssembler assembler{};
        std::vector<CallState> calls{};  ///< parallel to Message::tool_calls
        std::size_t held_calls = 0;      ///< calls with parts that are not reported yet
        bool by_deltas = false;          ///< a `message` repeats earlier deltas
        int reasoning_pieces = 0;        ///< arrays of reasoning blocks that were joined
        JsonMembers extra{}, message_extra{}, logprobs{}, audio{}, function_call{};
    };

    void find_positions(const AnswerFields& fields);
    std::size_t position_of(std::int64_t index);
    void add_top(const AnswerFields& fields);
    void add_choice(const AnswerFields& fields, std::size_t delta, bool repeated);
    void add_text(ChunkEvent event, std::size_t position, std::string_view text, std::string& into);
    bool add_media(const AnswerFields& fields, std::size_t delta, bool repeated);
    bool repeats(const AnswerFields& fields, std::size_t delta) const;
    bool add_tool_calls(const AnswerFields& fields, std::size_t delta, bool repeated);
    std::size_t add_tool_call(const ToolCallDelta& delta, std::size_t position);
    void report_tool_call(std::size_t position, std::size_t slot, bool is_last);
    void tell_held_calls(std::size_t position);
    void add_finish(std::size_t position, std::string_view reason);
    std::size_t add_loose(const LooseMember& member, const AnswerFields& fields);
    void tell(ChatChunk chunk);
    void seal_choice(std::size_t position);

    ChatCompletion completion_{};
    std::vector<ChoiceState> states_{};  ///< parallel to completion_.choices
    JsonMembers extra_{};
    std::size_t max_bytes_, bytes_ = 0;
    std::uint64_t progress_ = 0;
    bool has_content_ = false, has_media_ = false, started_ = false, sealed_ = false;

    // For the current chunk; the vectors keep their capacity.
    std::vector<std::size_t> positions_{};  ///< positions of its choices
    std::vector<std::size_t> slots_{};      ///< positions of its tool calls
    std::size_t next_media_ = 0;
    ChunkSink* sink_ = nullptr;
    std::string_view raw_{};
    bool told_any_ = false;
};

}  // namespace holysheep::wire
