// Decodes the body of one attempt's 200 into events, assembles the answer, and decides whether it is complete.
// body bytes → [stream_decoder: sse_decoder → answer_scan/answer_dom → chunk_accumulator] → ChunkSink, completion
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include <holysheep/chat_completion.hpp>
#include <holysheep/error.hpp>

#include "wire/chunk_sink.hpp"

namespace holysheep::wire {

struct StreamDecoderOptions {
    std::size_t max_event_bytes = 64U << 20U;
    std::size_t max_total_bytes = 64U << 20U;  ///< limit for the assembled answer
    int skip_malformed_chunks = 0;             ///< never while a tool call is open: the loss would go unnoticed
};

/// A stream is complete when `[DONE]` was read or, at the end of the body, every choice seen has a finish reason. A
/// body that is not an event stream is recognised by its first bytes, not by the content type: a JSON answer is
/// reported as if it had been streamed, a JSON error is the error, HTML is `malformed_response`.
class StreamDecoder {
  public:
    enum class State { open, complete, failed };

    /// The sink outlives the decoder and is called from inside `feed` and `end_of_body`.
    StreamDecoder(StreamDecoderOptions options, ChunkSink& sink);
    ~StreamDecoder();
    StreamDecoder(StreamDecoder&&) noexcept;
    StreamDecoder& operator=(StreamDecoder&&) noexcept;

    /// After `complete` or `failed`, further bytes are ignored.
    State feed(std::string_view bytes);
    /// `clean` is false when the connection was lost.
    State end_of_body(bool clean);
    State state() const;

    /// A content, reasoning, refusal, media or tool-call delta was reported; from then on nothing may be retried.
    bool has_content() const;
    /// Some of the reported content was media.
    bool has_media() const;
    /// Increases with content and finish reasons: see ChunkAccumulator::progress.
    std::uint64_t progress() const;
    /// Every choice seen has a finish reason: if the body ended now, the answer would be complete.
    bool has_whole_answer() const;
    /// Valid when failed. `raw_body` is at most 1 KiB of the unreadable text.
    const Error& error() const;
    /// The answer assembled so far. Its members kept as JSON are written at the end.
    const ChatCompletion& completion() const;
    /// Ends the decoder if it is still open.
    ChatCompletion take_completion();

  private:
    class Machine;
    std::unique_ptr<Machine> machine_;
};

}  // namespace holysheep::wire
