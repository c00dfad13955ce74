// Joins the pieces of a stream into one answer without a client: for recorded traffic, other transports, and whoever
// passes a stream on.
// bytes, chunks or events → [StreamAccumulator] → ChatCompletion
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include <holysheep/chat_completion.hpp>
#include <holysheep/export.hpp>
#include <holysheep/result.hpp>

namespace holysheep {
inline namespace v0 {

/// The rules are those of the client's own streams. Feed one of the three kinds, not a mixture:
///
///     holysheep::StreamAccumulator answer;
///     while (read(line)) answer.add_json(line);              // {"choices":[{"delta":…}]} each
///     auto whole = answer.finish();                          // ChatCompletion, or Error with `partial`
///
/// From one thread at a time; movable. What follows the end (`[DONE]`, an error) is ignored.
class HOLYSHEEP_EXPORT StreamAccumulator {
  public:
    /// `on_chunk` is told what each chunk adds, as the readers of a stream are; not for `add_event`.
    explicit StreamAccumulator(std::function<void(const ChatChunk&)> on_chunk = {});
    StreamAccumulator(StreamAccumulator&&) noexcept;
    StreamAccumulator& operator=(StreamAccumulator&&) noexcept;
    ~StreamAccumulator();

    /// The bytes of an event stream (`data: …`), in any pieces. False once the stream is over.
    bool add_bytes(std::string_view bytes);
    /// The JSON text of one chunk, such as `ChatChunk::raw_json`. False once the stream is over.
    bool add_json(std::string_view chunk);
    /// One event, as a ChatStream gives it. `restarted` begins afresh.
    void add_event(const ChatChunk& event);

    /// What there is so far. Members that are kept as JSON are missing before `finish`.
    const ChatCompletion& so_far() const;
    /// The verdict of a client: an answer without an end is `stream_interrupted` with `partial`. Call it once.
    Result<ChatCompletion> finish();

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace holysheep
